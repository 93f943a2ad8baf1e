import { formatBytes } from '../../base/format.ts';
import type { parseProcessIo, parseSchedstat, parseSwitches, TaskStat } from './process-files.ts';
import { PAGE_BYTES, TICK_MS } from './process-files.ts';
import { percent } from './report.ts';

/** One process at one moment, with its threads. What may not be read is undefined. */
export interface ProcessReading {
  readonly pid: number;
  readonly stat: TaskStat;
  readonly io: ReturnType<typeof parseProcessIo>;
  readonly threads: readonly ThreadReading[];
}

export interface ThreadReading {
  readonly tid: number;
  readonly stat: TaskStat;
  readonly schedule: ReturnType<typeof parseSchedstat>;
  readonly switches: ReturnType<typeof parseSwitches>;
}

/** What threads did at one of many moments: their state, and in which function of the kernel those slept that did. */
export interface ThreadState {
  readonly state: string;
  readonly waitsIn: string | undefined;
}

export interface ProfileInput {
  readonly elapsedMs: number;
  readonly cpus: number;
  readonly before: readonly ProcessReading[];
  readonly after: readonly ProcessReading[];
  /** One list for each look in between. */
  readonly looks: readonly (readonly ThreadState[])[];
  /** Seconds in a second for which a CPU limit held it back; undefined: it has none, or nobody counts. */
  readonly throttled: number | undefined;
}

export type Bound =
  | 'cpu'
  | 'one-thread'
  | 'cpu-limit'
  | 'run-queue'
  | 'disk'
  | 'memory'
  | 'locks'
  | 'network'
  | 'idle'
  | 'gone';

export interface ProcessProfile {
  readonly pid: number;
  readonly command: string;
  readonly threads: number;
  /** CPUs used. */
  readonly cpu: number;
  readonly residentBytes: number;
  readonly readBytesPerSecond: number | undefined;
  readonly writtenBytesPerSecond: number | undefined;
}

export interface Profile {
  readonly elapsedMs: number;
  readonly bound: Bound;
  /** What bounds it, with the figures that say so. */
  readonly sentence: string;
  readonly processes: number;
  readonly threads: number;
  /** CPUs used, in programs and in the kernel. */
  readonly cpuUser: number;
  readonly cpuSystem: number;
  /** Threads that were ready and did not run, on average. */
  readonly waitingForCpu: number | undefined;
  readonly throttled: number | undefined;
  readonly voluntarySwitches: number | undefined;
  readonly involuntarySwitches: number | undefined;
  readonly minorFaults: number;
  readonly majorFaults: number;
  readonly readBytesPerSecond: number | undefined;
  readonly writtenBytesPerSecond: number | undefined;
  readonly residentBytes: number;
  /** Threads in each state, on average. */
  readonly states: readonly { readonly state: string; readonly threads: number }[];
  /** Threads that waited for locks, on average. */
  readonly inLocks: number;
  /** Where threads slept in the kernel, on average; most first. */
  readonly waits: readonly { readonly in: string; readonly threads: number }[];
  /** The busiest first. */
  readonly top: readonly ProcessProfile[];
}

const TOP_MAX = 10;
/** Of the time that threads were ready or ran, the part that they waited. */
const QUEUED_MIN = 0.25;
const THROTTLED_MIN = 0.2;
const BUSY_THREAD = 0.8;
/** Threads in uninterruptible sleep, on average. */
const DISK_MIN = 0.3;
const FAULTS_MIN = 50;
/** Threads that wait for locks wake each other all the time; those that merely have nothing to do sleep on. */
export const LOCK_SWITCHES_MIN = 2_000;
const NETWORK_WAITS = /^(sk_wait|tcp_|inet_|unix_stream|wait_woken|__skb_wait|skb_)/;
const LOCK_WAITS = /^(futex|rwsem|__mutex|mutex|rt_mutex)/;

/** What a tree of processes did between two readings, and what bounds it. */
export function profileOf(input: ProfileInput): Profile {
  const measured = measure(input);
  const { bound, sentence } = boundOf(measured, input.cpus);
  return { ...measured, bound, sentence };
}

type Measured = Omit<Profile, 'bound' | 'sentence'>;

