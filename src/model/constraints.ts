import type { Bytes } from '../base/units.ts';

/** One condition on the labels of a node. `gt` and `lt` hold for labels that are decimal integers. */
export type LabelExpression =
  | { readonly operator: 'in' | 'not-in'; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: 'exists' | 'does-not-exist'; readonly key: string }
  | { readonly operator: 'gt' | 'lt'; readonly key: string; readonly value: number };

/** Where a task may run, apart from how much it asks for. An empty list allows everything. */
export interface Constraints {
  /** Models of GPU, as the inventory names them; one of them must be given. */
  readonly gpuModels: readonly string[];
  /** The least memory of each GPU given; 0 where any will do. */
  readonly gpuMemory: Bytes;
  /** All must hold. */
  readonly labels: readonly LabelExpression[];
}

/** Interning key: equal constraints, written in the same order, have equal keys. */
export function constraintsKey(c: Constraints): string {
  return JSON.stringify([c.gpuModels, c.gpuMemory, c.labels]);
}
