export interface TableMount {
  readonly type: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
}

const MOUNTS_MAX = 65_536;

/** Blanks and backslashes in paths are written as three octal digits. */
const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** /proc/mounts: what is left where a tree was recorded without mountinfo. */
export function parseMounts(text: string): TableMount[] {
  const found: TableMount[] = [];
  for (const line of text.split('\n', MOUNTS_MAX)) {
    const [, mountPoint, type, options] = line.split(' ');
    if (mountPoint === undefined || type === undefined) continue;
    found.push({
      type,
      mountPoint: unescapeOctal(mountPoint),
      options: (options ?? '').split(','),
    });
  }
  return found;
}
