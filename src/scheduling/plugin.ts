import type { Refusal } from '../model/refusal.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Order } from './order.ts';
import type { Ask } from './shape.ts';

/**
 * What a plug-in sees of the nodes. Rows are 0 … `rows` − 1; one whose node has left is never asked about.
 * What is free of a row does not count what is held by running tasks.
 */
export type TableView = Pick<
  NodeTable,
  | 'rows'
  | 'node'
  | 'freeCpu'
  | 'freeMemory'
  | 'freeCustom'
  | 'freeGpu'
  | 'freeGpuSum'
  | 'wholeGpus'
  | 'gpuFreeFor'
>;

/** A site's own scorer. What it says may depend on its arguments alone: it is remembered until the row changes. */
export interface ScorerPlugin {
  /** No built-in scorer has it. */
  readonly name: string;
  readonly what: string;
  /** An integer: 0 (avoid) … 10,000 (prefer). */
  score(table: TableView, row: NodeIndex, ask: Ask): number;
}

/** A site's own filter, of every task. What it says may depend on its arguments alone. */
export interface FilterPlugin {
  readonly name: string;
  readonly what: string;
  /** Whether the node may take the ask; that it has room was looked at before. */
  passes(table: TableView, row: NodeIndex, ask: Ask): boolean;
}

/** A site's own order. Its ranks are integers; `classShifts` is for built-in orders only. */
export type OrderPlugin = Order;

/** What a site has beside the built-in parts, as it was loaded. */
export interface Plugins {
  readonly scorers: readonly ScorerPlugin[];
  readonly filters: readonly FilterPlugin[];
  readonly orders: readonly OrderPlugin[];
  readonly watch: PluginWatch;
}

/** What is told about plug-ins, outside of any decision. */
export interface PluginWatch {
  /** Milliseconds of any clock, for `spent` alone. */
  now(): number;
  /** A call took so long. */
  spent(plugin: string, ms: number): void;
  /** Once: it is set aside until the process ends. `problem` completes the sentence "it …". */
  setAside(plugin: string, problem: string): void;
}

export const NO_PLUGINS: Plugins = {
  scorers: [],
  filters: [],
  orders: [],
  watch: { now: () => 0, spent: () => {}, setAside: () => {} },
};

/** A filter that every task of a site has to pass. */
export interface SiteFilter {
  readonly name: string;
  passes(table: NodeTable, row: NodeIndex, ask: Ask): boolean;
  /** Why nothing passes any more: it failed, and what it was to keep apart must not start unseen. */
  readonly failure: Extract<Refusal, { code: 'plugin-failed' }> | undefined;
}
