import { spanMs, timeMs } from '../../src/base/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import type { Observer } from '../../src/simulation/observer.ts';
import { engineFor, policyNamed } from '../../src/simulation/policies.ts';
import { type SimulationEnd, simulate } from '../../src/simulation/simulate.ts';
import type { SimulationOptions } from '../../src/simulation/site-model.ts';
import type { Trace, TraceJob } from '../../src/simulation/trace.ts';
import { node, resources, step, workload } from './workload.ts';

export interface JobChanges {
  readonly cpu?: number;
  readonly tenant?: string;
  readonly truth?: TraceJob['truth'];
  readonly spec?: WorkloadSpec;
  readonly step?: Partial<Omit<StepSpec, 'id' | 'needs'>>;
  /** What its user said, in seconds; absent: as long as it runs. */
  readonly said?: number;
}

/** A job of one task, in seconds; a CPU is 1. */
export function job(id: string, at: number, run: number, changes: JobChanges = {}): TraceJob {
  const { cpu = 1, tenant = 'ann', truth, said = run } = changes;
  const terms = {
    request: resources({ cpu: cpu * 1000, memory: 0 }),
    estimateMs: spanMs(said * 1000),
    ...changes.step,
  };
  return {
    id,
    at: timeMs(at * 1000),
    tenant: tenant as TenantId,
    spec: changes.spec ?? workload(id, step('s', terms)),
    runMs: spanMs(run * 1000),
    ...(truth && { truth }),
  };
}

export const traceOf = (jobs: readonly TraceJob[]): Trace => ({
  name: 'test',
  format: 'test',
  jobs,
  count: jobs.length,
  skipped: [],
});

/** Under the policy of that name, over the default site. */
export function engineNamed(name: string): () => Engine {
  const policy = policyNamed(name);
  if ('why' in policy) throw new Error(policy.why);
  return engineFor(policy.config);
}

export const machine = (cpus: number, id = 'm') => node(id, { cpu: cpus * 1000, memory: 2 ** 40 });

export interface Play {
  readonly end: SimulationEnd;
  readonly events: readonly Event[];
  /** `0 a placed m` … in seconds, by the ids of the trace. */
  readonly lines: readonly string[];
}

export type PlayOptions = Omit<Partial<SimulationOptions>, 'trace'> & {
  readonly jobs: readonly TraceJob[];
};

/** Runs the jobs on one machine of four CPUs, first come first served, unless told otherwise. */
export function playTrace({ jobs, ...rest }: PlayOptions): Play {
  const events: Event[] = [];
  const lines: string[] = [];
  const names = new Map<string, string>();
  const of = (attempt: string): string => {
    const [workload, id, , number] = attempt.split('.');
    const name = names.get(workload!)!;
    return `${name}${id === 's' ? '' : `.${id}`}${number === '1' ? '' : `#${number}`}`;
  };
  const recorder: Observer = {
    accepted: (accepted, workload) => names.set(workload, accepted.id),
    refused: (refused, at, why) => lines.push(`${at / 1000} ${refused.id} refused: ${why}`),
    happened: (event) => {
      events.push(event);
      const at = event.at / 1000;
      if (event.kind === 'task-placed') {
        lines.push(`${at} ${of(event.attempt)} on ${event.placement.node}`);
      } else if (event.kind === 'task-ended') {
        lines.push(`${at} ${of(event.attempt)} ${event.end.cause}`);
      } else if (event.kind === 'stop-ordered') {
        lines.push(`${at} ${of(event.attempt)} told to stop`);
      }
    },
  };
  const end = simulate({
    trace: traceOf(jobs),
    nodes: [machine(4)],
    engine: engineNamed('fcfs'),
    seed: 1,
    ...rest,
    observers: [recorder, ...(rest.observers ?? [])],
  });
  return { end, events, lines };
}
