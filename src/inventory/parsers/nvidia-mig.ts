const LINES_MAX = 10_000;

export interface MigInstance {
  readonly gpu: number;
  readonly profile: string;
  readonly profileId: number;
  readonly instance: number;
  readonly start: number;
  readonly size: number;
}

/** `nvidia-smi mig -lgi`: the GPU instances that exist, and where they lie. */
export function parseMigInstances(text: string): readonly MigInstance[] {
  return rowsOf(
    text,
    /^\|\s+(\d{1,3})\s+MIG (\S{1,30})\s+(\d{1,4})\s+(\d{1,4})\s+(\d{1,2}):(\d{1,2})\s+\|/,
    (m) => ({
      gpu: Number(m[1]),
      profile: m[2]!,
      profileId: Number(m[3]),
      instance: Number(m[4]),
      start: Number(m[5]),
      size: Number(m[6]),
    }),
  );
}

export interface MigProfileOffer {
  readonly gpu: number;
  readonly profile: string;
  readonly profileId: number;
  readonly free: number;
  readonly total: number;
  readonly memoryBytes: number;
  readonly multiprocessors: number;
}

/** `nvidia-smi mig -lgip`: the profiles that this GPU offers. */
export function parseMigProfiles(text: string): readonly MigProfileOffer[] {
  return rowsOf(
    text,
    /^\|\s+(\d{1,3})\s+MIG (\S{1,30})\s+(\d{1,4})\s+(\d{1,2})\/(\d{1,2})\s+(\d{1,4}\.\d{1,2})\s+\S+\s+(\d{1,4})\s/,
    (m) => ({
      gpu: Number(m[1]),
      profile: m[2]!,
      profileId: Number(m[3]),
      free: Number(m[4]),
      total: Number(m[5]),
      // Printed in GiB with two decimals, though all sizes are multiples of 1/8 GiB.
      memoryBytes: Math.round(Number(m[6]) * 8) * 2 ** 27,
      multiprocessors: Number(m[7]),
    }),
  );
}

export interface MigPlacements {
  readonly gpu: number;
  readonly profileId: number;
  readonly starts: readonly number[];
  readonly size: number;
}

/** `nvidia-smi mig -lgipp`: where an instance of each profile may start. */
export function parseMigPlacements(text: string): readonly MigPlacements[] {
  return rowsOf(
    text,
    /^GPU\s+(\d{1,3}) Profile ID\s+(\d{1,4}) Placements?\s*: \{([\d,]{0,60})\}:(\d{1,2})\s*$/,
    (m) => ({
      gpu: Number(m[1]),
      profileId: Number(m[2]),
      starts: m[3]!
        .split(',')
        .filter((start) => start !== '')
        .map(Number),
      size: Number(m[4]),
    }),
  );
}

function rowsOf<T>(
  text: string,
  pattern: RegExp,
  read: (match: RegExpExecArray) => T,
): readonly T[] {
  const found: T[] = [];
  for (const line of text.split(/\r?\n/, LINES_MAX)) {
    const match = pattern.exec(line);
    if (match !== null) found.push(read(match));
  }
  return found;
}
