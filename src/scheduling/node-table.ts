import { assert } from '../base/assert.ts';
import type { Bytes, MilliCpu, MilliGpu } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Gpu, Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import { allowsGpu } from './allows-gpu.ts';
import type { Ask } from './shape.ts';

/** Index of a row. Never leaves the process, never persisted. */
export type NodeIndex = number;

const CPU = 0;
const MEMORY = 1;
const FIRST_CUSTOM = 2;
export const WHOLE_GPU = 1000;
/** A reader that lags further behind starts afresh, which costs one look at every row. */
const CHANGES_KEPT = 1 << 15;

/** What keeps a request off a node: the resource that lacks most, with the figures. */
export interface Shortage {
  readonly resource: string;
  readonly asked: number;
  readonly free: number;
}

/**
 * Capacity and free amounts of every node: one row per node, one column per resource, one cell per GPU.
 * `take` and `give` are the only writers of what is free. Rows are in the order in which nodes joined
 * and are never reused, so that ties break the same way after a replay.
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
  #changeCount = 0;
  /** Held milli-GPU by device id, of devices that are away, too: they may come back while they are held. */
  readonly #gpuHeld: Map<string, number>[] = [];
  /** What is kept free for somebody, by row: `fits` leaves it alone. */
  readonly #aside = new Map<NodeIndex, Resources>();

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
    const held = this.#gpuHeld[row]!;
    this.#gpuFree[row] = node.gpus.map((gpu) => WHOLE_GPU - (held.get(gpu.id) ?? 0));
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

  /** The rows changed since `cursor`, a former `changeCount` that it still `remembers`. */
  *changedSince(cursor: number): Generator<NodeIndex> {
    assert(this.remembers(cursor), 'a cursor that is not too old');
    for (let i = cursor; i < this.#changeCount; i++) yield this.#changes[i % CHANGES_KEPT]!;
  }

  remembers(cursor: number): boolean {
    return this.#changeCount - cursor <= CHANGES_KEPT;
  }

  fits(row: NodeIndex, ask: Resources): boolean {
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
    return ask.gpu === 0 || this.#gpusFit(row, ask.gpu);
  }

  /**
   * How many requests of this size the node could serve at once beside `aside`, at most `max`. What is set
   * aside of GPUs counts as whole devices, also where a share was asked for: never too many, seldom too few.
   */
  slots(row: NodeIndex, ask: Resources, aside: Resources | undefined, max: number): number {
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
    if (ask.gpu >= WHOLE_GPU) {
      return Math.max(0, Math.min(most, times(this.#gpuWhole[row]! - kept, ask.gpu / WHOLE_GPU)));
    }
    if (this.#gpuWhole[row]! < kept) return 0;
    let shares = 0;
    let keep = kept;
    for (const free of this.#gpuFree[row]!) {
      if (free === WHOLE_GPU && keep > 0) keep--;
      else shares += times(free, ask.gpu);
    }
    return Math.min(most, shares);
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
  shortage(row: NodeIndex, ask: Resources): Shortage | undefined {
    const base = row * this.#columns;
    if (this.#nodes[row] === undefined) return { resource: 'node', asked: 1, free: 0 };
    if (ask.gpu > 0 && !this.#gpusFit(row, ask.gpu)) {
      return { resource: 'gpu', asked: ask.gpu, free: this.gpuFreeFor(row, ask.gpu) };
    }
    for (const [name, amount] of ask.custom) {
      const free = this.freeCustom(row, name);
      if (lacks(free, amount)) return { resource: name, asked: amount, free };
    }
    const memory = this.#free[base + MEMORY]!;
    if (lacks(memory, ask.memory)) return { resource: 'memory', asked: ask.memory, free: memory };
    const cpu = this.#free[base + CPU]!;
    if (lacks(cpu, ask.cpu)) return { resource: 'cpu', asked: ask.cpu, free: cpu };
    return undefined;
  }

  /** The devices that the ask would get: the fullest one that can share, or the first free ones. */
  chooseGpus(row: NodeIndex, gpu: MilliGpu, ask?: Ask): readonly Gpu[] {
    const free = this.#gpuFree[row]!;
    const gpus = this.#nodes[row]!.gpus;
    if (gpu === 0) return [];
    if (gpu >= WHOLE_GPU) {
      return gpus
        .filter((device, i) => free[i] === WHOLE_GPU && allowsGpu(ask?.constraints, device))
        .slice(0, gpu / WHOLE_GPU);
    }
    let best = -1;
    for (let i = 0; i < free.length; i++) {
      if (free[i]! < gpu || (best >= 0 && free[i]! >= free[best]!)) continue;
      if (allowsGpu(ask?.constraints, gpus[i]!)) best = i;
    }
    return best < 0 ? [] : [gpus[best]!];
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

  /** Whether the rows have the same resources and models, and the same free, so that they score alike. */
  alike(a: NodeIndex, b: NodeIndex): boolean {
    const columns = this.#columns;
    for (let column = 0; column < columns; column++) {
      if (this.#free[a * columns + column] !== this.#free[b * columns + column]) return false;
      if (this.#capacity[a * columns + column] !== this.#capacity[b * columns + column])
        return false;
    }
    const free = this.#gpuFree[a]!;
    const other = this.#gpuFree[b]!;
    if (free.length !== other.length) return false;
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

  #gpusFit(row: NodeIndex, gpu: MilliGpu): boolean {
    return this.gpuFreeFor(row, gpu) >= gpu;
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
      const index = this.#nodes[row]!.gpus.findIndex((gpu) => gpu.id === id);
      if (index >= 0) free[index] = free[index]! + sign * share;
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
    for (const free of this.#gpuFree[row]!) {
      sum += free;
      if (free === WHOLE_GPU) whole++;
      if (free > most) most = free;
    }
    this.#gpuSum[row] = sum;
    this.#gpuWhole[row] = whole;
    this.#gpuMost[row] = most;
    this.#count(row, 1);
  }

  #note(row: NodeIndex): void {
    this.#changes[this.#changeCount % CHANGES_KEPT] = row;
    this.#changeCount++;
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

function sameCounts(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, count] of a) if (b.get(key) !== count) return false;
  return true;
}

/** Whoever asks for nothing gets it, even of a node whose capacity shrank below what it holds. */
const lacks = (free: number, asked: number): boolean => asked > 0 && free < asked;

/** How often `ask` goes into `free`; whoever asks for nothing is never short of it. */
const times = (free: number, ask: number): number =>
  ask === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(Math.max(0, free) / ask);

const amountOf = (resources: Resources | undefined, name: string): number =>
  resources?.custom.find(([other]) => other === name)?.[1] ?? 0;

function enlarge(cells: Float64Array<ArrayBuffer>, room: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(room);
  larger.set(cells);
  return larger;
}

/** The same rows with one column more, of zeros. */
function widen(
  cells: Float64Array<ArrayBuffer>,
  columns: number,
  rows: number,
): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++) {
    wider.set(cells.subarray(row * columns, (row + 1) * columns), row * (columns + 1));
  }
  return wider;
}
