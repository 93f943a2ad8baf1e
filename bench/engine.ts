import { parseArgs } from 'node:util';
import { timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import type { TenantId } from '../src/model/ids.ts';
import type { Event } from '../src/model/messages.ts';
import { PriorityScheduler } from '../src/scheduling/priority-scheduler.ts';
import type { Scorer } from '../src/scheduling/scorer.ts';
import { bestFit } from '../src/scheduling/scorers/best-fit.ts';
import { scorers } from '../src/scheduling/scorers/registry.ts';
import { GIB, node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';

const tenant = 'bench' as TenantId;

interface Size {
  readonly jobs: number;
  readonly nodes: number;
  readonly shapes: number;
  /** Nodes get eight GPUs, and jobs ask for shares of one, for one, two, four or eight. */
  readonly gpus: boolean;
}

const GPU_ASKS = [470, 320, 650, 230, 1000, 810, 1000, 500, 2000, 1000, 160, 8000, 1000, 4000];

/** Nodes of 64 cores and 256 GiB; jobs of 1 … 8 cores in `shapes` sizes: about nine tenths full. */
function build(size: Size, scorer: Scorer): { engine: Engine; events: Event[]; seconds: number } {
  const engine = new Engine(
    { tasksMax: 10_000_000, endedMax: 1_000 },
    { scheduler: (deps) => new PriorityScheduler(deps, scorer) },
  );
  const events: Event[] = [];
  for (let i = 0; i < size.nodes; i++) {
    const joined = node(`n${i}`, {
      cpu: 64_000,
      memory: 256 * GIB,
      gpus: size.gpus ? 8 : 0,
    });
    engine.apply({ kind: 'node-joined', at: timeMs(0), node: joined });
  }
  const specs = Array.from({ length: size.shapes }, (_, i) =>
    workload(
      'bench',
      step('s', {
        request: resources({
          cpu: 1000 + (i % 8) * 500,
          memory: (1 + (i % 13)) * GIB,
          gpu: size.gpus ? GPU_ASKS[i % GPU_ASKS.length]! : 0,
        }),
      }),
    ),
  );
  const started = performance.now();
  for (let i = 0; i < size.jobs; i++) {
    const decision = engine.decide({
      kind: 'submit',
      at: timeMs(i),
      tenant,
      spec: specs[i % specs.length]!,
    });
    for (const event of decision.events) {
      engine.apply(event);
      events.push(event);
    }
    for (let e = engine.next(timeMs(i)); e !== undefined; e = engine.next(timeMs(i))) {
      engine.apply(e);
      events.push(e);
    }
  }
  return { engine, events, seconds: (performance.now() - started) / 1000 };
}

export const engineBench: Bench = {
  what: 'submit and place jobs on modelled nodes: decisions/s  [--jobs N] [--nodes N] [--shapes N] [--scorer NAME] [--gpus]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: '100000' },
        nodes: { type: 'string', default: '10000' },
        shapes: { type: 'string', default: '50' },
        scorer: { type: 'string', default: bestFit.name },
        gpus: { type: 'boolean', default: false },
      },
    });
    const size = {
      jobs: Number(values.jobs),
      nodes: Number(values.nodes),
      shapes: Number(values.shapes),
      gpus: values.gpus,
    };
    const scorer = scorers.find(({ name }) => name === values.scorer);
    if (scorer === undefined) {
      throw new Error(`--scorer is one of ${scorers.map(({ name }) => name).join(', ')}`);
    }
    const { engine, events, seconds } = build(size, scorer);
    const placed = events.filter((event) => event.kind === 'task-placed').length;
    const before = performance.now();
    engine.next(timeMs(size.jobs));
    const idlePassMs = performance.now() - before;
    return {
      ...size,
      scorer: scorer.name,
      placed,
      seconds,
      placements_per_s: Math.round(placed / seconds),
      idle_pass_ms: idlePassMs,
    };
  },
};

export const replayBench: Bench = {
  what: 'apply a journal of events to an empty engine: events/s  [--events N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { events: { type: 'string', default: '1000000' } },
    });
    const want = Number(values.events);
    const { events } = build(
      { jobs: Math.ceil(want / 2), nodes: 200, shapes: 1, gpus: false },
      bestFit,
    );
    const engine = new Engine(
      { tasksMax: 10_000_000, endedMax: 1_000 },
      { scheduler: (deps) => new PriorityScheduler(deps, bestFit) },
    );
    for (let i = 0; i < 200; i++) {
      engine.apply({
        kind: 'node-joined',
        at: timeMs(0),
        node: node(`n${i}`, { cpu: 64_000, memory: 256 * GIB }),
      });
    }
    const started = performance.now();
    for (const event of events) engine.apply(event);
    const seconds = (performance.now() - started) / 1000;
    return { events: events.length, seconds, events_per_s: Math.round(events.length / seconds) };
  },
};