function measure(input: ProfileInput): Measured {
  const { before, after, elapsedMs } = input;
  const seconds = elapsedMs / 1_000;
  const known = new Map(before.map((one) => [processKey(one), one]));
  const pairs = after.map((now): Pair => [known.get(processKey(now)), now]);
  const sum = (of: (stat: TaskStat) => number): number =>
    pairs.reduce((all, [then, now]) => all + of(now.stat) - (then ? of(then.stat) : 0), 0);
  const cpus = (ticks: number): number => (ticks * TICK_MS) / elapsedMs;
  const io = pairs.map(([then, now]) => ioOf(then, now, seconds));
  return {
    elapsedMs,
    processes: after.length,
    threads: after.reduce((all, { threads }) => all + threads.length, 0),
    cpuUser: cpus(sum(({ userTicks }) => userTicks)),
    cpuSystem: cpus(sum(({ systemTicks }) => systemTicks)),
    throttled: input.throttled,
    ...threadSums(input, seconds),
    minorFaults: sum(({ minorFaults }) => minorFaults) / seconds,
    majorFaults: sum(({ majorFaults }) => majorFaults) / seconds,
    readBytesPerSecond: total(io.map(({ read }) => read)),
    writtenBytesPerSecond: total(io.map(({ written }) => written)),
    residentBytes: after.reduce((all, { stat }) => all + stat.residentPages * PAGE_BYTES, 0),
    states: averages(input.looks, ({ state }) => state).map(([state, threads]) => {
      return { state, threads };
    }),
    inLocks: averages(input.looks, ({ waitsIn }) => waitsIn)
      .filter(([where]) => LOCK_WAITS.test(where))
      .reduce((sum, [, threads]) => sum + threads, 0),
    waits: averages(input.looks, ({ waitsIn }) => waitsIn)
      .slice(0, TOP_MAX)
      .map(([where, threads]) => ({ in: where, threads })),
    top: pairs
      .map(([then, now], i): ProcessProfile => {
        const ticks = (stat: TaskStat): number => stat.userTicks + stat.systemTicks;
        return {
          pid: now.pid,
          command: now.stat.command,
          threads: now.threads.length,
          cpu: cpus(ticks(now.stat) - (then ? ticks(then.stat) : 0)),
          residentBytes: now.stat.residentPages * PAGE_BYTES,
          readBytesPerSecond: io[i]!.read,
          writtenBytesPerSecond: io[i]!.written,
        };
      })
      .toSorted((a, b) => b.cpu - a.cpu || b.residentBytes - a.residentBytes || a.pid - b.pid)
      .slice(0, TOP_MAX),
  };
}

/** A process that began in between has nothing before. */
type Pair = readonly [then: ProcessReading | undefined, now: ProcessReading];

/** A number is given to another process once it is free. */
const processKey = ({ pid, stat }: ProcessReading): string => `${pid} ${stat.startTicks}`;

function ioOf(then: ProcessReading | undefined, now: ProcessReading, seconds: number) {
  const of = (key: 'read' | 'written'): number | undefined =>
    now.io === undefined ? undefined : (now.io[key] - (then?.io?.[key] ?? 0)) / seconds;
  return { read: of('read'), written: of('written') };
}

function total(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((all, value) => all + value, 0);
}

function threadSums({ before, after, elapsedMs }: ProfileInput, seconds: number) {
  const key = ({ tid, stat }: ThreadReading): string => `${tid} ${stat.startTicks}`;
  const then = new Map(before.flatMap(({ threads }) => threads.map((one) => [key(one), one])));
  const grown = (of: (thread: ThreadReading) => number | undefined): number | undefined =>
    total(
      after.flatMap(({ threads }) =>
        threads.map((thread) => {
          const now = of(thread);
          const former = then.get(key(thread));
          return now === undefined ? undefined : now - ((former && of(former)) ?? 0);
        }),
      ),
    );
  const waitedNs = grown(({ schedule }) => schedule?.waitedNs);
  const perSecond = (count: number | undefined): number | undefined =>
    count === undefined ? undefined : count / seconds;
  return {
    waitingForCpu: waitedNs === undefined ? undefined : waitedNs / (elapsedMs * 1_000_000),
    voluntarySwitches: perSecond(grown(({ switches }) => switches?.voluntary)),
    involuntarySwitches: perSecond(grown(({ switches }) => switches?.involuntary)),
  };
}

