import type { Node } from '../model/node.ts';
import { allowsGpu } from './allows-gpu.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from './node-table.ts';
import type { TypicalAsk } from './typical-demand.ts';

/** Kinds of request watched; of more, those that ask for most GPU. Each costs a little at every change. */
const KINDS_MAX = 16;
/** Loads are known in eighths, so that the scores of all nodes change seldom. */
const LEVELS = 8;

/** A request for several whole devices on one node. */
interface LargeAsk {
  readonly ask: TypicalAsk;
  readonly devices: number;
  /** Part of all GPU demand that is at least as large in everything, and so needs one of these slots. */
  readonly part: number;
  /** By row, how many of these would fit now. */
  readonly slots: number[];
  total: number;
  level: number;
}

/**
 * Room for requests for several whole GPUs, and how tight it is: where a node that could take eight
 * is broken up by a single one, the eight idle GPUs left elsewhere are of no use to the next large request.
 */
export class Slots {
  readonly #table: NodeTable;
  readonly #large: readonly LargeAsk[];
  #tight: readonly LargeAsk[] = [];
  #cursor = -1;

  constructor(table: NodeTable, typical: readonly TypicalAsk[]) {
    this.#table = table;
    const demand = typical.reduce((sum, ask) => sum + ask.share * ask.gpu, 0);
    const large = typical.filter((ask) => ask.gpu > WHOLE_GPU);
    this.#large = large
      .toSorted((a, b) => b.share * b.gpu - a.share * a.gpu || b.gpu - a.gpu || b.cpu - a.cpu)
      .slice(0, KINDS_MAX)
      .map((ask) => ({
        ask,
        devices: ask.gpu / WHOLE_GPU,
        part: large
          .filter((other) => isAtLeast(other, ask))
          .reduce((sum, other) => sum + (other.share * other.gpu) / demand, 0),
        slots: [],
        total: 0,
        level: 0,
      }));
  }

  /** Takes in what changed in the table; whether any level did. */
  follow(): boolean {
    if (this.#large.length === 0) return false;
    const table = this.#table;
    const behind = table.changeCount - this.#cursor;
    if (this.#cursor < 0 || !table.remembers(this.#cursor) || behind > table.rows) {
      for (let row = 0; row < table.rows; row++) this.#count(row);
    } else table.visitChanged(this.#cursor, (row) => this.#count(row));
    this.#cursor = table.changeCount;
    return this.#weigh();
  }

  /** GPUs of large requests that no longer fit when the node is left with so much; the most of any kind. */
  loss(row: NodeIndex, whole: number, cpu: number, memory: number): number {
    let most = 0;
    for (const large of this.#tight) {
      const before = large.slots[row]!;
      if (before === 0) continue;
      const lost = before - slotsOf(large, whole, cpu, memory);
      most = Math.max(most, lost * large.devices * large.level);
    }
    return most;
  }

  #count(row: NodeIndex): void {
    const table = this.#table;
    const node = table.node(row);
    for (const large of this.#large) {
      const slots = isAllowed(large, node)
        ? slotsOf(large, table.wholeGpus(row), table.freeCpu(row), table.freeMemory(row))
        : 0;
      large.total += slots - (large.slots[row] ?? 0);
      large.slots[row] = slots;
    }
  }

  /**
   * Load: the demand that will fill what is free, over the slots left. To the fourth power: while there is
   * twice the room, breaking up a node costs nothing; near equality each slot lost is a placement lost.
   */
  #weigh(): boolean {
    let free = 0;
    for (const amount of this.#table.freeGpuByModel.values()) free += amount / WHOLE_GPU;
    let changed = false;
    for (const large of this.#large) {
      const room = large.total * large.devices;
      const load = room <= 0 ? 1 : Math.min(1, (large.part * free) / room);
      const level = Math.round(load * load * load * load * LEVELS) / LEVELS;
      if (level === large.level) continue;
      large.level = level;
      changed = true;
    }
    if (changed) this.#tight = this.#large.filter(({ level }) => level > 0);
    return changed;
  }
}

function isAllowed(large: LargeAsk, node: Node | undefined): boolean {
  const gpu = node?.gpus[0];
  return gpu !== undefined && allowsGpu(large.ask.constraints, gpu);
}

function slotsOf(large: LargeAsk, whole: number, cpu: number, memory: number): number {
  const { ask, devices } = large;
  if (whole < devices || cpu < ask.cpu || memory < ask.memory) return 0;
  let slots = Math.floor(whole / devices);
  if (slots > 1 && ask.cpu > 0) slots = Math.min(slots, Math.floor(cpu / ask.cpu));
  if (slots > 1 && ask.memory > 0) slots = Math.min(slots, Math.floor(memory / ask.memory));
  return slots;
}

const isAtLeast = (a: TypicalAsk, b: TypicalAsk): boolean =>
  a.gpu >= b.gpu && a.cpu >= b.cpu && a.memory >= b.memory;
