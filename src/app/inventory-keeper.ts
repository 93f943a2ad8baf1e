import type { CpuUse, InventoryChanges } from '../api/contract/inventory-documents.ts';
import { changeSentence, diffInventory } from '../inventory/diff-inventory.ts';
import type { HostReader } from '../inventory/host-reader.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { inventoryDocument } from '../inventory/inventory-document.ts';
import type { InventoryDocument } from '../inventory/inventory-schema.ts';
import { withLastKnown } from '../inventory/last-known.ts';
import { registry } from '../inventory/registry.ts';
import { takeInventory } from '../inventory/take-inventory.ts';
import { toNode } from '../inventory/to-node.ts';
import type { NodeId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import { cpuUse, parseTicksByCpu, type TicksByCpu } from '../telemetry/cpu-use.ts';
import { readInventoryFile, writeInventoryFile } from './inventory-file.ts';

/** Some days of a machine that is falling apart; a few hundred bytes each. */
const CHANGES_MAX = 500;

type Change = InventoryChanges['changes'][number];

/** One reading of the host, as plain data: it crosses threads. */
export interface InventoryReading {
  readonly at: number;
  readonly document: InventoryDocument;
  /** What may be given out, under a name that the caller puts in place. */
  readonly node: Node;
  /** Noticed by this reading. */
  readonly news: readonly Change[];
  /** All that are kept, newest first. */
  readonly changes: readonly Change[];
  /** Why the file could not be written, if it could not. */
  readonly unwritten: string | undefined;
}

/**
 * Reads the host again and again, compares each reading with what was last known, across restarts, and
 * keeps both in one small file. Lives in a thread of its own, for a large host takes 100 ms to read.
 */
export class InventoryKeeper {
  readonly #host: HostReader;
  readonly #file: string;
  #outcomes: Inventory['outcomes'] = {};
  /** With what failed probes had told before: the next reading is compared with this. */
  #lastKnown: InventoryDocument | undefined;
  #changes: readonly Change[];
  #ticks: { readonly at: number; readonly cpus: TicksByCpu };

  constructor(host: HostReader, file: string, now: number) {
    this.#host = host;
    this.#file = file;
    const kept = readInventoryFile(file);
    this.#lastKnown = kept?.document;
    this.#changes = kept?.changes ?? [];
    this.#ticks = { at: now, cpus: this.#readTicks() };
  }

  /** `moving` reads what changes by the second, and starts no program. */
  async read(what: 'all' | 'moving', now: () => number): Promise<InventoryReading> {
    const probes = what === 'all' ? registry : registry.filter((probe) => probe.cost === 'fast');
    const inventory = await takeInventory(this.#host, probes, this.#outcomes);
    this.#outcomes = inventory.outcomes;
    const document = inventoryDocument(inventory);
    const at = now();
    const before = this.#lastKnown;
    const known = before === undefined ? document : withLastKnown(before, document);
    const differences = before === undefined ? [] : diffInventory(before, known);
    const news = differences.map((change) => ({ at, ...change, sentence: changeSentence(change) }));
    this.#lastKnown = known;
    this.#changes = [...news, ...this.#changes].slice(0, CHANGES_MAX);
    return {
      at,
      document,
      node: toNode(inventory, '' as NodeId),
      news,
      changes: this.#changes,
      unwritten: what === 'all' || news.length > 0 ? this.#write(known) : undefined,
    };
  }

  /** Since the use before, or since the start. */
  use(now: number): CpuUse {
    const before = this.#ticks;
    this.#ticks = { at: now, cpus: this.#readTicks() };
    const busy = cpuUse(before.cpus, this.#ticks.cpus);
    return {
      at: now,
      span_ms: now - before.at,
      cpus: busy.map(({ id, busyRatio }) => ({ id, busy_ratio: busyRatio })),
    };
  }

  #readTicks(): TicksByCpu {
    const stat = this.#host.text('/proc/stat');
    return parseTicksByCpu(stat.ok ? stat.value : '');
  }

  #write(document: InventoryDocument): string | undefined {
    try {
      writeInventoryFile(this.#file, { document, changes: [...this.#changes] });
      return undefined;
    } catch (error) {
      // It is written again at the next reading; until then a restart would compare with an older one.
      return error instanceof Error ? error.message : String(error);
    }
  }
}
