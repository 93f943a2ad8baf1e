import type { Labels, Reading } from './metric.ts';

/** A file of a cgroup of one task, and what its text says. */
export interface TaskFile {
  readonly path: string;
  /** Cheap, and looked at by many: each second. The others are read in turn. */
  readonly often: boolean;
  readonly says: 'cpu' | 'memory' | 'other';
  /** Of its readings; the same object each time. */
  readonly labels: Labels;
  read(text: string): readonly Reading[];
}

/** Where the cgroups of a task are, by aspect: `all` in cgroup v2, `accounting` beside those of v1 on a hybrid host. */
export type TaskFolders = ReadonlyMap<string, string>;

const MICRO = 1e6;
const NANO = 1e9;

/** @param labels one object for as long as the task runs: whoever keeps series finds them by it. */
export function taskFiles(folders: TaskFolders, labels: Labels): readonly TaskFile[] {
  const v2 = folders.get('all');
  const whole = v2 ?? folders.get('accounting');
  return [
    ...(whole === undefined ? [] : [...cpuFiles(whole, labels), ...pressureFiles(whole, labels)]),
    ...(v2 === undefined ? filesOfV1(folders, labels) : filesOfV2(v2, labels)),
  ];
}

function cpuFiles(folder: string, labels: Labels): TaskFile[] {
  const read = (text: string): Reading[] => {
    const used = field(text, 'usage_usec ');
    const throttled = field(text, 'throttled_usec ');
    return [
      ...one('berth_task_cpu_seconds_total', labels, used, MICRO),
      ...one('berth_task_throttled_seconds_total', labels, throttled, MICRO),
    ];
  };
  return [{ path: `${folder}/cpu.stat`, often: true, says: 'cpu', labels, read }];
}

/** Pressure of cgroups (kernel: Documentation/accounting/psi.rst): cgroup v2 alone has it. */
function pressureFiles(folder: string, labels: Labels): TaskFile[] {
  return ['cpu', 'memory', 'io'].map((resource) => {
    const named = { ...labels, resource };
    const read = (text: string): readonly Reading[] => {
      const some = text.startsWith('some ') ? field(text, 'total=') : undefined;
      return one('berth_task_pressure_waiting_seconds_total', named, some, MICRO);
    };
    return {
      path: `${folder}/${resource}.pressure`,
      often: false,
      says: 'other',
      labels: named,
      read,
    };
  });
}

function filesOfV2(folder: string, labels: Labels): TaskFile[] {
  return [
    memoryFile(`${folder}/memory.current`, labels),
    countFile(`${folder}/pids.current`, labels),
    faultsFile(`${folder}/memory.stat`, 'pgmajfault ', labels),
    {
      path: `${folder}/io.stat`,
      often: false,
      says: 'other',
      labels,
      // `8:0 rbytes=1 wbytes=2 rios=3 …`, a line for each disk.
      read: (text) => moved(labels, sumOf(text, / rbytes=(\d+)/g), sumOf(text, / wbytes=(\d+)/g)),
    },
  ];
}

function filesOfV1(folders: TaskFolders, labels: Labels): TaskFile[] {
  const [cpu, memory, pids, io] = ['cpu', 'memory', 'pids', 'io'].map((one) => folders.get(one));
  const files: TaskFile[] = [];
  if (cpu !== undefined) {
    files.push({
      path: `${cpu}/cpu.stat`,
      often: false,
      says: 'other',
      labels,
      read: (text) =>
        one('berth_task_throttled_seconds_total', labels, field(text, 'throttled_time '), NANO),
    });
    // Where it is mounted with `cpu`; the folder of cgroup v2 says the same.
    if (!folders.has('accounting')) {
      files.push({
        path: `${cpu}/cpuacct.usage`,
        often: true,
        says: 'cpu',
        labels,
        read: (text) => one('berth_task_cpu_seconds_total', labels, field(text, ''), NANO),
      });
    }
  }
  if (memory !== undefined) {
    files.push(memoryFile(`${memory}/memory.usage_in_bytes`, labels));
    files.push(faultsFile(`${memory}/memory.stat`, 'total_pgmajfault ', labels));
  }
  if (pids !== undefined) files.push(countFile(`${pids}/pids.current`, labels));
  if (io !== undefined) {
    files.push({
      path: `${io}/blkio.throttle.io_service_bytes_recursive`,
      often: false,
      says: 'other',
      labels,
      // `8:0 Read 1`, a line for each disk and kind.
      read: (text) => moved(labels, sumOf(text, / Read (\d+)/g), sumOf(text, / Write (\d+)/g)),
    });
  }
  return files;
}

const memoryFile = (path: string, labels: Labels): TaskFile => ({
  path,
  often: true,
  says: 'memory',
  labels,
  read: (text) => one('berth_task_memory_bytes', labels, field(text, ''), 1),
});

const countFile = (path: string, labels: Labels): TaskFile => ({
  path,
  often: false,
  says: 'other',
  labels,
  read: (text) => one('berth_task_processes', labels, field(text, ''), 1),
});

const faultsFile = (path: string, name: string, labels: Labels): TaskFile => ({
  path,
  often: false,
  says: 'other',
  labels,
  read: (text) => one('berth_task_major_faults_total', labels, field(text, name), 1),
});

const moved = (labels: Labels, read: number, written: number): readonly Reading[] => [
  ...one('berth_task_read_bytes_total', labels, read, 1),
  ...one('berth_task_written_bytes_total', labels, written, 1),
];

function one(name: string, labels: Labels, amount: number | undefined, unit: number): Reading[] {
  return amount === undefined ? [] : [{ name, labels, value: amount / unit }];
}

/** The whole number after the name, at the start of a line or after a blank. By hand: it is read a thousand times a second. */
function field(text: string, name: string): number | undefined {
  let at = text.indexOf(name);
  while (at > 0 && text[at - 1] !== '\n' && text[at - 1] !== ' ') at = text.indexOf(name, at + 1);
  if (at < 0) return undefined;
  let value = 0;
  let digits = 0;
  for (let i = at + name.length; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    digits++;
  }
  return digits === 0 || !Number.isSafeInteger(value) ? undefined : value;
}

function sumOf(text: string, figure: RegExp): number {
  let sum = 0;
  for (const [, digits] of text.matchAll(figure)) sum += Number(digits);
  return sum;
}
