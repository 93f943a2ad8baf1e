import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { spanMs, timeMs } from '../src/base/units.ts';
import type { TenantId } from '../src/model/ids.ts';
import { engineFor, policyNamed } from '../src/simulation/policies.ts';
import { type SimulationEnd, simulate } from '../src/simulation/simulate.ts';
import type { Trace, TraceJob } from '../src/simulation/trace.ts';
import { GIB, node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load, median, rounded } from './cpu-time.ts';
import { readLog, replaySwf } from './swf.ts';

const DATA = process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../shared/data');
const KTH = join(DATA, 'swf/KTH-SP2-1996-2.1-cln.swf.gz');
const KTH_PROCS = 100;
const LONG = 250_000;
const TENANTS = 100;
const EVENTS_JOBS = 100_000;
const CORES = [1, 1, 1, 2, 2, 4, 4, 8, 16, 32] as const;
/** What users say, in minutes: a few round numbers, as in the logs. */
const SAID = [15, 30, 60, 120, 240, 480] as const;
const MINUTE_MS = 60_000;

type Figures = Readonly<Record<string, number>>;

const kth = (): Trace => readLog(KTH, KTH_PROCS, Number.POSITIVE_INFINITY);

/** The log over and over, each time after the last arrival of the time before. */
function longLog(): Trace {
  const trace = kth();
  const once = [...trace.jobs];
  const spanOfAll = once.at(-1)!.at - once[0]!.at + 10 * MINUTE_MS;
  const jobs = Array.from({ length: LONG }, (_, i): TraceJob => {
    const job = once[i % once.length]!;
    const round = Math.floor(i / once.length);
    return { ...job, id: String(i + 1), at: timeMs(job.at + round * spanOfAll) };
  });
  return { ...trace, jobs, count: LONG };
}

/** What the part `million` is of. */
interface Size {
  readonly jobs: number;
  readonly nodes: number;
  /** What is asked for, as a part of what there is. */
  readonly load: number;
  readonly policy: string;
}

/**
 * Jobs for nodes of 64 cores: 1 … 32 cores, 5 to 100 % of what their users said,
 * which is a quarter of an hour to eight hours. Drawn as they arrive.
 */
function million({ jobs: count, nodes, load: asked }: Size): Trace {
  const shapes = CORES.map((cores) =>
    SAID.map((minutes) =>
      workload(
        'job',
        step('s', {
          request: resources({ cpu: cores * 1000, memory: cores * 4 * GIB }),
          estimateMs: spanMs(minutes * MINUTE_MS),
        }),
      ),
    ),
  );
  const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b) / of.length;
  const work = mean(CORES) * mean(SAID) * MINUTE_MS * 0.525;
  const gapMs = work / (nodes * 64 * asked);
  const jobs = {
    *[Symbol.iterator](): Generator<TraceJob> {
      const prng = new Prng(8);
      let at = 0;
      for (let i = 0; i < count; i++) {
        // Between nothing and twice the mean.
        at += (gapMs * prng.below(2001)) / 1000;
        const said = prng.below(SAID.length);
        // A few submit much: tenant n as often as all after it.
        const tenant = Math.min(TENANTS - 1, Math.clz32(prng.next()) * 5 + prng.below(5));
        yield {
          id: String(i + 1),
          at: timeMs(Math.floor(at)),
          tenant: `t${tenant}` as TenantId,
          spec: shapes[prng.below(CORES.length)]![said]!,
          runMs: spanMs(Math.floor((SAID[said]! * MINUTE_MS * prng.between(5, 100)) / 100)),
        };
      }
    },
  };
  return { name: 'million', format: 'drawn', jobs, count, skipped: [] };
}

/** On the only node there is always room: what is left is the engine itself. */
function roomy(): Trace {
  const spec = workload('job', step('s', { request: resources({ cpu: 1000, memory: 0 }) }));
  const jobs = Array.from({ length: EVENTS_JOBS }, (_, i) => ({
    id: String(i + 1),
    at: timeMs(i),
    tenant: 'one' as TenantId,
    spec,
    runMs: spanMs(50),
  }));
  return { name: 'roomy', format: 'drawn', jobs, count: EVENTS_JOBS, skipped: [] };
}

