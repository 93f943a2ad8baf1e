import type { MilliGpu } from '../base/units.ts';
import type { Gpu, Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import { allowsGpu } from './allows-gpu.ts';
import { times } from './amounts.ts';
import { aloneFor } from './device-owners.ts';
import {
  isPlain,
  largestShare,
  openOf,
  type ShareAsk,
  shareFits,
  shareOn,
} from './device-share.ts';
import type { LinkSets } from './link-sets.ts';
import { chooseInstance, type HeldById } from './mig-instances.ts';
import type { Ask } from './shape.ts';
import type { Shortage } from './shortage.ts';
import { WHOLE_GPU } from './whole-gpu.ts';

/** The devices of one node as they are now. */
export interface RowDevices {
  readonly node: Node;
  /** Open milli-GPU of each. */
  readonly open: readonly number[];
  readonly held: HeldById;
  /** Whether the open amounts say all there is to know. */
  readonly plain: boolean;
}

type Placed = Pick<Ask, 'constraints'>;

/** What the ask holds on the devices chosen for it: of a share, what it is of that device. */
export function heldOn(
  { node, plain }: RowDevices,
  { constraints, ...ask }: Ask,
  gpus: readonly string[],
): Resources {
  if (ask.mig !== undefined || gpus.length !== 1 || ask.gpu >= WHOLE_GPU) return ask;
  const gpuFor = constraints && aloneFor({ ...ask, constraints });
  const own: Resources = gpuFor === undefined ? ask : { ...ask, gpuFor };
  if (ask.gpuMemory === undefined && plain) return own;
  const device = node.gpus.find(({ id }) => id === gpus[0])!;
  const share = shareOn(device, ask);
  return share === ask.gpu ? own : { ...own, gpu: share as MilliGpu };
}

/** Whether a share may go on this device now. Its model is looked at elsewhere. */
export function fitsShare({ node, open, plain }: RowDevices, i: number, ask: ShareAsk): boolean {
  if (ask.gpuMemory === undefined && plain) return open[i]! >= ask.gpu;
  return shareFits(node.gpus[i]!, open[i]!, ask);
}

/** What the devices of a node lack for the ask even while all of them are free; undefined when nothing. */
export function lacksDevices(node: Node, ask: ShareAsk & Placed): Shortage | undefined {
  if (ask.mig === undefined && ask.gpuMemory === undefined && node.gpus.every(isPlain)) {
    const free = node.gpus.length * WHOLE_GPU;
    return free >= ask.gpu ? undefined : { resource: 'gpu', asked: ask.gpu, free };
  }
  const open = node.gpus.map((gpu) => openOf(gpu, 0));
  const devices: RowDevices = { node, open, held: new Map(), plain: false };
  if (ask.mig !== undefined) {
    const has = instanceFor(devices, ask.mig, ask).length > 0;
    return has ? undefined : deviceShortage(devices, ask);
  }
  if (ask.gpu >= WHOLE_GPU) {
    const free = open.reduce((sum, one) => sum + one, 0);
    return free >= ask.gpu ? undefined : { resource: 'gpu', asked: ask.gpu, free };
  }
  if (shareFor(devices, ask).length > 0) return undefined;
  const most = node.gpus.reduce((max, gpu) => Math.max(max, largestShare(gpu, WHOLE_GPU)), 0);
  return ask.gpuMemory === undefined || most < ask.gpu
    ? { resource: 'gpu', asked: ask.gpu, free: most }
    : deviceShortage(devices, ask);
}

/** An instance that the ask would get, of those that exist or that its node could cut. */
export function instanceFor({ node, held }: RowDevices, profile: string, ask: Placed) {
  const id = chooseInstance(allowedGpus(node, ask), profile, held);
  return id === undefined ? [] : [{ id }];
}

/** How many such shares the devices could give out at once beside `kept` whole ones. */
export function sharesBeside(devices: RowDevices, ask: ShareAsk, kept: number): number {
  let shares = 0;
  let keep = kept;
  for (const [i, free] of devices.open.entries()) {
    if (free === WHOLE_GPU && keep > 0) keep--;
    else if (fitsShare(devices, i, ask)) shares += times(free, shareOn(devices.node.gpus[i]!, ask));
  }
  return shares;
}

/** The fullest device that can share. */
export function shareFor(devices: RowDevices, ask: ShareAsk & Placed) {
  const { node, open } = devices;
  let best = -1;
  for (let i = 0; i < open.length; i++) {
    if (best >= 0 && open[i]! >= open[best]!) continue;
    if (fitsShare(devices, i, ask) && allowsGpu(ask.constraints, node.gpus[i]!)) best = i;
  }
  return best < 0 ? [] : [node.gpus[best]!];
}

/** Idle devices: those that are linked best where links are known, else the first. */
export function wholeFor(
  { node, open }: RowDevices,
  count: number,
  constraints: Ask['constraints'],
  linkSets: (links: NonNullable<Node['links']>) => LinkSets,
): readonly Gpu[] {
  const { gpus, links } = node;
  const idle: number[] = [];
  for (let i = 0; i < open.length; i++) {
    if (open[i] === WHOLE_GPU && allowsGpu(constraints, gpus[i]!)) idle.push(i);
  }
  const linked = links !== undefined && count > 1 && count < idle.length;
  const chosen = linked ? linkSets(links).best(idle, count) : idle.slice(0, count);
  return chosen.map((i) => gpus[i]!);
}

/** What a request lacks that the amounts of compute alone do not show: an instance, or memory of a device. */
export function deviceShortage({ node, open }: RowDevices, ask: ShareAsk): Shortage {
  const { mig, gpuMemory } = ask;
  if (mig !== undefined) return { resource: `${mig} instance`, asked: 1, free: 0 };
  let most = 0;
  for (const [i, gpu] of node.gpus.entries()) {
    most = Math.max(most, Math.floor((largestShare(gpu, open[i]!) * gpu.memory) / WHOLE_GPU));
  }
  const asked = gpuMemory ?? 0;
  return { resource: 'gpu-memory', asked, free: Math.min(most, asked - 1) };
}

/** Of a share beside nobody else: the most that is open to it, on a device of any model. */
export function shortageAlone(devices: RowDevices, ask: ShareAsk): Shortage {
  const most = Math.max(0, ...devices.open);
  if (most >= ask.gpu && ask.gpuMemory !== undefined) return deviceShortage(devices, ask);
  return { resource: 'gpu', asked: ask.gpu, free: Math.min(most, ask.gpu - 1) };
}

export const allowedGpus = (node: Node, { constraints }: Placed): readonly Gpu[] =>
  constraints === undefined
    ? node.gpus
    : node.gpus.filter((gpu) => allowsGpu(constraints, { ...gpu, model: modelOf(gpu) }));

/** An instance is of the model of the GPU that it is a part of. */
const modelOf = ({ model, mig }: Gpu): string =>
  mig?.kind === 'instance' ? model.replace(/ MIG .*$/, '') : model;
