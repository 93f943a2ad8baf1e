import assert from 'node:assert/strict';
import type { Placement } from '../../src/model/messages.ts';
import type { Gpu } from '../../src/model/node.ts';

type Held = Placement['held'];

/** Where instances of an A100 of 40 GB may start, how many memory slices they are, and compute slices of 7. */
const A100: Readonly<
  Record<string, { starts: number[]; size: number; compute: number; max: number }>
> = {
  '1g.5gb': { starts: [0, 1, 2, 3, 4, 5, 6], size: 1, compute: 1, max: 7 },
  '1g.10gb': { starts: [0, 2, 4, 6], size: 2, compute: 1, max: 4 },
  '2g.10gb': { starts: [0, 2, 4], size: 2, compute: 2, max: 3 },
  '3g.20gb': { starts: [0, 4], size: 4, compute: 3, max: 2 },
  '4g.20gb': { starts: [0], size: 4, compute: 4, max: 1 },
  '7g.40gb': { starts: [0], size: 8, compute: 7, max: 1 },
};

/** The placements on a device, or on instances cut from it. */
function on(gpu: Gpu, all: Iterable<Placement>): Placement[] {
  return [...all].filter(({ gpus }) =>
    gpus.some((id) => id === gpu.id || id.startsWith(`${gpu.id}/`)),
  );
}

/** Milli-GPU open to whole and shared use; of a workload that is beside nobody else, `alone`. */
export function openOf(gpu: Gpu, all: Iterable<Placement>, alone?: Held['gpuFor']): number {
  if (gpu.mig !== undefined) return 0;
  const here = on(gpu, all);
  if (here.some(({ held }) => held.gpuFor !== alone)) return 0;
  return here.reduce((open, { held }) => open - Math.min(held.gpu, 1000), 1000);
}

/** What a share holds there: the most of what it asks of compute, of memory, and of a turn. */
export function shareOf(gpu: Gpu, ask: Held): number {
  const wants = [ask.gpu, Math.ceil(((ask.gpuMemory ?? 0) * 1000) / gpu.memory)];
  if (gpu.sharing?.kind === 'time-slice') wants.push(Math.floor(1000 / gpu.sharing.replicas));
  if (gpu.sharing?.kind === 'mps') wants.push(21);
  return Math.max(...wants);
}

function sharesMost(gpu: Gpu): number {
  if (gpu.mig !== undefined || gpu.sharing?.kind === 'exclusive') return 0;
  return gpu.sharing?.kind === 'time-slice' ? Math.floor(1000 / gpu.sharing.replicas) : 1000;
}

/** Devices, or instances to be, that the ask could be given now: as many ids as it needs, or none. */
export function devicesFor(gpus: readonly Gpu[], ask: Held, all: readonly Placement[]): string[] {
  if (ask.gpu === 0) return [];
  if (ask.mig !== undefined) return instanceFor(gpus, ask.mig, all);
  const byOpen = gpus.map((gpu) => ({ gpu, open: openOf(gpu, all, ask.gpuFor) }));
  if (ask.gpu >= 1000) {
    const idle = byOpen.filter(({ open }) => open === 1000);
    return idle.length * 1000 < ask.gpu
      ? []
      : idle.slice(0, ask.gpu / 1000).map(({ gpu }) => gpu.id);
  }
  const able = byOpen.filter(({ gpu, open }) => {
    const share = shareOf(gpu, ask);
    return share <= open && share <= sharesMost(gpu);
  });
  able.sort((a, b) => a.open - b.open);
  return able.slice(0, 1).map(({ gpu }) => gpu.id);
}

function instanceFor(gpus: readonly Gpu[], profile: string, all: readonly Placement[]): string[] {
  for (const gpu of gpus) {
    if (gpu.mig?.kind === 'instance' && gpu.mig.profile === profile && on(gpu, all).length === 0) {
      return [gpu.id];
    }
  }
  for (const gpu of gpus) {
    if (gpu.mig?.kind !== 'cut') continue;
    const ids = on(gpu, all).flatMap((placement) => placement.gpus);
    for (const start of A100[profile]?.starts ?? []) {
      const id = `${gpu.id}/${profile}@${start}`;
      if (canExist(gpu, [...ids, id])) return [id];
    }
  }
  return [];
}

/** The rules of placement, counted slice by slice. */
function canExist(gpu: Gpu, ids: readonly string[]): boolean {
  const slices = new Set<number>();
  const counts = new Map<string, number>();
  let compute = 0;
  for (const id of ids) {
    const [profile, at] = id.slice(gpu.id.length + 1).split('@') as [string, string];
    const rule = A100[profile];
    const start = Number(at);
    if (rule === undefined || !rule.starts.includes(start)) return false;
    counts.set(profile, (counts.get(profile) ?? 0) + 1);
    if (counts.get(profile)! > rule.max) return false;
    compute += rule.compute;
    for (let slice = start; slice < start + rule.size; slice++) {
      if (slices.has(slice)) return false;
      slices.add(slice);
    }
  }
  return compute <= 7;
}

/** What holds for a device whoever put the tasks there. */
export function checkDevice(gpu: Gpu, all: Iterable<Placement>): void {
  const here = on(gpu, all);
  if (here.length === 0) return;
  if (gpu.mig?.kind === 'instance') {
    assert.equal(here.length, 1, `${gpu.id} is one task's`);
    assert.equal(here[0]!.held.mig, gpu.mig.profile, `${gpu.id} is what was asked for`);
    return;
  }
  if (gpu.mig?.kind === 'cut') {
    const ids = here.flatMap(({ gpus }) => gpus);
    assert.ok(canExist(gpu, ids), `${ids.join(' ')} can exist together`);
    for (const { held, gpus } of here)
      assert.ok(gpus[0]!.includes(`/${held.mig}@`), 'as asked for');
    return;
  }
  let compute = 0;
  let memory = 0;
  for (const { held } of here) {
    assert.equal(held.mig, undefined, `${gpu.id} has no instances`);
    compute += Math.min(held.gpu, 1000);
    const own = Math.floor((Math.min(held.gpu, 1000) * gpu.memory) / 1000);
    assert.ok(own >= (held.gpuMemory ?? 0), `${gpu.id}: the memory asked for is held`);
    memory += own;
    if (held.gpu < 1000) assert.ok(held.gpu <= sharesMost(gpu), `${gpu.id} gives such shares`);
  }
  const owners = new Set(here.map(({ held }) => held.gpuFor));
  assert.equal(owners.size, 1, `${gpu.id} is beside no other workload: ${[...owners].join()}`);
  assert.ok(compute <= 1000, `${gpu.id} is given out once`);
  assert.ok(memory <= gpu.memory, `the memory of ${gpu.id} is promised once`);
  if (gpu.sharing?.kind === 'exclusive') assert.equal(here.length, 1, `${gpu.id} is one task's`);
  if (gpu.sharing?.kind === 'time-slice') assert.ok(here.length <= gpu.sharing.replicas);
  if (gpu.sharing?.kind === 'mps') assert.ok(here.length <= 48);
}
