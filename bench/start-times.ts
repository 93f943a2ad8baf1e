import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { type SpanMs, spanMs, timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import { RunTimes } from '../src/forecasting/run-times.ts';
import type { TenantId } from '../src/model/ids.ts';
import { defaultScheduling } from '../src/model/scheduling-config.ts';
import { makeScheduler } from '../src/scheduling/make-scheduler.ts';
import { forecastStartsNow } from '../src/simulation/start-times.ts';
import { GIB, node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load, median, rounded } from './cpu-time.ts';

const tenants = Array.from({ length: 20 }, (_, i) => `t${i}` as TenantId);
const MINUTE_MS = 60_000;

const SHAPES = 40;

/** A full site: jobs of 20 tenants and 40 shapes, of which so many wait. */
function build(nodes: number, waiting: number): Engine {
  const engine = new Engine(
    { tasksMax: 10_000_000, endedMax: 1_000 },
    { scheduler: makeScheduler(defaultScheduling) },
  );
  const at = timeMs(0);
  const prng = new Prng(1);
  const requests = Array.from({ length: SHAPES }, () =>
    resources({
      cpu: prng.between(1, 16) * 1000,
      memory: prng.between(1, 8) * 8 * GIB,
      gpu: prng.pick([0, 1000, 2000, 4000]),
    }),
  );
  for (let i = 0; i < nodes; i++) {
    const made = node(`n${i}`, { cpu: 32_000, memory: 256 * GIB, gpus: 8 });
    engine.apply({ kind: 'node-joined', at, node: made });
  }
  for (let i = 0; engine.state.tasksActive - runningOf(engine) < waiting; i++) {
    const request = prng.pick(requests);
    const estimateMs = (prng.between(1, 48) * 10 * MINUTE_MS) as SpanMs;
    const base = step('main', { request, estimateMs });
    const made = { ...base, limits: { ...base.limits, wallMs: estimateMs, graceMs: spanMs(0) } };
    const spec = workload(`job-${i % 50}`, made);
    const command = { kind: 'submit', at, tenant: prng.pick(tenants), spec } as const;
    for (const event of engine.decide(command).events) engine.apply(event);
    for (let e = engine.next(at); e !== undefined; e = engine.next(at)) engine.apply(e);
  }
  return engine;
}

const runningOf = ({ state }: Engine): number => [...state.runningAttempts()].length;

export const startTimesBench: Bench = {
  what: 'when everything that waits starts, with intervals  [--nodes N] [--waiting N] [--draws N] [--events N] [--grain N] [--repeats N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string', default: '50' },
        waiting: { type: 'string', default: '1000' },
        draws: { type: 'string', default: '19' },
        events: { type: 'string', default: '50000' },
        grain: { type: 'string', default: '32' },
        repeats: { type: 'string', default: '9' },
      },
    });
    const engine = build(Number(values.nodes), Number(values.waiting));
    const runTimes = new RunTimes();
    const prng = new Prng(2);
    for (let i = 0; i < 2_000; i++) {
      const estimateMs = prng.between(1, 48) * 10 * MINUTE_MS;
      const of = { tenant: prng.pick(tenants), name: `job-${i % 50}`, estimateMs };
      runTimes.learn(of, (estimateMs * prng.between(5, 100)) / 100);
    }
    const grain = Number(values.grain);
    const once = () =>
      forecastStartsNow({
        fork: () => engine.fork(),
        at: timeMs(MINUTE_MS),
        runTimeOf: ({ tenant, estimateMs, step: { workload: of } }) =>
          runTimes.predict({
            tenant,
            name: of.spec.name,
            ...(estimateMs !== undefined && { estimateMs, limitMs: estimateMs }),
          }),
        seed: 1,
        ...(grain > 0 && { grain }),
        drawsMax: Number(values.draws),
        eventsMax: Number(values.events),
      });
    const before = load();
    const runs = Array.from({ length: Number(values.repeats) }, () => {
      const begun = performance.now();
      const cpuMs = cpuOf(once);
      return { ms: performance.now() - begun, cpuMs };
    });
    const found = [...once().values()];
    return {
      waiting: found.length,
      running: runningOf(engine),
      draws: found[0]?.draws,
      with_interval: found.filter(({ high }) => high !== undefined).length,
      beyond: found.filter(({ median: middle }) => middle === undefined).length,
      ms: rounded(median(runs.map(({ ms }) => ms))),
      least_ms: rounded(Math.min(...runs.map(({ ms }) => ms))),
      cpu_ms: rounded(median(runs.map(({ cpuMs }) => cpuMs))),
      load_before: before,
      load_after: load(),
    };
  },
};
