import type { Gpu, Node } from '../model/node.ts';
import { FillPrices } from './fill-prices.ts';
import { Fragmentation } from './fragmentation.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from './node-table.ts';
import { Slots } from './slots.ts';
import { Stranding } from './stranding.ts';
import type { TypicalAsk, TypicalDemand } from './typical-demand.ts';

/** The part of requests that counts as typical, the rarest left out; as in FGD. */
const TYPICAL_PORTION = 0.95;
/** Scarcities are known in eighths, so that the scores of all nodes change a few dozen times at most. */
const LEVELS = 8;

/** What is expected of nodes with one kind of GPU. Each table is made when a scorer first asks for it. */
export class KindOutlook {
  readonly #typical: readonly TypicalAsk[];
  readonly #gpu: Gpu;
  #fragmentation: Fragmentation | undefined;
  #stranding: Stranding | undefined;
  /** 0 … 1: demand that must have this model, as a part of what is left of it. */
  scarcity = 0;

  constructor(typical: readonly TypicalAsk[], gpu: Gpu) {
    this.#typical = typical;
    this.#gpu = gpu;
  }

  get fragmentation(): Fragmentation {
    this.#fragmentation ??= new Fragmentation(this.#typical, this.#gpu);
    return this.#fragmentation;
  }

  get stranding(): Stranding {
    this.#stranding ??= new Stranding(this.#typical, this.#gpu);
    return this.#stranding;
  }
}

interface Captive {
  readonly models: readonly string[];
  /** Of all GPU demand. */
  readonly part: number;
}

/**
 * What scorers that look ahead know: typical demand, what it makes of each kind of node, and what is
 * scarce now. Changes in steps; `version` counts them.
 */
export class Outlook {
  readonly demand: TypicalDemand;
  readonly #table: NodeTable;
  #version = 0;
  #demandVersion = -1;
  #typical: readonly TypicalAsk[] = [];
  #prices = new FillPrices([]);
  #captives: readonly Captive[] = [];
  #kinds = new Map<string, KindOutlook>();
  /** By row, with the node that it was looked up for: rows may get other devices. */
  #rows: ({ readonly node: Node; readonly outlook: KindOutlook } | undefined)[] = [];
  #modelLevels = new Map<string, number>();
  #slots: Slots;

  constructor(table: NodeTable, demand: TypicalDemand) {
    this.#table = table;
    this.demand = demand;
    this.#slots = new Slots(table, []);
  }

  get version(): number {
    return this.#version;
  }

  get slots(): Slots {
    return this.#slots;
  }

  get prices(): FillPrices {
    return this.#prices;
  }

  /** Takes in what changed of demand and of the table. */
  refresh(): void {
    if (this.demand.version !== this.#demandVersion) this.#relearn();
    const models = this.#weighModels();
    const slots = this.#slots.follow();
    if (models || slots) this.#version++;
  }

  /** What is expected of this node, or nothing when it has no GPU. */
  of(row: NodeIndex): KindOutlook | undefined {
    const node = this.#table.node(row)!;
    const known = this.#rows[row];
    if (known?.node === node) return known.outlook;
    const gpu = node.gpus[0];
    if (gpu === undefined) return undefined;
    const outlook = this.#kind(gpu);
    this.#rows[row] = { node, outlook };
    return outlook;
  }

  #relearn(): void {
    this.#demandVersion = this.demand.version;
    this.#version++;
    this.#typical = this.demand.typical(TYPICAL_PORTION);
    this.#kinds = new Map();
    this.#rows = [];
    const all = this.demand.typical(1);
    this.#prices = new FillPrices(shareDemand(all));
    this.#slots = new Slots(this.#table, all);
    const total = this.#typical.reduce((sum, ask) => sum + ask.share * ask.gpu, 0);
    const captives = new Map<string, Captive>();
    for (const { gpu, share, constraints } of this.#typical) {
      const part = gpu === 0 ? 0 : (share * gpu) / total;
      const models = constraints?.gpuModels ?? [];
      if (part > 0 && models.length > 0) {
        const key = models.join('|');
        captives.set(key, { models, part: part + (captives.get(key)?.part ?? 0) });
      }
    }
    this.#captives = [...captives.values()];
    this.#modelLevels = new Map();
  }

  #kind(gpu: Gpu): KindOutlook {
    const key = `${gpu.model}/${gpu.memory}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const made = new KindOutlook(this.#typical, gpu);
    made.scarcity = this.#modelLevels.get(gpu.model) ?? 0;
    this.#kinds.set(key, made);
    return made;
  }

  /** Of the GPU demand that will fill what is free, the part that can go to these models only. */
  #weighModels(): boolean {
    if (this.#captives.length === 0) return false;
    const free = this.#table.freeGpuByModel;
    let all = 0;
    for (const amount of free.values()) all += amount;
    const loads = new Map<string, number>();
    for (const { models, part } of this.#captives) {
      const room = models.reduce((sum, model) => sum + (free.get(model) ?? 0), 0);
      if (room === 0) continue;
      for (const model of models) loads.set(model, (loads.get(model) ?? 0) + (part * all) / room);
    }
    let changed = false;
    for (const [model, load] of loads) {
      const level = Math.round(Math.min(1, load) * LEVELS) / LEVELS;
      if (level === (this.#modelLevels.get(model) ?? 0)) continue;
      this.#modelLevels.set(model, level);
      changed = true;
    }
    if (!changed) return false;
    for (const [key, kind] of this.#kinds) {
      const model = key.slice(0, key.lastIndexOf('/'));
      kind.scarcity = this.#modelLevels.get(model) ?? 0;
    }
    return true;
  }
}

function shareDemand(typical: readonly TypicalAsk[]): { size: number; count: number }[] {
  const counts = new Map<number, number>();
  for (const { gpu, share } of typical) {
    if (gpu > 0 && gpu < WHOLE_GPU) counts.set(gpu, (counts.get(gpu) ?? 0) + share);
  }
  return [...counts].map(([size, count]) => ({ size, count }));
}
