export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly mountPoint: string;
  /** The folder of the file system that is mounted there; `/` unless it is a part (bind mount, cgroup namespace). */
  readonly root: string;
  readonly options: readonly string[];
}

const MOUNTS_MAX = 65_536;

/** Blanks and backslashes in paths are written as three octal digits. */
const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** /proc/mounts, which does not tell the root. */
export function parseMounts(text: string): Mount[] {
  const found: Mount[] = [];
  for (const line of text.split('\n').slice(0, MOUNTS_MAX)) {
    const [source, mountPoint, type, options] = line.split(' ');
    if (source === undefined || mountPoint === undefined || type === undefined) continue;
    found.push({
      type,
      source: unescapeOctal(source),
      mountPoint: unescapeOctal(mountPoint),
      root: '/',
      options: (options ?? '').split(','),
    });
  }
  return found;
}

/** /proc/self/mountinfo: `id parent major:minor root point options [optional…] - type source superoptions`. */
export function parseMountinfo(text: string): Mount[] {
  const found: Mount[] = [];
  for (const line of text.split('\n').slice(0, MOUNTS_MAX)) {
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const [type, source, superOptions] = dash < 0 ? [] : fields.slice(dash + 1);
    if (type === undefined || source === undefined) continue;
    found.push({
      type,
      source: unescapeOctal(source),
      mountPoint: unescapeOctal(fields[4]!),
      root: unescapeOctal(fields[3]!),
      options: [...(fields[5] ?? '').split(','), ...(superOptions ?? '').split(',')],
    });
  }
  return found;
}
