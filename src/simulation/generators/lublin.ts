import { Prng } from '../../base/prng.ts';
import { type Bytes, milliCpu, milliGpu, type SpanMs, type TimeMs } from '../../base/units.ts';
import type { TenantId } from '../../model/ids.ts';
import type { Trace, TraceJob } from '../trace.ts';
import { pool } from '../traces/machine.ts';
import { plainShape, traceSpec } from '../traces/trace-spec.ts';
import { gamma, gammaCdf, uniform, zipf } from './distributions.ts';
import { drawEstimate, type Estimates } from './estimates.ts';
import { SYNTHETIC_FORMAT, SYNTHETIC_START, type Tenants } from './synthetic.ts';

/** Two parameters of a gamma distribution: its mean is their product. */
type Gamma = readonly [shape: number, scale: number];

/** A kind of jobs, as they were fitted to logs of four parallel machines. */
interface Kind {
  readonly serial: number;
  /** Of all, beside the serial ones, those whose processors are a power of two. */
  readonly powerOfTwo: number;
  /** log₂ of the fewest processors of a parallel job. */
  readonly low: number;
  /** log₂ of the most, beside log₂ of those of the machine; and how far below the change of slope lies. */
  readonly highBelow: number;
  readonly mediumBelow: number;
  /** Of parallel jobs, those up to the change of slope. */
  readonly lowShare: number;
  /** ln of the run time in seconds: short ones or long ones, short with probability `slope` × processors + `base`. */
  readonly short: Gamma;
  readonly long: Gamma;
  readonly slope: number;
  readonly base: number;
  /** ln of the seconds between two at rush hour, and what their shape is times over the day. */
  readonly between: Gamma;
  readonly overDay: number;
  /** When in the day they come, in half hours. */
  readonly ofDay: Gamma;
}

/**
 * Uri Lublin and Dror Feitelson, The workload on parallel supercomputers (JPDC 63, 2003); the parameters are those of
 * their program (lublin99), which were fitted for machines of 128 processors.
 */
const kinds = {
  any: {
    serial: 0.244,
    powerOfTwo: 0.576,
    low: 0.8,
    highBelow: 0,
    mediumBelow: 2.5,
    lowShare: 0.86,
    short: [4.2, 0.94],
    long: [312, 0.03],
    slope: -0.0054,
    base: 0.78,
    between: [10.2303, 0.4871],
    overDay: 1.0225,
    ofDay: [8.1737, 3.9631],
  },
  batch: {
    serial: 0.2927,
    powerOfTwo: 0.6686,
    low: 1.2,
    highBelow: 0,
    mediumBelow: 2,
    lowShare: 0.875,
    short: [6.57, 0.823],
    long: [639.1, 0.0156],
    slope: -0.003,
    base: 0.6986,
    between: [6.0415, 0.8531],
    overDay: 1.0519,
    ofDay: [6.1271, 5.274],
  },
  interactive: {
    serial: 0.1541,
    powerOfTwo: 0.625,
    low: 1,
    highBelow: 1.5,
    mediumBelow: 2.5,
    lowShare: 0.705,
    short: [3.8351, 0.6605],
    long: [7.073, 0.6856],
    slope: -0.0118,
    base: 0.9156,
    between: [6.551, 0.6621],
    overDay: 0.9797,
    ofDay: [8.9186, 3.668],
  },
} as const satisfies Record<string, Kind>;

/** ln of the most seconds that a job runs, about 45 hours, and of the most that pass between two at rush hour. */
const RUN_LOG_MAX = 12;
const BETWEEN_LOG_MAX = 13;
const BUCKETS = 48;
const BUCKET_S = 1_800;
/** Its day begins when least comes, in half hours: at half past five. */
const DAY_BEGINS = 11;

export interface LublinParams {
  readonly jobs: number;
  readonly procs: number;
  /** `any`: jobs as they are; `typed`: batch and interactive ones, each in their own way. */
  readonly kinds: 'any' | 'typed';
  /** Times the time between two jobs: 2 halves the load, and leaves the day as it is. */
  readonly spacing: number;
  readonly estimates: Estimates;
  readonly tenants: Tenants;
}

/** Jobs of the model of Lublin and Feitelson, drawn as they are asked for. */
export function lublin(params: LublinParams, seed: number): Trace {
  const { jobs: count, procs } = params;
  return {
    name: `lublin-${procs}, seed ${seed}`,
    format: SYNTHETIC_FORMAT,
    jobs: { [Symbol.iterator]: () => drawJobs(params, seed) },
    count,
    nodes: pool(procs).nodes,
    skipped: [],
  };
}

