import { assertNever } from '../../../base/assert.ts';
import { Prng } from '../../../base/prng.ts';
import { nowNs } from './repeat.ts';

export type MemoryTask =
  | { readonly kind: 'bandwidth'; readonly arrayBytes: number; readonly milliseconds: number }
  | { readonly kind: 'latency'; readonly arrayBytes: number; readonly milliseconds: number };

/** Prepares a task (memory is touched and the code compiled), and gives the function that measures. */
export function runMemoryTask(task: MemoryTask): () => number {
  switch (task.kind) {
    case 'bandwidth':
      return bandwidth(task.arrayBytes, task.milliseconds);
    case 'latency':
      return latency(task.arrayBytes, task.milliseconds);
    default:
      return assertNever(task);
  }
}

/**
 * The triad of STREAM (McCalpin 1995), a = b + s × c, in plain JavaScript: bytes per second, counted as
 * STREAM does, 24 per element without the read for ownership. Compiled scalar code: below what vectorised
 * C reaches on one core, near it on all.
 */
function bandwidth(arrayBytes: number, milliseconds: number): () => number {
  const length = Math.floor(arrayBytes / 8);
  const a = new Float64Array(length).fill(1);
  const b = new Float64Array(length).fill(2);
  const c = new Float64Array(length).fill(0.5);
  triad(a, b, c, 3);
  return () => {
    const started = nowNs();
    const until = started + milliseconds * 1e6;
    let passes = 0;
    do {
      triad(a, b, c, passes);
      passes++;
    } while (nowNs() < until);
    return (passes * length * 24 * 1e9) / (nowNs() - started);
  };
}

function triad(a: Float64Array, b: Float64Array, c: Float64Array, scale: number): void {
  for (let i = 0; i < a.length; i++) a[i] = b[i]! + scale * c[i]!;
}

/** 32-bit words of a cache line of 64 bytes: every step goes to another line. */
const LINE_WORDS = 16;
const STEPS = 100_000;

/**
 * Nanoseconds of a load that depends on the one before, over a random cycle of lines (Sattolo 1986: one
 * cycle through all of them), so that no prefetcher helps. Address translation is part of it.
 */
function latency(arrayBytes: number, milliseconds: number): () => number {
  const lines = Math.max(2, Math.floor(arrayBytes / (LINE_WORDS * 4)));
  const order = Uint32Array.from({ length: lines }, (_, i) => i);
  const prng = new Prng(1);
  for (let i = lines - 1; i > 0; i--) {
    const j = prng.below(i);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  const next = new Uint32Array(lines * LINE_WORDS);
  for (let i = 0; i < lines; i++) next[i * LINE_WORDS] = order[i]! * LINE_WORDS;
  let at = chase(next, 0, STEPS);
  return () => {
    const started = nowNs();
    const until = started + milliseconds * 1e6;
    let steps = 0;
    do {
      at = chase(next, at, STEPS);
      steps += STEPS;
    } while (nowNs() < until);
    return (nowNs() - started) / steps;
  };
}

function chase(next: Uint32Array, from: number, steps: number): number {
  let at = from;
  for (let i = 0; i < steps; i++) at = next[at]!;
  return at;
}
