import type { Trace } from '../trace.ts';
import { pool } from '../traces/machine.ts';
import { type Arrivals, steadily } from './arrivals.ts';
import type { Lengths } from './distributions.ts';
import { type Demand, synthetic } from './synthetic.ts';
import {
  estimatesOf,
  type GeneratorParam,
  hourly,
  jobs,
  load,
  meanRun,
  number,
  procs,
  slack,
  type TraceGenerator,
  USERS_ZIPF,
  users,
} from './trace-generator.ts';

/** A quarter is serial, the rest are powers of two up to a quarter of the machine, each as many. */
function powersOfTwo(most: number): Demand[] {
  const demands = [{ share: 1, cores: 1, memoryBytes: 0, gpus: 0, tasks: 1 }];
  const largest = Math.floor(Math.log2(Math.max(1, most / 4)));
  for (let log2 = 1; log2 <= largest; log2++) {
    demands.push({ share: 3 / largest, cores: 2 ** log2, memoryBytes: 0, gpus: 0, tasks: 1 });
  }
  return demands;
}

function onProcessors(
  name: string,
  values: Readonly<Record<string, number>>,
  seed: number,
  { runTimes, arrivals }: { runTimes: Lengths; arrivals?: Partial<Arrivals> },
): Trace {
  const demands = powersOfTwo(values['procs']!);
  const perHour = hourly(
    values['load']!,
    values['procs']!,
    demands,
    runTimes,
    ({ cores }) => cores,
  );
  return synthetic(
    {
      name,
      jobs: values['jobs']!,
      arrivals: { ...steadily(perHour), ...arrivals },
      runTimes,
      demands,
      estimates: estimatesOf(values['slack']!),
      tenants: { count: values['users']!, zipf: USERS_ZIPF },
      nodes: pool(values['procs']!).nodes,
    },
    seed,
  );
}

const poissonParams: readonly GeneratorParam[] = [jobs, procs, load, meanRun, users, slack];

export const poisson: TraceGenerator = {
  name: 'poisson',
  what: 'jobs that come at any time alike, and run for exponential times',
  params: poissonParams,
  generate: (values, seed) =>
    onProcessors('poisson', values, seed, {
      runTimes: { kind: 'exponential', meanS: values['mean_run']! },
    }),
};

const diurnalParams: readonly GeneratorParam[] = [
  jobs,
  procs,
  load,
  meanRun,
  users,
  slack,
  number('swing', 'how much more than the average comes at the peak of a day', 0.7, [0, 1]),
  number('peak_hour', 'when most comes, in UTC', 14, [0, 24]),
  number('weekend', 'so much of a working day comes on a day of the weekend', 0.4, [0, 1]),
];

export const diurnal: TraceGenerator = {
  name: 'diurnal',
  what: 'jobs that come by day more than by night, and on working days more than at the weekend',
  params: diurnalParams,
  generate: (values, seed) =>
    onProcessors('diurnal', values, seed, {
      runTimes: { kind: 'lognormal', ...lognormalOf(values['mean_run']!, 1.5) },
      arrivals: {
        daySwing: values['swing']!,
        peakHour: values['peak_hour']!,
        weekend: values['weekend']!,
      },
    }),
};

const heavyTailedParams: readonly GeneratorParam[] = [
  jobs,
  procs,
  load,
  users,
  slack,
  number('shape', 'the smaller, the more of the work is in a few', 0.9, [0.1, 5]),
  number('min_run', 'seconds of the shortest', 30, [1, 1e6]),
  number('max_run', 'seconds of the longest', 604_800, [1, 7_776_000]),
];

export const heavyTailed: TraceGenerator = {
  name: 'heavy-tailed',
  what: 'many short jobs, and a few that have most of the work: run times of a Pareto distribution',
  params: heavyTailedParams,
  generate: (values, seed) => {
    const minS = values['min_run']!;
    const maxS = Math.max(minS * 1.001, values['max_run']!);
    const runTimes: Lengths = { kind: 'pareto', shape: values['shape']!, minS, maxS };
    return onProcessors('heavy-tailed', values, seed, { runTimes });
  },
};

const twoPhasesParams: readonly GeneratorParam[] = [
  jobs,
  procs,
  load,
  users,
  slack,
  number('short_run', 'seconds that a short job runs on the average', 120, [1, 1e7]),
  number('long_run', 'seconds that a long job runs on the average', 14_400, [1, 1e7]),
  number('long_part', 'so many of the jobs are long', 0.1, [0, 1]),
];

export const twoPhases: TraceGenerator = {
  name: 'hyper-exponential',
  what: 'short jobs and long ones: run times of a mixture of two exponential distributions',
  params: twoPhasesParams,
  generate(values, seed) {
    const share = values['long_part']!;
    const phases = [
      { share: 1 - share, meanS: values['short_run']! },
      { share, meanS: values['long_run']! },
    ];
    return onProcessors('hyper-exponential', values, seed, {
      runTimes: { kind: 'hyper-exponential', phases },
    });
  },
};

function lognormalOf(meanS: number, sigma: number): { medianS: number; sigma: number } {
  return { medianS: meanS / Math.exp(sigma ** 2 / 2), sigma };
}
