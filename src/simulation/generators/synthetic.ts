import { Prng } from '../../base/prng.ts';
import type { Bytes } from '../../base/units.ts';
import { milliCpu, milliGpu, type SpanMs, type TimeMs } from '../../base/units.ts';
import type { TenantId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import type { Trace, TraceJob } from '../trace.ts';
import { plainShape, traceSpec } from '../traces/trace-spec.ts';
import { type Arrivals, arrivalTimes } from './arrivals.ts';
import { drawLength, firstAbove, type Lengths, uniform, zipf } from './distributions.ts';
import { drawEstimate, type Estimates } from './estimates.ts';

export const SYNTHETIC_FORMAT = 'synthetic';
/** The beginning of every generated trace: 1 January 2024, a Monday, in UTC. */
export const SYNTHETIC_START = 1_704_067_200_000;
/** Nothing takes longer: 90 days. */
const RUN_MAX_S = 90 * 86_400;

/** What a part of the jobs asks for. */
export interface Demand {
  /** In proportion to those of the others. */
  readonly share: number;
  /** Of each task. */
  readonly cores: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  /** They start together. */
  readonly tasks: number;
  /** Absent: as the trace has them. */
  readonly runTimes?: Lengths;
  readonly name?: string;
}

export interface SyntheticParams {
  readonly name: string;
  readonly jobs: number;
  readonly arrivals: Arrivals;
  readonly runTimes: Lengths;
  readonly demands: readonly Demand[];
  readonly estimates: Estimates;
  readonly tenants: Tenants;
  readonly nodes?: readonly Node[];
}

export interface Tenants {
  readonly count: number;
  /** The k-th submits in proportion to 1 / k^zipf. */
  readonly zipf: number;
}

/** Jobs that are drawn one by one as they are asked for; the same from the same seed, each time. */
export function synthetic(params: SyntheticParams, seed: number): Trace {
  const { name, jobs: count, nodes } = params;
  return {
    name: `${name}, seed ${seed}`,
    format: SYNTHETIC_FORMAT,
    jobs: { [Symbol.iterator]: () => drawJobs(params, seed) },
    count,
    ...(nodes !== undefined && { nodes }),
    skipped: [],
  };
}

function* drawJobs(params: SyntheticParams, seed: number): Generator<TraceJob> {
  const { demands, tenants, arrivals, estimates } = params;
  const prng = new Prng(seed);
  const times = arrivalTimes(arrivals, prng.fork());
  // A stream for each thing that is drawn: another distribution of one does not change the others.
  const [sizes, runs, users, said] = [prng.fork(), prng.fork(), prng.fork(), prng.fork()] as const;
  const shapes = demands.map(shapeOf);
  const below = new Float64Array(demands.length);
  const all = demands.reduce((sum, { share }, i) => {
    below[i] = sum + share;
    return sum + share;
  }, 0);
  const drawTenant = zipf(tenants.count, tenants.zipf);
  for (let i = 0; i < params.jobs; i++) {
    const k = firstAbove(below, uniform(sizes) * all);
    const runMs = drawRunMs(demands[k]!.runTimes ?? params.runTimes, runs);
    const estimateS = drawEstimate(estimates, runMs / 1000, said);
    yield {
      id: String(i + 1),
      at: (SYNTHETIC_START + Math.round(times.next().value * 1000)) as TimeMs,
      tenant: `user-${drawTenant(users) + 1}` as TenantId,
      spec: traceSpec(shapes[k]!, estimateS === undefined ? undefined : asMs(estimateS)),
      runMs,
    };
  }
}

/** At least a second, as logs have it. */
const drawRunMs = (lengths: Lengths, prng: Prng): SpanMs =>
  asMs(Math.min(RUN_MAX_S, Math.max(1, drawLength(lengths, prng))));

const asMs = (seconds: number): SpanMs => Math.round(seconds * 1000) as SpanMs;

function shapeOf({ cores, memoryBytes, gpus, tasks, name }: Demand) {
  const request = {
    cpu: milliCpu(cores * 1000),
    memory: memoryBytes as Bytes,
    gpu: milliGpu(gpus * 1000),
    custom: [],
  };
  return plainShape(request, { tasks, ...(name !== undefined && { name }) });
}
