import type { Confidence } from './confidence.ts';
import type { CrossCheck } from './cross-checks.ts';
import type { EffectiveLimits } from './effective-limits.ts';
import type { Gpu } from './gpu.ts';
import type { Outcomes } from './registry.ts';
import type { Topology } from './topology.ts';

/** All that was found on one host at one moment, each field with where it is from. */
export interface Inventory {
  readonly outcomes: Outcomes;
  /** Undefined where not even the processors could be read. */
  readonly topology: Topology | undefined;
  readonly gpus: readonly Gpu[];
  readonly limits: EffectiveLimits;
  readonly confidence: Confidence;
  readonly checks: readonly CrossCheck[];
}

/** The value of an outcome, where there is one. */
export function found<T>(
  outcome:
    | { readonly kind: 'found'; readonly value: T }
    | { readonly kind: 'absent' | 'failed' }
    | undefined,
): T | undefined {
  return outcome?.kind === 'found' ? outcome.value : undefined;
}
