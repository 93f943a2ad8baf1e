import { bytes, milliCpu } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import type { Trace } from '../trace.ts';
import { pool } from '../traces/machine.ts';
import { type Arrivals, steadily } from './arrivals.ts';
import { type Lengths, meanLength } from './distributions.ts';
import type { Estimates } from './estimates.ts';
import { lublin } from './lublin.ts';
import { type Demand, synthetic } from './synthetic.ts';

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

/** Goes through them take seconds, and nothing of them is kept. */
const JOBS_MAX = 10_000_000;
const GIB = 1024 ** 3;

const number = (
  name: string,
  what: string,
  byDefault: number,
  [min, max]: readonly [number, number],
): GeneratorParam => ({ name, what, byDefault, min, max });
const whole = (...args: Parameters<typeof number>): GeneratorParam => ({
  ...number(...args),
  whole: true,
});

const jobs = whole('jobs', 'how many there are', 10_000, [1, JOBS_MAX]);
const procs = whole('procs', 'processors of the machine', 256, [1, 1_000_000]);
const load = number(
  'load',
  'work that comes, as a part of what the machine can do',
  0.8,
  [0.001, 100],
);
const users = whole('users', 'who submits them, some much more than others', 20, [1, 100_000]);
const slack = number(
  'slack',
  'estimates are round times, on the average so much above the run time; 0: exact ones',
  1,
  [0, 100],
);
const meanRun = number('mean_run', 'seconds that a job runs on the average', 3_600, [1, 1e7]);

/** Popular ones are a few times as many as the rest; 1 is what logs of many users come near to. */
const USERS_ZIPF = 1;
const estimatesOf = (slackOf: number): Estimates =>
  slackOf === 0 ? { kind: 'exact' } : { kind: 'round', slack: slackOf, sayMost: 0.1 };

/** A quarter is serial, the rest are powers of two up to a quarter of the machine, each as many. */
function powersOfTwo(most: number): Demand[] {
  const demands = [{ share: 1, cores: 1, memoryBytes: 0, gpus: 0, tasks: 1 }];
  const largest = Math.floor(Math.log2(Math.max(1, most / 4)));
  for (let log2 = 1; log2 <= largest; log2++) {
    demands.push({ share: 3 / largest, cores: 2 ** log2, memoryBytes: 0, gpus: 0, tasks: 1 });
  }
  return demands;
}

