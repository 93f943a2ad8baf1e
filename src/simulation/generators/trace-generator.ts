import type { Trace } from '../trace.ts';
import { type Lengths, meanLength } from './distributions.ts';
import type { Estimates } from './estimates.ts';
import type { Demand } from './synthetic.ts';

/** What a number of a generator means, and where it may lie. */
export interface GeneratorParam {
  readonly name: string;
  readonly what: string;
  readonly byDefault: number;
  readonly min: number;
  readonly max: number;
  /** Absent: any number between. */
  readonly whole?: true;
}

/** Makes traces that are like those of some site: the same numbers and seed give the same jobs. */
export interface TraceGenerator {
  readonly name: string;
  readonly what: string;
  readonly params: readonly GeneratorParam[];
  /** Takes a number for each of its parameters, within its bounds. */
  generate(values: Readonly<Record<string, number>>, seed: number): Trace;
}

/** Drawn in seconds; none of them is kept. */
const JOBS_MAX = 10_000_000;

export const number = (
  name: string,
  what: string,
  byDefault: number,
  [min, max]: readonly [number, number],
): GeneratorParam => ({ name, what, byDefault, min, max });
export const whole = (...args: Parameters<typeof number>): GeneratorParam => ({
  ...number(...args),
  whole: true,
});

export const jobs = whole('jobs', 'how many there are', 10_000, [1, JOBS_MAX]);
export const procs = whole('procs', 'processors of the machine', 256, [1, 1_000_000]);
export const load = number(
  'load',
  'work that comes, as a part of what the machine can do',
  0.8,
  [0.001, 100],
);
export const users = whole(
  'users',
  'who submits them, some much more than others',
  20,
  [1, 100_000],
);
export const slack = number(
  'slack',
  'estimates are round times, on the average so much above the run time; 0: exact ones',
  1,
  [0, 100],
);
export const meanRun = number(
  'mean_run',
  'seconds that a job runs on the average',
  3_600,
  [1, 1e7],
);

/** Popular ones are a few times as many as the rest; 1 is what logs of many users come near to. */
export const USERS_ZIPF = 1;
export const estimatesOf = (slackOf: number): Estimates =>
  slackOf === 0 ? { kind: 'exact' } : { kind: 'round', slack: slackOf, sayMost: 0.1 };

/** So many jobs an hour ask for that part of `units`, of which each holds `held` on the average. */
export function hourly(
  part: number,
  units: number,
  demands: readonly Demand[],
  runTimes: Lengths,
  held: (demand: Demand) => number,
): number {
  const shares = demands.reduce((sum, { share }) => sum + share, 0);
  const work = demands.reduce((sum, demand) => {
    return sum + (demand.share / shares) * held(demand) * meanLength(demand.runTimes ?? runTimes);
  }, 0);
  return (part * units * 3_600) / work;
}
