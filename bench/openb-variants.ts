import { Prng } from '../src/base/prng.ts';
import { bytes } from '../src/base/units.ts';
import type { Node } from '../src/model/node.ts';
import { WHOLE_GPU } from '../src/scheduling/node-table.ts';
import type { Ask } from '../src/scheduling/shape.ts';

/**
 * Other traces of the family, made from a list of pods, with the names of the public data set:
 * `multigpuNN` and `gpushareNN` draw pods anew so that those with several GPUs, or with a share of one,
 * ask for NN % of all GPU; `gpuspecNN` ties NN % of the GPU pods to one or two models, in proportion to
 * the GPUs of each; `cpuNNN` has NNN % as many pods without GPU; `partNN` is a random NN % of the pods.
 */
export function openbVariant(
  name: string,
  pods: readonly Ask[],
  nodes: readonly Node[],
): readonly Ask[] {
  if (name === 'default') return pods;
  const [, kind = '', digits = ''] = /^([a-z]+)(\d+)$/.exec(name) ?? [];
  const percent = Number(digits);
  const prng = new Prng(1_000 * kind.length + percent);
  switch (kind) {
    case 'multigpu':
      return withPart(pods, (pod) => pod.gpu > WHOLE_GPU, percent, prng);
    case 'gpushare':
      return withPart(pods, (pod) => pod.gpu < WHOLE_GPU, percent, prng);
    case 'gpuspec': {
      const devices = nodes.flatMap((node) => node.gpus.map((gpu) => gpu.model));
      return pods.map((pod) =>
        pod.gpu > 0 && prng.chance(percent) ? tied(pod, devices, prng) : pod,
      );
    }
    case 'cpu':
      return withCpuPods(pods, percent, prng);
    case 'part':
      return pods.filter(() => prng.chance(percent));
    default:
      throw new Error(`no variant ${name}`);
  }
}

/** Keeps the pods without GPU, and draws the others until each side has its part of the GPU demand. */
function withPart(
  pods: readonly Ask[],
  isOfKind: (pod: Ask) => boolean,
  percent: number,
  prng: Prng,
): Ask[] {
  const withGpu = pods.filter((pod) => pod.gpu > 0);
  const demand = withGpu.reduce((sum, pod) => sum + pod.gpu, 0);
  const drawn = pods.filter((pod) => pod.gpu === 0);
  for (const [side, part] of [
    [withGpu.filter(isOfKind), percent],
    [withGpu.filter((pod) => !isOfKind(pod)), 100 - percent],
  ] as const) {
    for (let asked = 0; asked < (demand * part) / 100 && side.length > 0; ) {
      const pod = prng.pick(side);
      drawn.push(pod);
      asked += pod.gpu;
    }
  }
  return drawn;
}

function tied(pod: Ask, devices: readonly string[], prng: Prng): Ask {
  const models = new Set([prng.pick(devices)]);
  if (prng.chance(50)) models.add(prng.pick(devices));
  return {
    ...pod,
    constraints: { gpuModels: [...models].sort(), gpuMemory: bytes(0), labels: [] },
  };
}

function withCpuPods(pods: readonly Ask[], percent: number, prng: Prng): Ask[] {
  const withoutGpu = pods.filter((pod) => pod.gpu === 0);
  const count = Math.round((withoutGpu.length * percent) / 100);
  const drawn = Array.from({ length: count }, () => prng.pick(withoutGpu));
  return [...pods.filter((pod) => pod.gpu > 0), ...drawn];
}
