import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type RunningTask, TaskMetrics } from '../src/app/task-metrics.ts';
import { timeMs } from '../src/base/units.ts';
import { parentsOf } from '../src/execution/confinement.ts';
import { openConfinementSite } from '../src/execution/io/local/confinement-site.ts';
import { runProgram } from '../src/inventory/io/run-program.ts';
import type { AttemptId } from '../src/model/ids.ts';
import { families } from '../src/telemetry/families.ts';
import { openSampling } from '../src/telemetry/io/sampling.ts';
import { LatestReadings } from '../src/telemetry/latest.ts';
import { samplers } from '../src/telemetry/samplers/registry.ts';
import type { Bench } from './bench.ts';
import { cpuMs, load, rounded } from './cpu-time.ts';

/** What the kernel writes for a group in which something runs, for where no cgroups can be made. */
const RECORDED: Readonly<Record<string, string>> = {
  'cpu.stat':
    'usage_usec 4711\nuser_usec 4000\nsystem_usec 711\nnr_periods 10\nnr_throttled 2\nthrottled_usec 99\n',
  'memory.current': '123456789\n',
  'pids.current': '3\n',
  'io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n',
  'memory.stat': `${'anon 4096\nfile 4096\nkernel_stack 16384\n'.repeat(15)}pgmajfault 5\n`,
  ...Object.fromEntries(
    ['cpu', 'memory', 'io'].map((resource) => [
      `${resource}.pressure`,
      'some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4\n',
    ]),
  ),
};

interface Groups {
  readonly kind: string;
  readonly folders: readonly ReadonlyMap<string, string>[];
  remove(): void;
}

export const samplingBench: Bench = {
  what: 'host and tasks sampled each second, in cgroups of this kernel  [--tasks N] [--seconds N] [--recorded]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        tasks: { type: 'string', default: '200' },
        seconds: { type: 'string', default: '30' },
        recorded: { type: 'boolean', default: false },
      },
    });
    const tasks = Number(values.tasks);
    const seconds = Number(values.seconds);
    const groups = (values.recorded ? undefined : realGroups(tasks)) ?? recordedGroups(tasks);
    try {
      return { groups: groups.kind, ...(await measure(groups, seconds)) };
    } finally {
      groups.remove();
    }
  },
};

async function measure({ folders }: Groups, seconds: number) {
  const running = runningTasks(folders.length);
  const live = new LatestReadings(families, () => performance.now());
  const metrics = new TaskMetrics({
    running: () => running,
    uses: { foldersOf: (id) => folders[Number(id.split('.')[0])], of: () => undefined },
    live,
  });
  const stop = new AbortController();
  const done = Promise.withResolvers<void>();
  let ticks = 0;
  let kept = 0;
  let before = { own: 0, children: 0 };
  let heldBefore = 0;
  const held = () => live.latest('berth_sampling_cpu_seconds_total')[0]?.value ?? 0;
  openSampling({
    samplers,
    sources: metrics.sources(),
    live,
    sysroot: '/',
    now: () => timeMs(Date.now()),
    run: runProgram,
    signal: stop.signal,
    onTick: (_, readings) => {
      ticks++;
      kept += readings.length;
      // What is compiled is warm by then.
      if (ticks === 11) {
        before = cpuMs('self');
        heldBefore = held();
        kept = 0;
      }
      if (ticks === 11 + seconds) done.resolve();
    },
  });
  const loadBefore = load();
  await done.promise;
  const after = cpuMs('self');
  const asideMs = asideCpuMs();
  const result = {
    tasks: folders.length,
    seconds,
    load_before: loadBefore,
    load_after: load(),
    series: live.size,
    readings_per_second: rounded(kept / seconds),
    // All of this process: sampling, its timers, its collector of garbage.
    core_percent: rounded((after.own - before.own) / seconds / 10),
    held_percent: rounded(((held() - heldBefore) / seconds) * 100),
    // Of the whole run, start and all: the process that reads what may hang, and programs.
    children_percent: rounded((asideMs + after.children) / (seconds + 11) / 10),
  };
  stop.abort();
  metrics.close();
  return result;
}

/** CPU of the process that reads aside; it is a child that still runs. */
function asideCpuMs(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
  return children
    .split(' ')
    .reduce((sum, pid) => sum + (pid === '' ? 0 : cpuMs(Number(pid)).own), 0);
}

function runningTasks(count: number): readonly RunningTask[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${i}.step.0.1` as AttemptId,
    startedAt: timeMs(1),
    placement: { held: { cpu: 1_000 }, memoryLimit: 2 ** 30 },
    task: { tenant: `team-${i % 7}`, step: { spec: { id: 'step' }, workload: { id: `${i}` } } },
  }));
}

/** As the driver makes them here; undefined where it may not. */
function realGroups(count: number): Groups | undefined {
  const site = openConfinementSite('auto', `berth-${process.pid.toString(16).padStart(8, '0')}`);
  if (site.driver === 'unprivileged') return undefined;
  const accounting = site.terms?.accounting;
  const parents: [string, string][] =
    site.driver === 'cgroup-v2'
      ? [['all', site.parent]]
      : [
          ...Object.entries(site.parents),
          ...(accounting === undefined ? [] : [['accounting', accounting] as [string, string]]),
        ];
  const made: string[] = [];
  const folders = Array.from(
    { length: count },
    (_, i) =>
      new Map(
        parents.map(([aspect, parent]) => {
          const folder = `${parent}/${i}.step.0.1`;
          mkdirSync(folder);
          made.push(folder);
          return [aspect, folder];
        }),
      ),
  );
  return {
    kind: site.driver,
    folders,
    remove() {
      for (const folder of [...made, ...new Set(parentsOf(site))]) rmdirSync(folder);
    },
  };
}

function recordedGroups(count: number): Groups {
  const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const folders = Array.from({ length: count }, (_, i) => {
    const folder = join(dir, `${i}`);
    mkdirSync(folder);
    for (const [name, text] of Object.entries(RECORDED)) writeFileSync(join(folder, name), text);
    return new Map([['all', folder]]);
  });
  return { kind: 'recorded', folders, remove: () => rmSync(dir, { recursive: true }) };
}
