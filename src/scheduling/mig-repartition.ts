import { assert } from '../base/assert.ts';
import type { MigGeometry, MigPlacement, MigProfile } from '../inventory/mig-profiles.ts';
import { placeMig } from './mig.ts';

/** A GPU instance that exists. `cost` is what it costs to end what runs on it; 0 when nothing does. */
export interface MigInstance extends MigPlacement {
  /** The driver's id of the GPU instance. */
  readonly gi: number;
  readonly cost: number;
}

export interface MigGpu {
  /** What `nvidia-smi -i` takes. */
  readonly id: string;
  readonly geometry: MigGeometry;
  readonly instances: readonly MigInstance[];
}

/** What to do to one GPU. */
export interface GpuRepartition {
  readonly gpu: string;
  readonly destroy: readonly MigInstance[];
  readonly create: readonly MigPlacement[];
}

export interface Repartition {
  readonly gpus: readonly GpuRepartition[];
  /** Of all that is ended. */
  readonly cost: number;
}

/** Instances wanted at once; 2^7 ways to share them out over GPUs. */
const WANTED_MAX = 7;

/**
 * Makes room for all the wanted instances on these GPUs, ending what costs least; of plans of equal cost
 * the one that destroys fewest instances, then the one on the first GPUs. Exact: every way to share the
 * wanted out over the GPUs, and for each every set of instances to destroy. Undefined when none will do.
 */
export function planRepartition(
  gpus: readonly MigGpu[],
  wanted: readonly string[],
): Repartition | undefined {
  assert(wanted.length <= WANTED_MAX, `at most ${WANTED_MAX} instances are planned at once`);
  const all = (1 << wanted.length) - 1;
  let plans: (Plan | undefined)[] = new Array(all + 1).fill(undefined);
  plans[0] = { gpus: [], cost: 0, destroyed: 0 };
  for (const gpu of gpus) {
    const next = [...plans];
    for (let here = 1; here <= all; here++) {
      const names = wanted.filter((_, i) => (here & (1 << i)) !== 0);
      const step = onOneGpu(gpu, names);
      if (step === undefined) continue;
      for (let before = 0; before <= all; before++) {
        const plan = plans[before];
        if (plan === undefined || (before & here) !== 0) continue;
        const joined = {
          gpus: [...plan.gpus, step],
          cost: plan.cost + costOf(step),
          destroyed: plan.destroyed + step.destroy.length,
        };
        if (isBetter(joined, next[before | here])) next[before | here] = joined;
      }
    }
    plans = next;
  }
  const plan = plans[all];
  return plan === undefined ? undefined : { gpus: plan.gpus, cost: plan.cost };
}

interface Plan extends Repartition {
  readonly destroyed: number;
}

function onOneGpu(gpu: MigGpu, names: readonly string[]): GpuRepartition | undefined {
  const wanted: MigProfile[] = [];
  for (const name of names) {
    const profile = gpu.geometry.profiles.find((other) => other.name === name);
    if (profile === undefined) return undefined;
    wanted.push(profile);
  }
  for (const destroy of byCost(gpu.instances)) {
    const held = gpu.instances.filter((instance) => !destroy.includes(instance));
    const create = placeMig(gpu.geometry, held, wanted);
    if (create !== undefined) return { gpu: gpu.id, destroy, create };
  }
  return undefined;
}

/** Every set of instances, the cheapest first, then the smallest. */
function byCost(instances: readonly MigInstance[]): (readonly MigInstance[])[] {
  const sets = Array.from({ length: 1 << instances.length }, (_, bits) =>
    instances.filter((_, i) => (bits & (1 << i)) !== 0),
  );
  return sets.sort((a, b) => total(a) - total(b) || a.length - b.length);
}

const total = (instances: readonly MigInstance[]): number =>
  instances.reduce((sum, { cost }) => sum + cost, 0);

const costOf = (step: GpuRepartition): number => total(step.destroy);

const isBetter = (a: Plan, b: Plan | undefined): boolean =>
  b === undefined || a.cost < b.cost || (a.cost === b.cost && a.destroyed < b.destroyed);

/**
 * The calls of `nvidia-smi` that carry out a plan, in order, each as its arguments: an instance goes with
 * its compute instances, and new ones are made at their slices with one compute instance each.
 */
export function migCommands(plan: Repartition): readonly (readonly string[])[] {
  return plan.gpus.flatMap(({ gpu, destroy, create }) => [
    ...destroy.flatMap(({ gi }) => [
      ['mig', '-i', gpu, '-dci', '-gi', String(gi)],
      ['mig', '-i', gpu, '-dgi', '-gi', String(gi)],
    ]),
    ...(create.length === 0 ? [] : [['mig', '-i', gpu, '-cgi', create.map(at).join(','), '-C']]),
  ]);
}

const at = ({ profile, start }: MigPlacement): string => `${profile.id}:${start}`;
