import { assert } from '../base/assert.ts';

/**
 * One MIG profile of one GPU model. A placement is an interval on the axis of memory slices.
 * Source: NVIDIA Multi-Instance GPU user guide and `nvidia-smi mig -lgip`, `-lgipp`. The mock of
 * NVIDIA/go-nvml has simplified placements and is not a source.
 */
export interface MigProfile {
  readonly name: string;
  /** As `nvidia-smi mig -cgi` takes it. */
  readonly id: number;
  readonly computeSlices: number;
  readonly memorySlices: number;
  /** Where an instance may start. */
  readonly starts: readonly number[];
  /** At most so many at once. */
  readonly max: number;
  /** Smallest and largest count of SMs seen: on Hopper it differs with the part; ask the driver. */
  readonly multiprocessors: readonly [low: number, high: number];
}

export interface MigGeometry {
  readonly model: string;
  readonly memoryGb: number;
  readonly computeSlices: number;
  readonly memorySlices: number;
  readonly profiles: readonly MigProfile[];
}

const all = [0, 1, 2, 3, 4, 5, 6];

/** Sizes in the names follow the memory of the part, the rest is the same for every 7-slice part. */
function sevenSlices(
  model: string,
  memoryGb: number,
  gb: readonly [one: number, two: number, four: number, whole: number],
  sms: readonly [one: number, three: readonly [number, number], whole: readonly [number, number]],
): MigGeometry {
  const [one, two, four, whole] = gb;
  const [sm, smThree, smWhole] = sms;
  const exact = (slices: number): readonly [number, number] => [slices * sm, slices * sm];
  const profiles: MigProfile[] = [
    profile(`1g.${one}gb`, 19, 1, 1, all, 7, exact(1)),
    profile(`1g.${one}gb+me`, 20, 1, 1, all, 1, exact(1)),
    profile(`1g.${two}gb`, 15, 1, 2, [0, 2, 4, 6], 4, exact(1)),
    profile(`2g.${two}gb`, 14, 2, 2, [0, 2, 4], 3, exact(2)),
    profile(`3g.${four}gb`, 9, 3, 4, [0, 4], 2, smThree),
    profile(`4g.${four}gb`, 5, 4, 4, [0], 1, exact(4)),
    profile(`7g.${whole}gb`, 0, 7, 8, [0], 1, smWhole),
  ];
  return { model, memoryGb, computeSlices: 7, memorySlices: 8, profiles };
}

function profile(
  name: string,
  id: number,
  computeSlices: number,
  memorySlices: number,
  starts: readonly number[],
  max: number,
  multiprocessors: readonly [number, number],
): MigProfile {
  return { name, id, computeSlices, memorySlices, starts, max, multiprocessors };
}

const ampere = [14, [42, 42], [98, 98]] as const;
const hopper = [16, [48, 60], [112, 132]] as const;
const blackwell = [18, [54, 54], [126, 126]] as const;

export const migGeometries: readonly MigGeometry[] = [
  {
    model: 'A30',
    memoryGb: 24,
    computeSlices: 4,
    memorySlices: 4,
    profiles: [
      profile('1g.6gb', 14, 1, 1, [0, 1, 2, 3], 4, [14, 14]),
      profile('1g.6gb+me', 21, 1, 1, [0, 1, 2, 3], 1, [14, 14]),
      profile('2g.12gb', 5, 2, 2, [0, 2], 2, [28, 28]),
      profile('2g.12gb+me', 6, 2, 2, [0, 2], 1, [28, 28]),
      profile('4g.24gb', 0, 4, 4, [0], 1, [56, 56]),
    ],
  },
  sevenSlices('A100', 40, [5, 10, 20, 40], ampere),
  sevenSlices('A100', 80, [10, 20, 40, 80], ampere),
  sevenSlices('H100', 80, [10, 20, 40, 80], hopper),
  sevenSlices('H100 NVL', 94, [12, 24, 47, 94], hopper),
  sevenSlices('GH200', 96, [12, 24, 48, 96], hopper),
  sevenSlices('H200', 141, [18, 35, 71, 141], hopper),
  sevenSlices('B200', 180, [23, 45, 90, 180], blackwell),
];

/** The geometry of a GPU by the driver's name and memory; undefined when it knows no MIG. */
export function migGeometryOf(driverName: string, memoryBytes: number): MigGeometry | undefined {
  const named = migGeometries.filter((g) =>
    new RegExp(`(^|[ -])${g.model.split(' ')[0]!}([ -]|$)`, 'i').test(driverName),
  );
  // A driver tells 0.95 to 1.05 of the marketed size, ECC and rounding apart.
  return named.find((g) => Math.abs(memoryBytes / (g.memoryGb * 2 ** 30) - 1) < 0.075);
}

/**
 * The profile of an instance from its SMs and memory, for a driver that does not name it. Undefined
 * unless exactly one fits: `+me` differs in media engines only, so it is not told apart from its twin.
 */
export function migProfileOf(
  geometry: MigGeometry,
  multiprocessors: number,
  memoryBytes: number,
): MigProfile | undefined {
  const sliceBytes = (geometry.memoryGb * 2 ** 30) / geometry.memorySlices;
  const slices = Math.round(memoryBytes / sliceBytes);
  const found = geometry.profiles.filter(
    (p) =>
      !p.name.endsWith('+me') &&
      p.memorySlices === slices &&
      multiprocessors >= p.multiprocessors[0] &&
      multiprocessors <= p.multiprocessors[1],
  );
  return found.length === 1 ? found[0] : undefined;
}

export interface MigPlacement {
  readonly profile: MigProfile;
  readonly start: number;
}

/** True when these instances can exist together: disjoint intervals, compute slices and counts kept. */
export function migPlacementsFit(
  geometry: MigGeometry,
  placements: readonly MigPlacement[],
): boolean {
  let compute = 0;
  const taken = new Array<boolean>(geometry.memorySlices).fill(false);
  const counts = new Map<string, number>();
  for (const { profile: p, start } of placements) {
    if (!p.starts.includes(start)) return false;
    compute += p.computeSlices;
    const many = (counts.get(p.name) ?? 0) + 1;
    counts.set(p.name, many);
    if (compute > geometry.computeSlices || many > p.max) return false;
    for (let slice = start; slice < start + p.memorySlices; slice++) {
      if (taken[slice] === true) return false;
      taken[slice] = true;
    }
  }
  return true;
}

/**
 * Every set of placements to which no instance of `profiles` can be added. 19 for a seven-slice part
 * and its five classic profiles: the configurations that NVIDIA publishes.
 */
export function maximalMigLayouts(
  geometry: MigGeometry,
  profiles: readonly MigProfile[],
): readonly (readonly MigPlacement[])[] {
  const candidates = profiles
    .flatMap((p) => p.starts.map((start): MigPlacement => ({ profile: p, start })))
    .sort((a, b) => a.start - b.start);
  // 23 candidates on eight slices: a few thousand sets at the most.
  assert(candidates.length <= 32, 'too many MIG placements to enumerate');
  const found: (readonly MigPlacement[])[] = [];
  const extend = (chosen: readonly MigPlacement[], from: number): void => {
    const fits = (c: MigPlacement) => migPlacementsFit(geometry, [...chosen, c]);
    if (!candidates.some(fits)) found.push(chosen);
    for (let i = from; i < candidates.length; i++) {
      if (fits(candidates[i]!)) extend([...chosen, candidates[i]!], i + 1);
    }
  };
  extend([], 0);
  return found;
}
