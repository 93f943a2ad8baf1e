import { count } from './scalars.ts';

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** `8:1`; two mounts with the same device share one file system. */
  readonly device: string;
  /** The part of the file system that is mounted: `/`, a subvolume or a bind mount's folder. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

const LINES_MAX = 100_000;

/** Lines that are no mounts are counted, and skipped. */
export function parseMountinfo(text: string): {
  readonly mounts: readonly Mount[];
  readonly garbled: number;
} {
  const mounts: Mount[] = [];
  let garbled = 0;
  for (const line of text.split('\n', LINES_MAX)) {
    if (line.trim() === '') continue;
    const mount = parseLine(line);
    if (mount === undefined) garbled++;
    else mounts.push(mount);
  }
  return { mounts, garbled };
}

function parseLine(line: string): Mount | undefined {
  const fields = line.trim().split(/ +/);
  // Any number of optional fields, then a single hyphen.
  const hyphen = fields.indexOf('-', 6);
  const [id, parentId, device, root, mountPoint, options] = fields;
  const [type, source, superOptions] = hyphen < 0 ? [] : fields.slice(hyphen + 1);
  const ids = [count(id ?? ''), count(parentId ?? '')];
  if (ids[0] === undefined || ids[1] === undefined) return undefined;
  if (!/^\d+:\d+$/.test(device ?? '') || type === undefined || !mountPoint?.startsWith('/')) {
    return undefined;
  }
  return {
    id: ids[0],
    parentId: ids[1],
    device: device!,
    root: unescaped(root!),
    mountPoint: unescaped(mountPoint),
    options: options!.split(','),
    type,
    source: unescaped(source ?? ''),
    superOptions: (superOptions ?? '').split(',').filter((option) => option !== ''),
  };
}

/** The kernel writes blank, tab, newline and backslash as octal escapes. */
function unescaped(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
