import {
  type MigGeometry,
  type MigPlacement,
  type MigProfile,
  migGeometryOf,
} from '../inventory/mig-profiles.ts';
import { milliOfInstance } from '../model/mig-profile.ts';
import type { Gpu } from '../model/node.ts';
import { placeMig } from './mig.ts';

/** What is held of the devices of a node: milli-GPU by device id, or by the id of an instance cut from one. */
export type HeldById = ReadonlyMap<string, number>;

/** `GPU-1/3g.20gb@4`: the instance of a GPU that starts at a memory slice, when the plan is to cut it. */
const cutId = (gpu: string, { profile, start }: MigPlacement): string =>
  `${gpu}/${profile.name}@${start}`;

/** An instance that a plan cut from a GPU and gave to a task. */
export interface CutInstance extends MigPlacement {
  readonly id: string;
}

/** The instances cut from this GPU and held, by their place on it. */
export function cutFrom(gpu: Gpu, geometry: MigGeometry, held: HeldById): CutInstance[] {
  const found: CutInstance[] = [];
  for (const id of held.keys()) {
    if (!id.startsWith(`${gpu.id}/`)) continue;
    const [name, start] = id.slice(gpu.id.length + 1).split('@');
    const profile = geometry.profiles.find((other) => other.name === name);
    if (profile !== undefined) found.push({ id, profile, start: Number(start) });
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Milli-GPU of compute that is held of a GPU in MIG mode, or of an instance. */
export function heldOfMig(gpu: Gpu, held: HeldById): number {
  if (gpu.mig?.kind === 'instance') return held.get(gpu.id) ?? 0;
  let sum = 0;
  for (const [id, milli] of held) if (id.startsWith(`${gpu.id}/`)) sum += milli;
  return sum;
}

/**
 * The instance that an ask for this profile gets: one that exists, else one cut from the fullest GPU in MIG
 * mode that has a place for it, where it leaves most room. Undefined when there is none.
 */
export function chooseInstance(
  gpus: readonly Gpu[],
  profile: string,
  held: HeldById,
): string | undefined {
  const existing = gpus.find(
    (gpu) => gpu.mig?.kind === 'instance' && gpu.mig.profile === profile && !held.has(gpu.id),
  );
  if (existing !== undefined) return existing.id;
  let best: string | undefined;
  let most = -1;
  for (const gpu of gpus) {
    if (gpu.mig?.kind !== 'cut') continue;
    const geometry = migGeometryOf(gpu.model, gpu.memory);
    const wanted = geometry?.profiles.find((other) => other.name === profile);
    if (geometry === undefined || wanted === undefined) continue;
    const used = heldOfMig(gpu, held);
    if (used <= most) continue;
    const placement = cutWhere(geometry, cutFrom(gpu, geometry, held), wanted);
    if (placement === undefined) continue;
    best = cutId(gpu.id, placement);
    most = used;
  }
  return best;
}

/** How many more instances of this profile there is room for, placed one after the other; at most `max`. */
export function instancesFree(
  gpus: readonly Gpu[],
  profile: string,
  held: HeldById,
  max: number,
): number {
  const taken = new Map(held);
  for (let count = 0; count < max; count++) {
    const id = chooseInstance(gpus, profile, taken);
    if (id === undefined) return count;
    taken.set(id, milliOfInstance(profile));
  }
  return max;
}

/** Answers by layout and profile: a few thousand of them on a seven-slice part, each a search. */
const ANSWERS_MAX = 4096;
const answers = new Map<string, MigPlacement | undefined>();

function cutWhere(
  geometry: MigGeometry,
  held: readonly MigPlacement[],
  wanted: MigProfile,
): MigPlacement | undefined {
  const layout = held.map(({ profile, start }) => `${profile.id}@${start}`).join();
  const key = `${geometry.model}/${geometry.memoryGb}/${layout}/${wanted.id}`;
  if (answers.has(key)) return answers.get(key);
  const found = placeMig(geometry, held, [wanted])?.[0];
  if (answers.size >= ANSWERS_MAX) answers.clear();
  answers.set(key, found);
  return found;
}
