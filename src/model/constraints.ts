import type { Bytes, SpanMs } from '../base/units.ts';

/** One condition on the labels of a node. `gt` and `lt` hold for labels that are decimal integers. */
export type LabelExpression =
  | { readonly operator: 'in' | 'not-in'; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: 'exists' | 'does-not-exist'; readonly key: string }
  | { readonly operator: 'gt' | 'lt'; readonly key: string; readonly value: number };

/** A wish: the more of their weight a node meets, the more it is preferred. */
export interface PreferredLabel {
  /** 1 … 100. */
  readonly weight: number;
  readonly label: LabelExpression;
}

/** Lets a task onto nodes with a taint of that key and value. Without a key: of any; without a value: of any. */
export interface Toleration {
  readonly key?: string;
  readonly value?: string;
}

/**
 * Where it may be beside others that run. Places are told apart by a label of nodes, such as rack or zone;
 * `node` is the very node. It binds the task that says it, not those others.
 */
export interface CompanyRule {
  /** `near`: where one of them runs. `apart`: where none does. `spread`: about as many in each place. */
  readonly kind: 'near' | 'apart' | 'spread';
  /**
   * Others: tasks of workloads with this label; absent, those of the same workload. Without `values`, of the
   * same value as its own workload has, or of any where its own has none.
   */
  readonly label?: string;
  readonly values: readonly string[];
  readonly topology: string;
  /** Of `spread`: a place has at most so many more than the one with fewest. */
  readonly maxSkew: number;
  /** 0: it must hold. 1 … 100: it is a wish of that weight. */
  readonly weight: number;
}

/** Named data that nodes hold: those with the label `data/<name>`. */
export interface DataRule {
  readonly names: readonly string[];
  /** How near: `node`, or a label of nodes such as zone, of which a node with the data has the same value. */
  readonly within: string;
  /** 0: all must be near. 1 … 100: a wish of that weight. */
  readonly weight: number;
}

/** Of what a task does one after the other: how much it holds of a disk, and for how long at most. */
export interface SpacePhase {
  /** For people. */
  readonly name: string;
  readonly bytes: Bytes;
  /** Of the last phase it is of no meaning: that ends with the task. */
  readonly forMs?: SpanMs;
}

/** Where a task may run, apart from how much it asks for. An empty list allows everything. */
export interface Constraints {
  /** Models of GPU, as the inventory names them; one of them must be given. */
  readonly gpuModels: readonly string[];
  /** The least memory of each GPU given; 0 where any will do. */
  readonly gpuMemory: Bytes;
  /** All must hold. */
  readonly labels: readonly LabelExpression[];
  readonly preferred?: readonly PreferredLabel[];
  readonly tolerations?: readonly Toleration[];
  readonly company?: readonly CompanyRule[];
  readonly data?: readonly DataRule[];
  /** What it holds of the node's scratch space from its start on. */
  readonly scratch?: readonly SpacePhase[];
  /** Its share of a GPU is beside those of its own workload only. */
  readonly gpuAlone?: true;
}

export const noConstraints: Constraints = { gpuModels: [], gpuMemory: 0 as Bytes, labels: [] };

/** Interning key: equal constraints, written in the same order, have equal keys. */
export function constraintsKey(c: Constraints): string {
  const rest = [c.preferred, c.tolerations, c.company, c.data, c.scratch, c.gpuAlone];
  const plain = [c.gpuModels, c.gpuMemory, c.labels];
  return JSON.stringify(rest.every((part) => part === undefined) ? plain : [...plain, ...rest]);
}
