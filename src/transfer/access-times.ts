const DAY_MS = 86_400_000;

/** How a file system keeps the time of the last access: each, within a day of it (`relatime`), or not at all. */
export type AccessTimes = 'each' | 'daily' | 'none';

export interface FileTimes {
  readonly accessedMs: number;
  readonly modifiedMs: number;
}

/** At least how long nobody used a file, and how that is known. */
export function idleOf(
  { accessedMs, modifiedMs }: FileTimes,
  kept: AccessTimes,
  now: number,
): { readonly idleMs: number; readonly by: 'atime' | 'mtime' } {
  if (kept === 'none') return { idleMs: Math.max(0, now - modifiedMs), by: 'mtime' };
  // A time that is kept within a day may be followed by a day of accesses that were not noted.
  const latest = kept === 'each' ? accessedMs : accessedMs + DAY_MS;
  return { idleMs: Math.max(0, now - Math.max(latest, modifiedMs)), by: 'atime' };
}

/** By the mounts of `/proc/self/mountinfo`: that of the longest mount point above the path, the last of equals. */
export function accessTimesOf(path: string, mountinfo: string): AccessTimes {
  let longest = -1;
  let options: readonly string[] = [];
  for (const line of mountinfo.split('\n')) {
    const [, , , , written = '', flags = ''] = line.split(' ');
    const point = written.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = path === point || path.startsWith(point === '/' ? '/' : `${point}/`);
    if (point === '' || !isAbove || point.length < longest) continue;
    longest = point.length;
    options = flags.split(',');
  }
  if (longest === -1 || options.includes('noatime')) return 'none';
  return options.includes('relatime') ? 'daily' : 'each';
}
