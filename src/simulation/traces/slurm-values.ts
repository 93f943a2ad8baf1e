/** Longer than any job runs: 1,000 years. */
const SECONDS_MAX = 1000 * 365 * 86_400;

/**
 * A time of Slurm in seconds: `1-02:03:04`, `02:03:04`, `03:04` as minutes and seconds, `2-12` as days and hours, or
 * with parts of a second. Undefined: it is none, or no limit at all (`UNLIMITED`, `Partition_Limit`).
 */
export function readSlurmSpan(text: string): number | undefined {
  const [, days, rest = ''] = /^(?:(\d{1,6})-)?([\d:.]{1,32})$/.exec(text.trim()) ?? [];
  const parts = rest.split(':');
  if (parts.length > 3 || !parts.every((part, i) => isPart(part, i === parts.length - 1))) {
    return undefined;
  }
  const numbers = parts.map(Number);
  // After days, hours come first; without, seconds come last.
  const [hours = 0, minutes = 0, seconds = 0] =
    days !== undefined ? numbers : [...Array<number>(3 - numbers.length).fill(0), ...numbers];
  const span = Number(days ?? 0) * 86_400 + hours * 3_600 + minutes * 60 + seconds;
  return span <= SECONDS_MAX ? span : undefined;
}

const isPart = (part: string, isLast: boolean): boolean =>
  isLast ? /^\d{1,9}(\.\d{1,9})?$/.test(part) : /^\d{1,9}$/.test(part);

/** `2024-01-31T12:00:00` in milliseconds since 1970, as if it were UTC: the dump does not say where it was made. */
export function readSlurmTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text)) return undefined;
  const at = Date.parse(`${text}Z`);
  return Number.isNaN(at) || at < 0 ? undefined : at;
}

const BINARY: Readonly<Record<string, number>> = {
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
  P: 2 ** 50,
};

/** An amount of memory, in units of 1,024; without a unit, of MiB. */
export function readSlurmMemory(text: string): number | undefined {
  const [, number, unit = 'M'] = /^(\d{1,15}(?:\.\d{1,9})?)([KMGTP])?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const bytes = Math.ceil(Number(number) * BINARY[unit]!);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Trackable resources of a job, all its nodes together. */
export interface Tres {
  readonly cpu?: number;
  /** In bytes. */
  readonly memory?: number;
  readonly nodes?: number;
  readonly gpus?: number;
  /** As the cluster names it. */
  readonly gpuModel?: string;
}

const COUNT_MAX = 10_000_000;

/** `billing=8,cpu=8,gres/gpu:a100=2,mem=64G,node=2`; what is not understood is left out. */
export function readTres(text: string): Tres {
  const tres: { -readonly [Key in keyof Tres]: Tres[Key] } = {};
  let ofModels = 0;
  for (const part of text.slice(0, 10_000).split(',')) {
    const [, name = '', value = ''] = /^([^=]{1,100})=([^=]{1,40})$/.exec(part.trim()) ?? [];
    const count = /^\d{1,9}$/.test(value) && Number(value) <= COUNT_MAX ? Number(value) : undefined;
    const [, model] = /^gres\/gpu:(.+)$/.exec(name) ?? [];
    if (name === 'mem') tres.memory = readSlurmMemory(value) ?? 0;
    else if (count === undefined) continue;
    else if (name === 'cpu') tres.cpu = count;
    else if (name === 'node') tres.nodes = count;
    else if (name === 'gres/gpu') tres.gpus = count;
    else if (model !== undefined) {
      ofModels += count;
      tres.gpuModel ??= model;
    }
  }
  if (tres.gpus === undefined && ofModels > 0) tres.gpus = ofModels;
  return tres;
}
