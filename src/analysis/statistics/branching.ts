const EVENTS_MAX = 250;
const ROUNDS = 80;

/** Of a process in which each event brings others about. */
export interface Branching {
  /** Mean number of events that one brings about directly: from 1 on it does not die out by itself. */
  readonly ratio: number;
  /** Mean time from one to what it brings about. */
  readonly delayMs: number;
}

/**
 * Hawkes process with an exponential kernel by expectation and maximisation (Veen & Schoenberg 2008): who brought
 * about whom is a probability, and the ratio follows from it. Needs at least six moments; of more than 250 the
 * first ones.
 */
export function branchingOf(moments: readonly number[]): Branching | undefined {
  const times = [...moments].sort((a, b) => a - b).slice(0, EVENTS_MAX);
  const n = times.length;
  const begin = times[0] ?? 0;
  const span = (times[n - 1] ?? 0) - begin;
  if (n < 6 || span <= 0) return undefined;
  let background = (0.5 * n) / span;
  let ratio = 0.5;
  let decay = n / span;
  for (let round = 0; round < ROUNDS; round++) {
    let alone = 0;
    let brought = 0;
    let delay = 0;
    for (let i = 0; i < n; i++) {
      let excited = 0;
      let waited = 0;
      for (let j = 0; j < i; j++) {
        const gap = times[i]! - times[j]!;
        const weight = ratio * decay * Math.exp(-decay * gap);
        excited += weight;
        waited += weight * gap;
      }
      const all = background + excited;
      alone += background / all;
      brought += excited / all;
      delay += waited / all;
    }
    let seen = 0;
    let missed = 0;
    for (const time of times) {
      const rest = begin + span - time;
      const beyond = Math.exp(-decay * rest);
      seen += 1 - beyond;
      missed += rest * beyond;
    }
    background = Math.max(alone / span, 1e-12);
    decay = Math.max(brought / Math.max(delay + ratio * missed, 1e-9), 1e-9);
    ratio = seen > 0 ? brought / seen : 0;
  }
  return { ratio, delayMs: 1 / decay };
}