function* drawJobs(params: LublinParams, seed: number): Generator<TraceJob> {
  const { procs, spacing, estimates, tenants } = params;
  const prng = new Prng(seed);
  const sources = (params.kinds === 'any' ? [kinds.any] : [kinds.batch, kinds.interactive]).map(
    (kind) => ({
      kind,
      times: arrivalsOf(kind, spacing, prng.fork()),
      sizes: prng.fork(),
      runs: prng.fork(),
      next: 0,
    }),
  );
  const [users, said] = [prng.fork(), prng.fork()] as const;
  const drawTenant = zipf(tenants.count, tenants.zipf);
  for (const source of sources) source.next = source.times.next().value;
  for (let i = 0; i < params.jobs; i++) {
    const source = sources.reduce((first, other) => (other.next < first.next ? other : first));
    const size = drawSize(source.kind, procs, source.sizes);
    const runS = drawRunS(source.kind, size, source.runs);
    const estimateS = drawEstimate(estimates, runS, said);
    yield {
      id: String(i + 1),
      at: (SYNTHETIC_START + Math.floor(source.next) * 1000) as TimeMs,
      tenant: `user-${drawTenant(users) + 1}` as TenantId,
      spec: traceSpec(
        plainShape({
          cpu: milliCpu(size * 1000),
          memory: 0 as Bytes,
          gpu: milliGpu(0),
          custom: [],
        }),
        estimateS === undefined ? undefined : (Math.round(estimateS * 1000) as SpanMs),
      ),
      runMs: (runS * 1000) as SpanMs,
    };
    source.next = source.times.next().value;
  }
}

/** Uniform in log₂ in two parts, of which the lower has most; serial, a power of two, or any number. */
function drawSize(kind: Kind, procs: number, prng: Prng): number {
  const chosen = uniform(prng);
  const high = Math.max(0, Math.log2(procs) - kind.highBelow);
  const medium = Math.max(0, high - kind.mediumBelow);
  const low = Math.min(kind.low, medium);
  const [from, to] = uniform(prng) <= kind.lowShare ? [low, medium] : [medium, high];
  const log2 = from + (to - from) * uniform(prng);
  if (chosen <= kind.serial) return 1;
  const isPower = chosen <= kind.serial + kind.powerOfTwo;
  return Math.min(procs, Math.max(1, Math.round(2 ** (isPower ? Math.round(log2) : log2))));
}

/** In whole seconds. */
function drawRunS(kind: Kind, size: number, prng: Prng): number {
  const isShort = uniform(prng) <= kind.slope * size + kind.base;
  const [shape, scale] = isShort ? kind.short : kind.long;
  for (;;) {
    const log = gamma(prng, shape, scale);
    if (log <= RUN_LOG_MAX) return Math.max(1, Math.floor(Math.exp(log)));
  }
}

/**
 * Seconds at which jobs come: what would pass between two at rush hour is paid for time as it goes by, and a half hour
 * of the day costs as much as jobs come in it.
 */
function* arrivalsOf(kind: Kind, spacing: number, prng: Prng): Generator<number> {
  const cost = dayOf(kind);
  const [shape, scale] = kind.between;
  let bucket = 0;
  /** Of the present half hour, what is paid for. */
  let paid = 0;
  for (let begin = 0; ; ) {
    let log = gamma(prng, shape * kind.overDay, scale);
    while (log > BETWEEN_LOG_MAX) log = gamma(prng, shape * kind.overDay, scale);
    paid += (spacing * Math.exp(log)) / BUCKET_S;
    while (paid > cost[bucket]!) {
      paid -= cost[bucket]!;
      bucket = (bucket + 1) % BUCKETS;
      begin += BUCKET_S;
    }
    yield begin + (BUCKET_S * paid) / cost[bucket]!;
  }
}

/** How much comes in each half hour of the day from midnight on; 1 on the average. */
function dayOf({ ofDay: [shape, scale] }: Kind): Float64Array {
  const part = new Float64Array(BUCKETS);
  let sum = 0;
  for (let i = DAY_BEGINS; i < BUCKETS + DAY_BEGINS; i++) {
    const comes = gammaCdf(i + 0.5, shape, scale) - gammaCdf(i - 0.5, shape, scale);
    part[(i - 1) % BUCKETS] = comes;
    sum += comes;
  }
  return part.map((comes) => (comes * BUCKETS) / sum);
}