/** So many jobs an hour ask for that part of `units`, of which each holds `held` on the average. */
function hourly(
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

const poisson: TraceGenerator = {
  name: 'poisson',
  what: 'jobs that come at any time alike, and run for exponential times',
  params: [jobs, procs, load, meanRun, users, slack],
  generate: (values, seed) =>
    onProcessors('poisson', values, seed, {
      runTimes: { kind: 'exponential', meanS: values['mean_run']! },
    }),
};

const diurnal: TraceGenerator = {
  name: 'diurnal',
  what: 'jobs that come by day more than by night, and on working days more than at the weekend',
  params: [
    jobs,
    procs,
    load,
    meanRun,
    users,
    slack,
    number('swing', 'how much more than the average comes at the peak of a day', 0.7, [0, 1]),
    number('peak_hour', 'when most comes, in UTC', 14, [0, 24]),
    number('weekend', 'so much of a working day comes on a day of the weekend', 0.4, [0, 1]),
  ],
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

const heavyTailed: TraceGenerator = {
  name: 'heavy-tailed',
  what: 'many short jobs, and a few that have most of the work: run times of a Pareto distribution',
  params: [
    jobs,
    procs,
    load,
    users,
    slack,
    number('shape', 'the smaller, the more of the work is in a few', 0.9, [0.1, 5]),
    number('min_run', 'seconds of the shortest', 30, [1, 1e6]),
    number('max_run', 'seconds of the longest', 604_800, [1, 7_776_000]),
  ],
  generate: (values, seed) => {
    const minS = values['min_run']!;
    const maxS = Math.max(minS * 1.001, values['max_run']!);
    const runTimes: Lengths = { kind: 'pareto', shape: values['shape']!, minS, maxS };
    return onProcessors('heavy-tailed', values, seed, { runTimes });
  },
};

const twoPhases: TraceGenerator = {
  name: 'hyper-exponential',
  what: 'short jobs and long ones: run times of a mixture of two exponential distributions',
  params: [
    jobs,
    procs,
    load,
    users,
    slack,
    number('short_run', 'seconds that a short job runs on the average', 120, [1, 1e7]),
    number('long_run', 'seconds that a long job runs on the average', 14_400, [1, 1e7]),
    number('long_part', 'so many of the jobs are long', 0.1, [0, 1]),
  ],
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

const lublinFeitelson: TraceGenerator = {
  name: 'lublin',
  what: 'the model of parallel supercomputers of Lublin and Feitelson (JPDC 2003)',
  params: [
    jobs,
    procs,
    number('spacing', 'times the time between two jobs: 2 halves the load', 1, [0.01, 100]),
    whole('typed', '1: batch and interactive jobs, each in their own way', 0, [0, 1]),
    whole('users', 'who submits them, some much more than others', 1, [1, 100_000]),
    { ...slack, byDefault: 0 },
  ],
  generate: (values, seed) =>
    lublin(
      {
        jobs: values['jobs']!,
        procs: values['procs']!,
        kinds: values['typed'] === 1 ? 'typed' : 'any',
        spacing: values['spacing']!,
        estimates: estimatesOf(values['slack']!),
        tenants: { count: values['users']!, zipf: USERS_ZIPF },
      },
      seed,
    ),
};

const GPUS_PER_NODE = 8;
const CORES_PER_GPU = 12;
const MEMORY_PER_GPU = 128 * GIB;

/**
 * Sizes as on clusters of GPUs that have published theirs (Philly, ATC 2019; Helios, SC 2021): most jobs have one GPU
 * and are short; the few with many have most of the GPU time.
 */
const gpuSizes: readonly (readonly [gpus: number, share: number, medianS: number])[] = [
  [1, 70, 300],
  [2, 8, 600],
  [4, 8, 1_200],
  [8, 10, 3_600],
  [16, 2.5, 7_200],
  [32, 1, 14_400],
  [64, 0.5, 28_800],
];
const GPU_RUN_SIGMA = 1.8;

const gpuCluster: TraceGenerator = {
  name: 'gpu-cluster',
  what: 'deep-learning jobs on nodes of 8 GPUs: many small and short ones, few that are large and long',
  params: [
    jobs,
    whole('gpus', 'GPUs of the cluster, 8 on each node', 256, [8, 1_000_000]),
    load,
    users,
    slack,
    number('swing', 'how much more than the average comes at the peak of a day', 0.5, [0, 1]),
    number('weekend', 'so much of a working day comes on a day of the weekend', 0.6, [0, 1]),
  ],
  generate(values, seed) {
    const nodes = Math.ceil(values['gpus']! / GPUS_PER_NODE);
    const demands = gpuSizes
      .filter(([gpus]) => gpus <= nodes * GPUS_PER_NODE)
      .map(([gpus, share, medianS]): Demand => {
        const each = Math.min(gpus, GPUS_PER_NODE);
        return {
          share,
          cores: each * CORES_PER_GPU,
          memoryBytes: each * MEMORY_PER_GPU,
          gpus: each,
          tasks: gpus / each,
          runTimes: { kind: 'lognormal', medianS, sigma: GPU_RUN_SIGMA },
          name: `gpus-${gpus}`,
        };
      });
    const runTimes: Lengths = { kind: 'constant', meanS: 1 };
    const units = nodes * GPUS_PER_NODE;
    const perHour = hourly(
      values['load']!,
      units,
      demands,
      runTimes,
      ({ gpus, tasks }) => gpus * tasks,
    );
    return synthetic(
      {
        name: 'gpu-cluster',
        jobs: values['jobs']!,
        arrivals: { ...steadily(perHour), daySwing: values['swing']!, weekend: values['weekend']! },
        runTimes,
        demands,
        estimates: estimatesOf(values['slack']!),
        tenants: { count: values['users']!, zipf: USERS_ZIPF },
        nodes: gpuNodes(nodes),
      },
      seed,
    );
  },
};

function gpuNodes(count: number): Node[] {
  const gpus = Array.from({ length: GPUS_PER_NODE }, (_, i) => ({
    id: String(i),
    model: 'modelled',
    memory: bytes(80 * GIB),
  }));
  const width = String(count - 1).length;
  return Array.from({ length: count }, (_, i) => ({
    id: `node-${String(i).padStart(width, '0')}` as NodeId,
    cpu: milliCpu(GPUS_PER_NODE * CORES_PER_GPU * 1000),
    memory: bytes(GPUS_PER_NODE * MEMORY_PER_GPU),
    gpus,
    custom: [],
    labels: {},
  }));
}

function lognormalOf(meanS: number, sigma: number): { medianS: number; sigma: number } {
  return { medianS: meanS / Math.exp(sigma ** 2 / 2), sigma };
}

export const traceGenerators: readonly TraceGenerator[] = [
  poisson,
  diurnal,
  heavyTailed,
  twoPhases,
  lublinFeitelson,
  gpuCluster,
];

export type ReadGenerator =
  | {
      readonly ok: true;
      readonly generator: TraceGenerator;
      readonly values: Readonly<Record<string, number>>;
    }
  | { readonly ok: false; readonly message: string; readonly expected: string };

/** Beyond, it is no name and no numbers. */
const TEXT_CHARS_MAX = 1_000;

/** `lublin`, or `lublin:jobs=1000,procs=128`: what is not said is as it is by default. */
export function readGenerator(text: string): ReadGenerator {
  const [name = '', said = ''] = splitOnce(text.slice(0, TEXT_CHARS_MAX), ':');
  const generator = traceGenerators.find((each) => each.name === name.trim());
  if (generator === undefined) {
    const names = traceGenerators.map((each) => each.name).join(', ');
    return { ok: false, message: `no generator is called '${name.trim()}'`, expected: names };
  }
  const values: Record<string, number> = {};
  for (const param of generator.params) values[param.name] = param.byDefault;
  for (const part of said.split(',').filter((each) => each.trim() !== '')) {
    const [key = '', written = ''] = splitOnce(part, '=').map((each) => each.trim());
    const param = generator.params.find((each) => each.name === key);
    if (param === undefined) {
      const expected = generator.params.map((each) => each.name).join(', ');
      return { ok: false, message: `${generator.name} has no parameter '${key}'`, expected };
    }
    const value = written === '' ? Number.NaN : Number(written);
    const { min, max } = param;
    if (!(value >= min && value <= max) || (param.whole === true && !Number.isInteger(value))) {
      const kind = param.whole === true ? 'a whole number' : 'a number';
      const message = `${key} of ${generator.name} cannot be '${written}'`;
      return { ok: false, message, expected: `${kind} from ${min} to ${max}: ${param.what}` };
    }
    values[key] = value;
  }
  return { ok: true, generator, values };
}

function splitOnce(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i === -1 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)];
}