function timed(trace: Trace, cores: number, nodes: number, policy: string): Figures {
  const named = policyNamed(policy);
  if ('why' in named) throw new Error(named.why);
  const joined = Array.from({ length: nodes }, (_, i) =>
    node(`n${i}`, { cpu: cores * 1000, memory: cores * 4 * GIB }),
  );
  let end: SimulationEnd | undefined;
  let waitMs = 0;
  let waitingMost = 0;
  const startedAt = performance.now();
  const cpuMs = cpuOf(() => {
    let waiting = 0;
    end = simulate({
      trace,
      nodes: joined,
      engine: engineFor(named.config),
      seed: 1,
      observers: [
        {
          happened(event) {
            if (event.kind === 'workload-submitted') {
              waitMs -= event.at;
              waiting++;
            } else if (event.kind === 'task-placed') {
              waitMs += event.at;
              waiting--;
            }
          },
          settled() {
            waitingMost = Math.max(waitingMost, waiting);
          },
        },
      ],
    });
  });
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    seconds,
    cpu_seconds: cpuMs / 1000,
    events: end!.events,
    events_per_s: end!.events / seconds,
    events_per_cpu_s: (end!.events * 1000) / cpuMs,
    mean_wait_s: waitMs / 1000 / trace.count,
    waiting_most: waitingMost,
    unended: end!.unended,
  };
}

const swf = (read: () => Trace) => (): Figures => {
  const trace = read();
  globalThis.gc?.();
  return replaySwf(trace, 'easy');
};

/** Each in a process of its own. Aims are those of tracker 8. */
const parts: Readonly<Record<string, { readonly aim: Figures; run(size: Size): Figures }>> = {
  kth: { aim: { seconds_most: 0.5 }, run: swf(kth) },
  log: { aim: { seconds_most: 5 }, run: swf(longLog) },
  events: {
    aim: { events_per_s_least: 300_000 },
    run: ({ policy }) => timed(roomy(), 64, 1, policy),
  },
  million: {
    aim: { seconds_most: 60, rss_gb_most: 4 },
    run: (size) => timed(million(size), 64, size.nodes, size.policy),
  },
};

function partOf(name: string, rest: readonly string[]): Figures {
  const args = ['--expose-gc', process.argv[1]!, 'simulation', '--part', name, ...rest];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 600_000 });
  if (done.status !== 0) throw new Error(`${name}: ${done.stderr}`);
  return JSON.parse(done.stdout) as Figures;
}

export const simulationBench: Bench = {
  what: 'simulations against the aims of their speed  [--part kth|log|events|million] [--rounds N] [--jobs N] [--nodes N] [--load 0.95] [--policy NAME]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        part: { type: 'string' },
        rounds: { type: 'string', default: '3' },
        jobs: { type: 'string', default: '1000000' },
        nodes: { type: 'string', default: '10000' },
        load: { type: 'string', default: '0.95' },
        policy: { type: 'string', default: 'fair-share' },
      },
    });
    const { jobs, nodes, load: asked, policy } = values;
    if (values.part !== undefined) {
      const part = parts[values.part];
      if (part === undefined) throw new Error(`--part is one of ${Object.keys(parts).join(', ')}`);
      const size = { jobs: Number(jobs), nodes: Number(nodes), load: Number(asked), policy };
      const figures = part.run(size);
      const rss = process.resourceUsage().maxRSS / 1024 ** 2;
      return rounding({ ...figures, rss_gb: rss });
    }
    const rest = ['--jobs', jobs, '--nodes', nodes, '--load', asked, '--policy', policy];
    const before = load();
    const figures = Object.fromEntries(
      Object.entries(parts).map(([name, { aim }]) => {
        const rounds = name === 'million' ? 1 : Number(values.rounds);
        const all = Array.from({ length: rounds }, () => partOf(name, rest));
        return [name, { ...medians(all), ...aim }];
      }),
    );
    return { load_before: before, ...figures, load_after: load() };
  },
};

const rounding = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)]));

const medians = (all: readonly Figures[]): Figures =>
  Object.fromEntries(
    Object.keys(all[0]!).map((name) => [name, median(all.map((figures) => figures[name]!))]),
  );
