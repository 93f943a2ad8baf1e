import { parseArgs } from 'node:util';
import { timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../src/engine/snapshot.ts';
import type { TenantId } from '../src/model/ids.ts';
import { defaultScheduling } from '../src/model/scheduling-config.ts';
import { makeScheduler } from '../src/scheduling/make-scheduler.ts';
import { GIB, node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load, median, rounded } from './cpu-time.ts';

const tenants = ['ada', 'ben', 'eve'] as TenantId[];
const SHAPES = 50;

interface Size {
  readonly nodes: number;
  readonly jobs: number;
  readonly running: number;
}

/** As many nodes of one core as tasks run, and others that are too small: the rest waits. Each job has a document of its own. */
function build({ nodes, jobs, running }: Size): Engine {
  const options = { tasksMax: 10_000_000, endedMax: 1_000 };
  const engine = new Engine(options, { scheduler: makeScheduler(defaultScheduling) });
  const at = timeMs(0);
  for (let i = 0; i < nodes; i++) {
    const made = node(`n${i}`, { cpu: i < running ? 1000 : 500, memory: 64 * GIB });
    engine.apply({ kind: 'node-joined', at, node: made });
  }
  for (let i = 0; i < jobs; i++) {
    const request = resources({ cpu: 1000, memory: (1 + (i % SHAPES)) * GIB });
    const spec = workload(`job-${i}`, step('main', { request }));
    const command = { kind: 'submit', at, tenant: tenants[i % tenants.length]!, spec } as const;
    for (const event of engine.decide(command).events) engine.apply(event);
    if (i >= running) continue;
    for (let e = engine.next(at); e !== undefined; e = engine.next(at)) engine.apply(e);
  }
  engine.next(at);
  return engine;
}

/** Wall and CPU milliseconds of one call. */
function timed(run: () => void): { readonly ms: number; readonly cpuMs: number } {
  const begun = performance.now();
  const cpuMs = cpuOf(run);
  return { ms: performance.now() - begun, cpuMs };
}

function summary(runs: readonly { readonly ms: number; readonly cpuMs: number }[]) {
  const of = (key: 'ms' | 'cpuMs'): number => rounded(median(runs.map((run) => run[key])));
  return {
    ms: of('ms'),
    least_ms: rounded(Math.min(...runs.map(({ ms }) => ms))),
    cpu_ms: of('cpuMs'),
  };
}

export const forkBench: Bench = {
  what: 'copy the state of a live engine: as a fork, and by the text of a snapshot  [--nodes N] [--jobs N] [--running N] [--repeats N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string', default: '10000' },
        jobs: { type: 'string', default: '100000' },
        running: { type: 'string', default: '5000' },
        repeats: { type: 'string', default: '9' },
      },
    });
    const size = {
      nodes: Number(values.nodes),
      jobs: Number(values.jobs),
      running: Number(values.running),
    };
    const engine = build(size);
    const times = { length: Number(values.repeats) };
    const fork = Array.from(times, () => timed(() => engine.fork()));
    const text = Array.from({ length: 3 }, () =>
      timed(() => restoreSnapshot(engine.empty().state, takeSnapshot(engine.state))),
    );
    return { ...size, fork: summary(fork), by_snapshot_text: summary(text), load: load() };
  },
};
