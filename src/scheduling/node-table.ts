import { assert } from '../base/assert.ts';
import type { Bytes, MilliCpu, MilliGpu } from '../base/units.ts';
import type { NodeId, WorkloadId } from '../model/ids.ts';
import type { Gpu, Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import { amountOf, lacks, sameCounts, times } from './amounts.ts';
import { enlarge, widen } from './cells.ts';
import { aloneFor, DeviceOwners, isPlainAsk } from './device-owners.ts';
import { capacityOf, isPlain, largestShare, openOf } from './device-share.ts';
import { isGuarded } from './guarded.ts';
import { LinkSets } from './link-sets.ts';
import { heldOfMig, instancesFree } from './mig-instances.ts';
import type { SiteFilter } from './plugin.ts';
import { Residents } from './residents.ts';
import {
  allowedGpus,
  deviceShortage,
  fitsShare,
  heldOn,
  instanceFor,
  type RowDevices,
  shareFor,
  sharesBeside,
  shortageAlone,
  wholeFor,
} from './row-devices.ts';
import type { Ask } from './shape.ts';
import type { Shortage } from './shortage.ts';
import { SpaceBook } from './space-book.ts';
import { SpotBook } from './spot-book.ts';
import { WHOLE_GPU } from './whole-gpu.ts';

export { WHOLE_GPU } from './whole-gpu.ts';

/** Index of a row. Never leaves the process, never persisted. */
export type NodeIndex = number;

const CPU = 0;
const MEMORY = 1;
const FIRST_CUSTOM = 2;
/** A reader that lags further behind starts afresh, which costs one look at every row. */
const CHANGES_KEPT = 1 << 15;

/**
 * Capacity and free amounts of every node: one row per node, one column per resource, one cell per GPU.
 * `take` and `give` are the only writers of what is free. Rows are never reused: ties break alike in a replay.
 */
export class NodeTable {
  readonly #nodes: (Node | undefined)[] = [];
  /** Those of `#nodes` that are there, once asked for. */
  #present: readonly Node[] | undefined;
  readonly #indexById = new Map<NodeId, NodeIndex>();
  readonly #columnByName = new Map<string, number>();
  #columns = FIRST_CUSTOM;
  #free = new Float64Array(0);
  #capacity = new Float64Array(0);
  /** Free milli-GPU of each device of each row. */
  readonly #gpuFree: number[][] = [];
  /** Per row: whether all its devices are plain, so that the free amounts say everything. */
  readonly #plain: boolean[] = [];
  /** By the text of the links, which many nodes have in common. */
  readonly #linkSets = new Map<string, LinkSets>();
  /** Per row: how many placements hold a share (0) or so many whole devices. */
  readonly #gpuKinds: Map<number, number>[] = [];
  /** Free milli-GPU of all nodes by the model of their first device. */
  readonly #freeByModel = new Map<string, number>();
  /** Per row, of its devices: the sum of what is free, the number wholly free, the most free on one. */
  readonly #gpuSum: number[] = [];
  readonly #gpuWhole: number[] = [];
  readonly #gpuMost: number[] = [];
  /** Rows in the order in which they changed; whoever keeps something derived reads on from its cursor. */
  readonly #changes = new Int32Array(CHANGES_KEPT);
  /** Of each row, the number of its last change. */
  readonly #lastChange: number[] = [];
  #changeCount = 0;
  /** Held milli-GPU by device id, of devices that are away, too: they may come back while they are held. */
  readonly #gpuHeld: Map<string, number>[] = [];
  readonly #owners = new DeviceOwners();
  /** What is kept free for somebody, by row: `fits` leaves it alone. */
  readonly #aside = new Map<NodeIndex, Resources>();

  /** Whose tasks run where; kept by the scheduler. */
  readonly residents = new Residents();
  readonly space = new SpaceBook();
  readonly spot = new SpotBook();
  /** Of the site, for every task: set once, when its scheduler is made. */
  siteFilters: readonly SiteFilter[] = [];

  /** Rows ever used, the left ones too: iterate 0 … rows − 1 and skip those without a node. */
  get rows(): number {
    return this.#nodes.length;
  }

  node(row: NodeIndex): Node | undefined {
    return this.#nodes[row];
  }

  /** In order of joining. */
  nodes(): readonly Node[] {
    this.#present ??= this.#nodes.filter((node) => node !== undefined);
    return this.#present;
  }

  rowOf(id: NodeId): NodeIndex | undefined {
    return this.#indexById.get(id);
  }

  /** Adds a node, or changes the capacity of one that is there; what is held stays held. */
  join(node: Node): NodeIndex {
    this.#present = undefined;
    const known = this.#indexById.get(node.id);
    const row = known ?? this.#nodes.length;
    for (const [name] of node.custom) this.#column(name);
    if (known === undefined) {
      this.#nodes.push(node);
      this.#indexById.set(node.id, row);
      this.#gpuHeld.push(new Map());
      this.#gpuKinds.push(new Map());
      this.#gpuFree.push([]);
      this.#grow();
    }
    if (known !== undefined) this.#count(row, -1);
    this.#nodes[row] = node;
    this.#plain[row] = node.gpus.every(isPlain);
    this.#gpuFree[row] = node.gpus.map((gpu) => this.#openTo(row, gpu));
    for (let column = 0; column < this.#columns; column++) {
      const cell = row * this.#columns + column;
      const capacity = this.#capacityOf(node, column);
      this.#free[cell] = this.#free[cell]! + capacity - this.#capacity[cell]!;
      this.#capacity[cell] = capacity;
    }
    this.#summariseGpus(row);
    this.#note(row);
    return row;
  }

  leave(id: NodeId): void {
    const row = this.#indexById.get(id);
    assert(row !== undefined, 'only a node that is there leaves');
    this.#present = undefined;
    this.#indexById.delete(id);
    this.#count(row, -1);
    this.#nodes[row] = undefined;
    this.#gpuFree[row] = [];
    this.#gpuHeld[row] = new Map();
    this.#owners.forget(row);
    this.#aside.delete(row);
    this.#gpuKinds[row] = new Map();
    this.#free.fill(0, row * this.#columns, (row + 1) * this.#columns);
    this.#capacity.fill(0, row * this.#columns, (row + 1) * this.#columns);
    this.#summariseGpus(row);
    this.#note(row);
  }

  /** Counts every change of a row, ever. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** Visits the rows changed since `cursor`, a former `changeCount` that it still `remembers`, each once. */
  visitChanged(cursor: number, visit: (row: NodeIndex) => void): void {
    assert(this.remembers(cursor), 'a cursor that is not too old');
    for (let i = cursor; i < this.#changeCount; i++) {
      const row = this.#changes[i % CHANGES_KEPT]!;
      if (this.#lastChange[row] === i) visit(row);
    }
  }

  /** All that was derived from rows is stale. */
  markAll(): void {
    this.#changeCount += CHANGES_KEPT + 1;
  }

  remembers(cursor: number): boolean {
    return this.#changeCount - cursor <= CHANGES_KEPT;
  }

  fits(row: NodeIndex, ask: Ask): boolean {
    const base = row * this.#columns;
    if (this.#nodes[row] === undefined) return false;
    if (this.#aside.size > 0) {
      const aside = this.#aside.get(row);
      if (aside !== undefined) return this.slots(row, ask, aside, 1) === 1;
    }
    if (lacks(this.#free[base + CPU]!, ask.cpu)) return false;
    if (lacks(this.#free[base + MEMORY]!, ask.memory)) return false;
    for (const [name, amount] of ask.custom) {
      if (lacks(this.freeCustom(row, name), amount)) return false;
    }
    return ask.gpu === 0 || this.#gpusFit(row, ask);
  }

  /**
   * How many requests of this size the node could serve at once beside `aside`, at most `max`. What is set
   * aside of GPUs counts as whole devices, also where a share was asked for: never too many, seldom too few.
   */
  slots(row: NodeIndex, ask: Ask, aside: Resources | undefined, max: number): number {
    if (this.#nodes[row] === undefined) return 0;
    const base = row * this.#columns;
    let most = max;
    most = Math.min(most, times(this.#free[base + CPU]! - (aside?.cpu ?? 0), ask.cpu));
    most = Math.min(most, times(this.#free[base + MEMORY]! - (aside?.memory ?? 0), ask.memory));
    for (const [name, amount] of ask.custom) {
      most = Math.min(most, times(this.freeCustom(row, name) - amountOf(aside, name), amount));
    }
    if (ask.gpu === 0 || most <= 0) return Math.max(0, most);
    const kept = Math.ceil((aside?.gpu ?? 0) / WHOLE_GPU);
    if (ask.mig !== undefined) {
      // Nobody wrote down which slices are kept.
      return kept > 0
        ? 0
        : instancesFree(allowedGpus(this.#nodes[row]!, ask), ask.mig, this.#gpuHeld[row]!, most);
    }
    if (ask.gpu >= WHOLE_GPU) {
      return Math.max(0, Math.min(most, times(this.#gpuWhole[row]! - kept, ask.gpu / WHOLE_GPU)));
    }
    if (this.#gpuWhole[row]! < kept) return 0;
    return Math.min(most, sharesBeside(this.#devices(row, ask), ask, kept));
  }

  /** Keeps so much of the row free from now on, or nothing; replaces what was set aside there. */
  setAside(row: NodeIndex, amount: Resources | undefined): void {
    if (amount === undefined) this.#aside.delete(row);
    else this.#aside.set(row, amount);
    if (row < this.#nodes.length) this.#note(row);
  }

  aside(row: NodeIndex): Resources | undefined {
    return this.#aside.get(row);
  }

  /** The first resource that is short on this node, or nothing when the request fits. */
  shortage(row: NodeIndex, ask: Ask): Shortage | undefined {
    const base = row * this.#columns;
    if (this.#nodes[row] === undefined) return { resource: 'node', asked: 1, free: 0 };
    if (ask.gpu > 0 && !this.#gpusFit(row, ask)) return this.#gpuShortage(row, ask);
    for (const [name, amount] of ask.custom) {
      const free = this.freeCustom(row, name);
      if (lacks(free, amount)) return { resource: name, asked: amount, free };
    }
    const memory = this.#free[base + MEMORY]!;
    if (lacks(memory, ask.memory)) return { resource: 'memory', asked: ask.memory, free: memory };
    const cpu = this.#free[base + CPU]!;
    return lacks(cpu, ask.cpu) ? { resource: 'cpu', asked: ask.cpu, free: cpu } : undefined;
  }

  /**
   * The devices that the ask would get: the fullest one that can share, the free ones that are linked best
   * where links are known, else the first free ones; of a MIG instance that is yet to be cut, its id to be.
   */
  chooseGpus(row: NodeIndex, gpu: MilliGpu, ask?: Ask): readonly Pick<Gpu, 'id'>[] {
    if (gpu === 0) return [];
    const devices = this.#devices(row, ask);
    if (ask?.mig !== undefined) return instanceFor(devices, ask.mig, ask);
    if (gpu < WHOLE_GPU) return shareFor(devices, ask ?? { gpu });
    return wholeFor(devices, gpu / WHOLE_GPU, ask?.constraints, (links) => this.#linked(links));
  }

  /** What the ask holds on the devices chosen for it: of a share, what it is of that device. */
  heldOn(row: NodeIndex, ask: Ask, gpus: readonly string[]): Resources {
    return heldOn(this.#devices(row), ask, gpus);
  }

  /** Whether a share may go on this device now. */
  shareFits(row: NodeIndex, device: number, ask: Ask): boolean {
    return fitsShare(this.#devices(row, ask), device, ask);
  }

  /** Whether the free amounts of the row's devices say all that a share needs to know. */
  isPlain(row: NodeIndex): boolean {
    return this.#plain[row]!;
  }

  take(row: NodeIndex, held: Resources, gpus: readonly string[]): void {
    this.#move(row, held, gpus, -1);
  }

  /** Gives back what a placement held. A node that left took it along. */
  give(id: NodeId, held: Resources, gpus: readonly string[]): void {
    const row = this.#indexById.get(id);
    if (row !== undefined) this.#move(row, held, gpus, 1);
  }

  freeCpu(row: NodeIndex): MilliCpu {
    return this.#free[row * this.#columns + CPU]! as MilliCpu;
  }

  freeMemory(row: NodeIndex): Bytes {
    return this.#free[row * this.#columns + MEMORY]! as Bytes;
  }

  freeCustom(row: NodeIndex, name: string): number {
    const column = this.#columnByName.get(name);
    return column === undefined ? 0 : this.#free[row * this.#columns + column]!;
  }

  freeGpu(row: NodeIndex): readonly number[] {
    return this.#gpuFree[row]!;
  }

  /** How much of a request of this size the node could serve now: whole devices, or the largest share. */
  gpuFreeFor(row: NodeIndex, gpu: MilliGpu): number {
    return gpu >= WHOLE_GPU ? this.#gpuWhole[row]! * WHOLE_GPU : this.#gpuMost[row]!;
  }

  /** Free milli-GPU over all devices of the node. */
  freeGpuSum(row: NodeIndex): number {
    return this.#gpuSum[row]!;
  }

  /** Milli-GPU that the node's devices are. */
  gpuCapacity(row: NodeIndex): MilliGpu {
    const { gpus } = this.#nodes[row]!;
    const plain = gpus.length * WHOLE_GPU;
    if (this.#plain[row] === true) return plain as MilliGpu;
    return gpus.reduce((sum, gpu) => sum + capacityOf(gpu), 0) as MilliGpu;
  }

  /** What is held of a device, instances cut from it included. */
  gpuHeld(row: NodeIndex, device: number): MilliGpu {
    const gpu = this.#nodes[row]!.gpus[device]!;
    const held = this.#gpuHeld[row]!;
    return (gpu.mig === undefined ? (held.get(gpu.id) ?? 0) : heldOfMig(gpu, held)) as MilliGpu;
  }

  /** Whether the rows have the same resources and models, and the same free, so that they score alike. */
  alike(a: NodeIndex, b: NodeIndex): boolean {
    const columns = this.#columns;
    for (let column = 0; column < columns; column++) {
      if (this.#free[a * columns + column] !== this.#free[b * columns + column]) return false;
      if (this.#capacity[a * columns + column] !== this.#capacity[b * columns + column])
        return false;
    }
    if (this.#plain[a] !== true || this.#plain[b] !== true) return false;
    const free = this.#gpuFree[a]!;
    const other = this.#gpuFree[b]!;
    if (free.length !== other.length) return false;
    if (isGuarded(this.#nodes[a], this.spot) || isGuarded(this.#nodes[b], this.spot)) return false;
    if (this.#owners.any(a) || this.#owners.any(b)) return false;
    const gpus = this.#nodes[a]?.gpus;
    const others = this.#nodes[b]?.gpus;
    if (gpus === undefined || others === undefined) return false;
    for (let i = 0; i < free.length; i++) {
      if (free[i] !== other[i] || gpus[i]!.model !== others[i]!.model) return false;
      if (gpus[i]!.memory !== others[i]!.memory) return false;
    }
    return sameCounts(this.#gpuKinds[a]!, this.#gpuKinds[b]!);
  }

  /** Devices of the node that are wholly free. */
  wholeGpus(row: NodeIndex): number {
    return this.#gpuWhole[row]!;
  }

  /** What holds devices of the node: placements with a share (0), or with so many whole devices. */
  gpuKinds(row: NodeIndex): ReadonlyMap<number, number> {
    return this.#gpuKinds[row]!;
  }

  /** Free milli-GPU of all nodes by the model of their first device. */
  get freeGpuByModel(): ReadonlyMap<string, number> {
    return this.#freeByModel;
  }

  #gpusFit(row: NodeIndex, ask: Ask): boolean {
    if (isPlainAsk(ask)) return this.gpuFreeFor(row, ask.gpu) >= ask.gpu;
    return this.chooseGpus(row, ask.gpu, ask).length > 0;
  }

  #gpuShortage(row: NodeIndex, ask: Ask): Shortage {
    if (aloneFor(ask) !== undefined) return shortageAlone(this.#devices(row, ask), ask);
    const free = this.gpuFreeFor(row, ask.gpu);
    const known = ask.mig === undefined && (ask.gpuMemory === undefined || free < ask.gpu);
    return known
      ? { resource: 'gpu', asked: ask.gpu, free }
      : deviceShortage(this.#devices(row, ask), ask);
  }

  /** As they are for the ask: some are open to one workload alone. */
  #devices(row: NodeIndex, ask?: Ask): RowDevices {
    const node = this.#nodes[row]!;
    const alone = ask && aloneFor(ask);
    return {
      node,
      open:
        alone === undefined
          ? this.#gpuFree[row]!
          : node.gpus.map((gpu) => this.#openTo(row, gpu, alone)),
      held: this.#gpuHeld[row]!,
      plain: this.#plain[row]!,
    };
  }

  #openTo(row: NodeIndex, gpu: Gpu, alone?: WorkloadId): number {
    return this.#owners.open(row, openOf(gpu, this.#gpuHeld[row]!.get(gpu.id) ?? 0), gpu.id, alone);
  }

  #linked(links: readonly (readonly number[])[]): LinkSets {
    const key = JSON.stringify(links);
    const known = this.#linkSets.get(key);
    if (known !== undefined) return known;
    const made = new LinkSets(links);
    this.#linkSets.set(key, made);
    return made;
  }

  #move(row: NodeIndex, held: Resources, gpus: readonly string[], sign: 1 | -1): void {
    this.#add(row, CPU, sign * held.cpu);
    this.#add(row, MEMORY, sign * held.memory);
    for (const [name, amount] of held.custom) this.#add(row, this.#column(name), sign * amount);
    const share = Math.min(held.gpu, WHOLE_GPU);
    const free = this.#gpuFree[row]!;
    const heldOf = this.#gpuHeld[row]!;
    for (const id of gpus) {
      const left = (heldOf.get(id) ?? 0) - sign * share;
      if (left === 0) heldOf.delete(id);
      else heldOf.set(id, left);
      const devices = this.#nodes[row]!.gpus;
      const index = devices.findIndex((gpu) => gpu.id === id);
      this.#owners.count(row, id, held, sign === 1 ? -1 : 1);
      if (index >= 0) free[index] = this.#openTo(row, devices[index]!);
    }
    if (gpus.length > 0) {
      const kind = held.gpu < WHOLE_GPU ? 0 : gpus.length;
      const kinds = this.#gpuKinds[row]!;
      const left = (kinds.get(kind) ?? 0) - sign;
      if (left === 0) kinds.delete(kind);
      else kinds.set(kind, left);
      this.#count(row, -1);
      this.#summariseGpus(row);
    }
    this.#note(row);
  }

  /** Adds the row's devices to the sum of their model, or takes them out before they change. */
  #count(row: NodeIndex, sign: 1 | -1): void {
    const model = this.#nodes[row]?.gpus[0]?.model;
    if (model === undefined) return;
    const free = (this.#freeByModel.get(model) ?? 0) + sign * this.#gpuSum[row]!;
    this.#freeByModel.set(model, free);
  }

  #summariseGpus(row: NodeIndex): void {
    let sum = 0;
    let whole = 0;
    let most = 0;
    const plain = this.#plain[row] === true;
    // What is not held counts although it is open to one workload alone: bounds add what is held to it.
    const owned = this.#owners.any(row);
    const open = this.#gpuFree[row]!;
    for (let i = 0; i < open.length; i++) {
      const free = open[i]!;
      const gpu = plain && !owned ? undefined : this.#nodes[row]!.gpus[i]!;
      sum += gpu === undefined ? free : capacityOf(gpu) - this.gpuHeld(row, i);
      if (free === WHOLE_GPU) whole++;
      const share = gpu === undefined ? free : largestShare(gpu, free);
      if (share > most) most = share;
    }
    this.#gpuSum[row] = sum;
    this.#gpuWhole[row] = whole;
    this.#gpuMost[row] = most;
    this.#count(row, 1);
  }

  #note(row: NodeIndex): void {
    this.#changes[this.#changeCount % CHANGES_KEPT] = row;
    this.#lastChange[row] = this.#changeCount++;
  }

  /** The cell is found only now: a column that was just added has moved them all. */
  #add(row: NodeIndex, column: number, amount: number): void {
    this.#free[row * this.#columns + column]! += amount;
  }

  #capacityOf(node: Node, column: number): number {
    if (column === CPU) return node.cpu;
    if (column === MEMORY) return node.memory;
    return node.custom.find(([name]) => this.#columnByName.get(name) === column)?.[1] ?? 0;
  }

  #column(name: string): number {
    const known = this.#columnByName.get(name);
    if (known !== undefined) return known;
    const column = this.#columns;
    this.#columnByName.set(name, column);
    this.#free = widen(this.#free, column, this.#nodes.length);
    this.#capacity = widen(this.#capacity, column, this.#nodes.length);
    this.#columns = column + 1;
    return column;
  }

  #grow(): void {
    const cells = this.#nodes.length * this.#columns;
    if (cells <= this.#free.length) return;
    const room = Math.max(cells, this.#free.length * 2);
    this.#free = enlarge(this.#free, room);
    this.#capacity = enlarge(this.#capacity, room);
  }
}
