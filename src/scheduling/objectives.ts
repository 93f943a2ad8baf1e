/** The three figures of one choice, each 0 (worst) … 1 (best). */
export interface Objectives {
  readonly completion: number;
  readonly utilisation: number;
  readonly fairness: number;
}

export const defaultWeights: Objectives = { completion: 0.4, utilisation: 0.3, fairness: 0.3 };

/** A choice as it is measured, in its own units. */
export interface Measured {
  /** Until it is done. */
  readonly completionMs: number;
  /** Of the node, after the choice: 0 … 1. */
  readonly utilisation: number;
  /** Of the tenant, before the choice and after it; and the share that it should have. All 0 … 1. */
  readonly share: number;
  readonly shareAfter: number;
  readonly fairShare: number;
}

/**
 * Brings measured choices to one scale. Completion is scaled between the best and the worst of the choices at
 * hand; utilisation is what it is after the choice; fairness is how much nearer the tenant comes to its
 * share, with half a point for no change: being below it is a reason for a choice, not against it.
 */
export function normalise(choices: readonly Measured[]): Objectives[] {
  const times = choices.map((choice) => choice.completionMs);
  const [fastest, slowest] = [Math.min(...times), Math.max(...times)];
  return choices.map((choice) => {
    const before = Math.abs(choice.share - choice.fairShare);
    const after = Math.abs(choice.shareAfter - choice.fairShare);
    return {
      completion: slowest === fastest ? 1 : (slowest - choice.completionMs) / (slowest - fastest),
      utilisation: within(choice.utilisation),
      fairness: within(0.5 + (before - after) / 2),
    };
  });
}

/** A weighted mean: the weights need not add up to one. */
export function weightedScore(of: Objectives, weights: Objectives = defaultWeights): number {
  const sum = weights.completion + weights.utilisation + weights.fairness;
  if (sum <= 0) return 0;
  return (
    (of.completion * weights.completion +
      of.utilisation * weights.utilisation +
      of.fairness * weights.fairness) /
    sum
  );
}

/** Indexes of the choices that no other is at least as good as in everything and better in something. */
export function paretoSet(choices: readonly Objectives[]): number[] {
  return choices.flatMap((choice, i) =>
    choices.some((other) => dominates(other, choice)) ? [] : [i],
  );
}

export function dominates(a: Objectives, b: Objectives): boolean {
  const noWorse =
    a.completion >= b.completion && a.utilisation >= b.utilisation && a.fairness >= b.fairness;
  const better =
    a.completion > b.completion || a.utilisation > b.utilisation || a.fairness > b.fairness;
  return noWorse && better;
}

/** Which objectives pull apart: pairs whose best choices differ. */
export function conflicts(choices: readonly Objectives[]): (readonly [string, string])[] {
  const names = ['completion', 'utilisation', 'fairness'] as const;
  const best = (name: (typeof names)[number]): number =>
    Math.max(...choices.map((choice) => choice[name]));
  const found: (readonly [string, string])[] = [];
  for (const [i, a] of names.entries()) {
    for (const b of names.slice(i + 1)) {
      const agree = choices.some((choice) => choice[a] === best(a) && choice[b] === best(b));
      if (choices.length > 0 && !agree) found.push([a, b]);
    }
  }
  return found;
}

const within = (value: number): number => Math.min(1, Math.max(0, value));
