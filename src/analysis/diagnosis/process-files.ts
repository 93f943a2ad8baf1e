/** What /proc tells of one thread or process (proc(5)). Ticks are hundredths of a second (USER_HZ). */
export interface TaskStat {
  readonly command: string;
  /** R, S, D, T, Z… */
  readonly state: string;
  readonly parent: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threads: number;
  /** Ticks since boot: with the number, it names the process for good. */
  readonly startTicks: number;
  readonly residentPages: number;
}

export const TICK_MS = 10;
export const PAGE_BYTES = 4_096;

/** /proc/PID/stat. The command may hold anything, so what follows its last bracket is read. */
export function parseTaskStat(text: string): TaskStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const [state, ...fields] = text
    .slice(close + 2)
    .trim()
    .split(' ');
  const at = (field: number): number => Number(fields[field - 4] ?? Number.NaN);
  const stat = {
    command: text.slice(open + 1, close),
    state: state ?? '?',
    parent: at(4),
    minorFaults: at(10),
    majorFaults: at(12),
    userTicks: at(14),
    systemTicks: at(15),
    threads: at(20),
    startTicks: at(22),
    residentPages: at(24),
  };
  const { command, state: letter, ...numbers } = stat;
  if (letter.length !== 1 || command.length > 256) return undefined;
  return Object.values(numbers).every(Number.isSafeInteger) ? stat : undefined;
}

/** /proc/PID/schedstat: ns that ran, and ns that waited to run. */
export function parseSchedstat(text: string) {
  const [ran, waited] = text.trim().split(' ').map(Number);
  if (!Number.isFinite(ran) || !Number.isFinite(waited)) return undefined;
  return { ranNs: ran!, waitedNs: waited! };
}

/** Of /proc/PID/status. */
export function parseSwitches(text: string) {
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const voluntary = of('voluntary_ctxt_switches');
  const involuntary = of('nonvoluntary_ctxt_switches');
  return Number.isSafeInteger(voluntary + involuntary) ? { voluntary, involuntary } : undefined;
}

/** /proc/PID/io: bytes that reached a disk, and all that went through system calls. */
export function parseProcessIo(text: string) {
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const io = {
    read: of('read_bytes'),
    written: of('write_bytes'),
    through: of('rchar') + of('wchar'),
  };
  return Object.values(io).every(Number.isSafeInteger) ? io : undefined;
}

/** Which container a process is in, from its /proc/PID/cgroup; undefined: in none that is known. */
export function containerOf(cgroup: string): { runtime: string; id: string } | undefined {
  for (const line of cgroup.split('\n')) {
    const path = line.split(':').slice(2).join(':');
    const scope = /(docker|cri-containerd|crio|libpod)-([0-9a-f]{64})\.scope/.exec(path);
    if (scope !== null) return { runtime: runtimes[scope[1]!]!, id: scope[2]! };
    const plain = /\/(docker|kubepods|containerd|libpod)(?:\/.*)?\/([0-9a-f]{64})(?:\/|$)/.exec(
      path,
    );
    if (plain !== null) return { runtime: runtimes[plain[1]!]!, id: plain[2]! };
  }
  return undefined;
}

const runtimes: Readonly<Record<string, string>> = {
  docker: 'docker',
  'cri-containerd': 'containerd',
  containerd: 'containerd',
  kubepods: 'kubernetes',
  crio: 'cri-o',
  libpod: 'podman',
};

/** Numbers of futex(2), futex_wait(2) and the like. */
const FUTEX: Readonly<Record<string, ReadonlySet<number>>> = {
  x64: new Set([202, 449, 455]),
  arm64: new Set([98, 449, 455]),
};

/**
 * Where a thread sleeps in the kernel: /proc/PID/task/TID/wchan, and where that keeps it to itself, the system call that
 * it is in (`syscall`), as far as that is a lock. Undefined: it runs, or one may not know.
 */
export function waitOf(
  wchan: string | undefined,
  syscall: () => string | undefined,
  arch: string,
): string | undefined {
  const where = wchan?.trim();
  if (where !== undefined && where !== '' && where !== '0') return where;
  const number = /^(\d+) /.exec(syscall() ?? '')?.[1];
  return number !== undefined && FUTEX[arch]?.has(Number(number)) ? 'futex' : undefined;
}
