import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statfsSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { FileSystemSize, HostReader, ReadOutcome, ReadProblem } from '../host-reader.ts';
import { runProgram } from './run-program.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const NAMES_MAX = 262_144;
/** As many as Linux itself follows (MAXSYMLINKS). */
const LINKS_MAX = 40;
const CACHED_FOLDERS_MAX = 65_536;

/** Reads the host whose root folder is `sysroot`: `/` is this machine, anything else a recorded tree. */
export function openHostReader(options: { readonly sysroot: string }): HostReader {
  const sysroot = resolve(options.sysroot);
  const isLive = sysroot === '/';
  const world: World = isLive ? liveWorld : recordedWorld(sysroot);
  const read = (path: string, maxBytes = FILE_BYTES_MAX): ReadOutcome<Buffer> =>
    attempt(path, () => readRegular(world.locate(path), maxBytes));
  return {
    text(path, maxBytes) {
      const bytes = read(path, maxBytes);
      return bytes.ok ? { ok: true, value: bytes.value.toString('utf8') } : bytes;
    },
    bytes: read,
    list: (path) => attempt(path, () => namesIn(world.locate(path))),
    link: (path) => attempt(path, () => world.linkTarget(path)),
    exists(path) {
      const found = attempt(path, () => existsSync(world.locate(path)));
      return found.ok && found.value;
    },
    statfs: (path) =>
      isLive
        ? attempt(path, () => fileSystemSize(path))
        : refused('absent', `${path}: a recorded tree has no file system sizes`),
    run(program, args, timeoutMs) {
      if (isLive) return runProgram(program, args, timeoutMs);
      const name = [program, ...args].join(' ').replaceAll('/', '%');
      const recorded = read(`/.berth-commands/${name}`, OUTPUT_BYTES_MAX);
      return Promise.resolve(
        recorded.ok ? { ok: true, value: recorded.value.toString('utf8') } : recorded,
      );
    },
  };
}

/** How a path of the host is found on this machine. Both throw system errors. */
interface World {
  locate(path: string): string;
  linkTarget(path: string): string;
}

const liveWorld: World = {
  locate: (path) => path,
  linkTarget: (path) => resolve(realpathSync.native(dirname(path)), readlinkSync(path)),
};

/** Follows symbolic links as if `sysroot` were `/`, so that an absolute link cannot leave the tree. */
function recordedWorld(sysroot: string): World {
  const folders = new Map<string, string>();
  const walk = (path: string, budget: { links: number }): string => {
    if (/^\/+$/.test(path)) return '/';
    const parent = folder(dirname(path), budget);
    const inside = resolve(parent, basename(path));
    const stat = lstatSync(join(sysroot, inside));
    if (!stat.isSymbolicLink()) return inside;
    if (--budget.links < 0) throw withCode('ELOOP', `${path}: too many symbolic links`);
    return walk(resolve(parent, readlinkSync(join(sysroot, inside))), budget);
  };
  const folder = (path: string, budget: { links: number }): string => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const found = walk(path, budget);
    if (folders.size >= CACHED_FOLDERS_MAX) folders.clear();
    folders.set(path, found);
    return found;
  };
  return {
    // Not normalised: `link/../x` is beside what the link leads to, as the kernel has it.
    locate: (path) => join(sysroot, walk(`/${path}`, { links: LINKS_MAX })),
    linkTarget(path) {
      const parent = folder(dirname(`/${path}`), { links: LINKS_MAX });
      return resolve(parent, readlinkSync(join(sysroot, parent, basename(path))));
    },
  };
}

function readRegular(path: string, maxBytes: number): Buffer {
  // O_NONBLOCK: a FIFO or a device must not make us wait.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw withCode('EINVAL', 'not a regular file');
    if (stat.size > maxBytes && stat.blocks > 0) throw tooLarge(`over ${maxBytes} bytes`);
    // Files of /proc say size 0 and those of /sys 4,096, whatever they hold.
    let buffer = Buffer.allocUnsafe(Math.min(maxBytes + 1, Math.max(stat.size + 1, 4097)));
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, buffer.length - length, null);
      length += got;
      if (length > maxBytes) throw tooLarge(`over ${maxBytes} bytes`);
      if (got === 0) return buffer.subarray(0, length);
      if (length === buffer.length) {
        const larger = Buffer.allocUnsafe(Math.min(maxBytes + 1, buffer.length * 4));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
    }
  } finally {
    closeSync(fd);
  }
}

function namesIn(path: string): string[] {
  const names = readdirSync(path);
  if (names.length > NAMES_MAX) throw tooLarge(`over ${NAMES_MAX} names`);
  return names.sort();
}

function fileSystemSize(path: string): FileSystemSize {
  const s = statfsSync(path, { bigint: true });
  const safe = (n: bigint) =>
    Number(n > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : n);
  return {
    totalBytes: safe(s.blocks * s.bsize),
    freeBytes: safe(s.bfree * s.bsize),
    availableBytes: safe(s.bavail * s.bsize),
    inodes: safe(s.files),
    inodesFree: safe(s.ffree),
  };
}

const KIND_OF_CODE: Readonly<Record<string, ReadProblem['kind']>> = {
  ENOENT: 'absent',
  ENOTDIR: 'absent',
  ENXIO: 'absent',
  ENODEV: 'absent',
  ESRCH: 'absent',
  EACCES: 'denied',
  EPERM: 'denied',
  EFBIG: 'too-large',
  ERR_FS_FILE_TOO_LARGE: 'too-large',
};

function attempt<T>(path: string, work: () => T): ReadOutcome<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // Not a symbolic link: readlink says EINVAL where there is a plain file.
    const kind = code === 'EINVAL' && isReadlink(error) ? 'absent' : KIND_OF_CODE[code];
    const words = error instanceof Error ? error.message : String(error);
    return refused(kind ?? 'failed', `${path}: ${words}`);
  }
}

const isReadlink = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && error.syscall === 'readlink';

const refused = (
  kind: ReadProblem['kind'],
  detail: string,
): { ok: false; problem: ReadProblem } => ({
  ok: false,
  problem: { kind, detail },
});

const withCode = (code: string, message: string): Error =>
  Object.assign(new Error(message), { code });

const tooLarge = (message: string): Error => withCode('EFBIG', message);
