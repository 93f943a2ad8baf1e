import { assert } from '../base/assert.ts';
import {
  type MigGeometry,
  type MigPlacement,
  type MigProfile,
  migPlacementsFit,
} from '../inventory/mig-profiles.ts';

/**
 * Where new instances go beside those that are there, or nothing when they do not all fit: instances can
 * be neither moved nor resized. Of all ways the one that leaves most compute placeable, then most places
 * for further instances: a first 3g goes to slice 4, because at 0 it strands a compute slice.
 */
export function placeMig(
  geometry: MigGeometry,
  held: readonly MigPlacement[],
  wanted: readonly MigProfile[],
): readonly MigPlacement[] | undefined {
  let best: readonly MigPlacement[] | undefined;
  let bestRoom: Room = { compute: -1, places: -1 };
  for (const placed of waysToPlace(geometry, held, bySize(wanted))) {
    const room = roomBeside(geometry, [...held, ...placed]);
    if (!isMore(room, bestRoom)) continue;
    best = placed;
    bestRoom = room;
  }
  return best;
}

/** True when these profiles can exist together on one empty GPU. */
export function fitsOneGpu(geometry: MigGeometry, wanted: readonly MigProfile[]): boolean {
  return !waysToPlace(geometry, [], bySize(wanted)).next().done;
}

/**
 * Every distinct non-empty mix of profiles that fits one empty GPU: how many of each, in the order of
 * `profiles`. A few hundred for a seven-slice part.
 */
export function migMixes(
  geometry: MigGeometry,
  profiles: readonly MigProfile[],
): readonly (readonly number[])[] {
  const mixes: (readonly number[])[] = [];
  const extend = (mix: readonly number[], from: number): void => {
    for (let i = from; i < profiles.length; i++) {
      const more = mix.with(i, mix[i]! + 1);
      if (!fitsOneGpu(geometry, expand(profiles, more))) continue;
      mixes.push(more);
      extend(more, i);
    }
  };
  extend(
    profiles.map(() => 0),
    0,
  );
  return mixes;
}

/** The search for fewest GPUs tries all mixes: this many instances are a matter of milliseconds. */
export const PACKED_MAX = 64;

/**
 * The fewest empty GPUs that hold all these instances, and what goes on each: exact, by depth-first search
 * over mixes with the larger of the compute and memory bounds. Undefined when one fits no GPU at all.
 */
export function packMig(
  geometry: MigGeometry,
  wanted: readonly MigProfile[],
): readonly (readonly MigPlacement[])[] | undefined {
  assert(wanted.length <= PACKED_MAX, `at most ${PACKED_MAX} instances are packed exactly`);
  const profiles = [...new Set(bySize(wanted))];
  const counts = profiles.map((profile) => wanted.filter((other) => other === profile).length);
  if (!profiles.every((profile) => fitsOneGpu(geometry, [profile]))) return undefined;
  const mixes = migMixes(geometry, profiles).toSorted((a, b) => sum(b) - sum(a));
  const chosen = fewest(geometry, profiles, mixes, counts);
  return chosen.map((mix) => placeMig(geometry, [], expand(profiles, mix))!);
}

function fewest(
  geometry: MigGeometry,
  profiles: readonly MigProfile[],
  mixes: readonly (readonly number[])[],
  counts: readonly number[],
): readonly (readonly number[])[] {
  const bound = (left: readonly number[]): number =>
    Math.max(
      Math.ceil(weigh(profiles, left, 'computeSlices') / geometry.computeSlices),
      Math.ceil(weigh(profiles, left, 'memorySlices') / geometry.memorySlices),
    );
  const hopeless = new Set<string>();
  const search = (
    left: readonly number[],
    gpus: number,
  ): readonly (readonly number[])[] | undefined => {
    if (left.every((count) => count === 0)) return [];
    const key = `${gpus}/${left}`;
    if (bound(left) > gpus || hopeless.has(key)) return undefined;
    const first = left.findIndex((count) => count > 0);
    for (const mix of mixes) {
      // The largest that is left must go somewhere: let it be here.
      if (mix[first] === 0 || mix.some((count, i) => count > left[i]!)) continue;
      const rest = search(
        left.map((count, i) => count - mix[i]!),
        gpus - 1,
      );
      if (rest !== undefined) return [mix, ...rest];
    }
    hopeless.add(key);
    return undefined;
  };
  for (let gpus = bound(counts); ; gpus++) {
    const found = search(counts, gpus);
    if (found !== undefined) return found;
  }
}

function* waysToPlace(
  geometry: MigGeometry,
  held: readonly MigPlacement[],
  wanted: readonly MigProfile[],
  from = 0,
): Generator<readonly MigPlacement[], undefined> {
  const [profile, ...rest] = wanted;
  if (profile === undefined) {
    yield [];
    return undefined;
  }
  for (const start of profile.starts) {
    // Equal instances in ascending order: the same set is not tried twice.
    if (start < from) continue;
    const placement = { profile, start };
    if (!migPlacementsFit(geometry, [...held, placement])) continue;
    const next = rest[0] === profile ? start + 1 : 0;
    for (const others of waysToPlace(geometry, [...held, placement], rest, next)) {
      yield [placement, ...others];
    }
  }
  return undefined;
}

interface Room {
  readonly compute: number;
  readonly places: number;
}

/** Compute slices that instances could still be given, and the places at which some profile would fit. */
function roomBeside(geometry: MigGeometry, held: readonly MigPlacement[]): Room {
  const free = geometry.profiles
    .flatMap((profile) => profile.starts.map((start) => ({ profile, start })))
    .filter((placement) => migPlacementsFit(geometry, [...held, placement]));
  // Variants with more memory or media engines never add compute that plain profiles do not.
  const lean = free.filter(({ profile }) => isLean(geometry, profile));
  let compute = 0;
  const extend = (chosen: readonly MigPlacement[], from: number, used: number): void => {
    compute = Math.max(compute, used);
    for (let i = from; i < lean.length; i++) {
      const next = [...chosen, lean[i]!];
      if (!migPlacementsFit(geometry, [...held, ...next])) continue;
      extend(next, i + 1, used + lean[i]!.profile.computeSlices);
    }
  };
  extend([], 0, 0);
  return { compute, places: free.length };
}

/** The first profile of its compute size: variants with more memory or media engines come after it. */
const isLean = (geometry: MigGeometry, profile: MigProfile): boolean =>
  geometry.profiles.find((other) => other.computeSlices === profile.computeSlices) === profile;

const isMore = (a: Room, b: Room): boolean =>
  a.compute !== b.compute ? a.compute > b.compute : a.places > b.places;

const bySize = (profiles: readonly MigProfile[]): readonly MigProfile[] =>
  profiles.toSorted(
    (a, b) => b.memorySlices - a.memorySlices || b.computeSlices - a.computeSlices || a.id - b.id,
  );

const expand = (profiles: readonly MigProfile[], mix: readonly number[]): readonly MigProfile[] =>
  profiles.flatMap((profile, i) => new Array<MigProfile>(mix[i]!).fill(profile));

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

const weigh = (
  profiles: readonly MigProfile[],
  counts: readonly number[],
  slices: 'computeSlices' | 'memorySlices',
): number => profiles.reduce((total, profile, i) => total + profile[slices] * counts[i]!, 0);