function averages(
  looks: ProfileInput['looks'],
  of: (thread: ThreadState) => string | undefined,
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const thread of looks.flat()) {
    const name = of(thread);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, count]) => [name, count / looks.length] as const)
    .toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function boundOf(profile: Measured, cpus: number): { bound: Bound; sentence: string } {
  const { cpuUser, cpuSystem, waitingForCpu = 0, throttled = 0, majorFaults, waits } = profile;
  if (profile.processes === 0) return { bound: 'gone', sentence: 'Nothing of it runs any more.' };
  const used = cpuUser + cpuSystem;
  const threadsIn = (pattern: RegExp): number =>
    waits.filter((one) => pattern.test(one.in)).reduce((sum, one) => sum + one.threads, 0);
  const inDisk = profile.states.find(({ state }) => state === 'D')?.threads ?? 0;
  const { inLocks } = profile;
  const busiest = profile.top[0];
  const uses = `It uses ${number(used)} CPUs (${percent(used > 0 ? cpuSystem / used : 0)} in the kernel)`;
  if (throttled >= THROTTLED_MIN) {
    return {
      bound: 'cpu-limit',
      sentence: `Its own CPU limit holds it back, ${percent(Math.min(1, throttled))} of the time. ${uses}.`,
    };
  }
  if (waitingForCpu >= 0.2 && waitingForCpu >= (used + waitingForCpu) * QUEUED_MIN) {
    return {
      bound: 'run-queue',
      sentence: `It waits for CPUs: ${number(waitingForCpu)} of its threads were ready and did not run. ${uses}.`,
    };
  }
  if (inDisk >= DISK_MIN && inDisk >= used) {
    if (majorFaults >= FAULTS_MIN) {
      return {
        bound: 'memory',
        sentence: `It waits for memory to be read back: ${Math.round(majorFaults)} major faults a second, ${number(inDisk)} threads wait. ${uses}.`,
      };
    }
    const moved = (profile.readBytesPerSecond ?? 0) + (profile.writtenBytesPerSecond ?? 0);
    return {
      bound: 'disk',
      sentence: `It waits for a disk: ${number(inDisk)} threads at a time, ${formatBytes(Math.round(moved))}/s. ${uses}.`,
    };
  }
  if (inLocks >= 1 && (profile.voluntarySwitches ?? 0) >= LOCK_SWITCHES_MIN) {
    return {
      bound: 'locks',
      sentence: `Its threads wait for each other: ${number(inLocks)} of them in locks, ${Math.round(profile.voluntarySwitches ?? 0)} switches a second. ${uses}.`,
    };
  }
  if (used >= cpus * BUSY_THREAD) {
    return { bound: 'cpu', sentence: `It uses all CPUs that there are. ${uses}.` };
  }
  if (used >= BUSY_THREAD && busiest !== undefined && busiest.cpu >= BUSY_THREAD) {
    const alone = busiest.cpu < 1.2;
    return {
      bound: alone ? 'one-thread' : 'cpu',
      sentence: alone
        ? `One thread computes all the time (${busiest.command}, process ${busiest.pid}); more CPUs would not help it. ${uses}.`
        : `It computes. ${uses}.`,
    };
  }
  const onNetwork = threadsIn(NETWORK_WAITS);
  if (onNetwork >= 0.5 && used < BUSY_THREAD) {
    return {
      bound: 'network',
      sentence: `It waits for the network: ${number(onNetwork)} threads. ${uses}.`,
    };
  }
  const [most] = waits;
  const where = most === undefined ? '' : `, most threads in ${most.in}`;
  return used >= BUSY_THREAD
    ? { bound: 'cpu', sentence: `It computes in many processes. ${uses}.` }
    : {
        bound: 'idle',
        sentence: `Nothing bounds it: it mostly waits for something to do${where}. ${uses}.`,
      };
}

const number = (value: number): string => String(Number(value.toFixed(2)));
