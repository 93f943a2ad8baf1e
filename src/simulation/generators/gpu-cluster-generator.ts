import { bytes, milliCpu } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import { steadily } from './arrivals.ts';
import type { Lengths } from './distributions.ts';
import { type Demand, synthetic } from './synthetic.ts';
import {
  estimatesOf,
  type GeneratorParam,
  hourly,
  jobs,
  load,
  number,
  slack,
  type TraceGenerator,
  USERS_ZIPF,
  users,
  whole,
} from './trace-generator.ts';

const GIB = 1024 ** 3;
const GPUS_PER_NODE = 8;
const CORES_PER_GPU = 12;
const MEMORY_PER_GPU = 128 * GIB;

/**
 * Chosen so that most jobs have one GPU and are short, and the few with many have most of the GPU time, as those have it
 * who published theirs (Philly, ATC 2019; Helios, SC 2021); fitted to nothing.
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

const params: readonly GeneratorParam[] = [
  jobs,
  whole('gpus', 'GPUs of the cluster, 8 on each node', 256, [8, 1_000_000]),
  load,
  users,
  slack,
  number('swing', 'how much more than the average comes at the peak of a day', 0.5, [0, 1]),
  number('weekend', 'so much of a working day comes on a day of the weekend', 0.6, [0, 1]),
];

export const gpuCluster: TraceGenerator = {
  name: 'gpu-cluster',
  what: 'deep-learning jobs on nodes of 8 GPUs: many small and short ones, few that are large and long',
  params,
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
