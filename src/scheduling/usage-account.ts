import { type SpanMs, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Usage } from '../model/scheduling-config.ts';
import { decayed, decayedSeries, STEPS_PER_HALF_LIFE } from './decay.ts';

const MIB = 1024 ** 2;
const RESOURCES = 3;

/** cpu in milli-CPU, memory in MiB rounded up, gpu in milli-GPU: sums over a large site stay safe integers. */
export type Vector = readonly [cpu: number, memory: number, gpu: number];

export const vectorOf = (amounts: {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
}): Vector => [
  amounts.cpu,
  amounts.memory === UNLIMITED ? UNLIMITED : Math.ceil(amounts.memory / MIB),
  amounts.gpu,
];

/**
 * What was held × time, with the past worth less: in milli-CPU-seconds, MiB-seconds, milli-GPU-seconds.
 * Written when what is held changes and read at any time; reading changes nothing, so that a replay, which
 * reads at other moments, comes to the same figures.
 */
export class UsageAccount {
  readonly #stepMs: number;
  readonly #value = [0, 0, 0];
  readonly #rate = [0, 0, 0];
  #at = 0;
  /** The last answer and its time: an order asks for the same again and again within a pass. */
  #answer: Usage | undefined;
  #answerAt = -1;
  #faded = true;
  #fadedAt = -1;

  constructor(halfLifeMs: SpanMs) {
    this.#stepMs =
      halfLifeMs === UNLIMITED
        ? UNLIMITED
        : Math.max(1, Math.floor(halfLifeMs / STEPS_PER_HALF_LIFE));
  }

  /** From now on so much more is held; with `sign` −1, less. */
  change(held: Vector, sign: 1 | -1, at: TimeMs): void {
    for (let r = 0; r < RESOURCES; r++) {
      this.#value[r] = this.#read(r, at);
      this.#rate[r] = this.#rate[r]! + sign * held[r]!;
    }
    this.#answer = undefined;
    this.#fadedAt = -1;
    this.#at = Math.max(this.#at, at);
  }

  read(at: TimeMs): Usage {
    if (this.#answer === undefined || this.#answerAt !== at) {
      this.#answer = { cpu: this.#read(0, at), memory: this.#read(1, at), gpu: this.#read(2, at) };
      this.#answerAt = at;
    }
    return this.#answer;
  }

  /** Nothing that was used counts any more; what is held is another question. */
  fadedBy(at: TimeMs): boolean {
    if (this.#fadedAt !== at) {
      this.#fadedAt = at;
      this.#faded = [0, 1, 2].every((r) => this.#read(r, at) === 0);
    }
    return this.#faded;
  }

  /** For a snapshot: the values as of the last change. What is held is told anew. */
  save(): readonly number[] {
    return [...this.#value, this.#at];
  }

  restore(saved: readonly number[]): void {
    for (let r = 0; r < RESOURCES; r++) this.#value[r] = saved[r]!;
    this.#at = saved[RESOURCES]!;
    this.#answer = undefined;
    this.#fadedAt = -1;
  }

  #read(r: number, at: number): number {
    const value = this.#value[r]!;
    const rate = this.#rate[r]!;
    if (at <= this.#at || (value === 0 && rate === 0)) return value;
    const stepMs = this.#stepMs;
    const from = Math.floor(this.#at / stepMs);
    const steps = Math.floor(at / stepMs) - from;
    if (steps === 0) return saturated(value + over(rate, at - this.#at));
    const first = over(rate, (from + 1) * stepMs - this.#at);
    const between = decayedSeries(over(rate, stepMs), steps - 1);
    const last = over(rate, at - (from + steps) * stepMs);
    return saturated(decayed(saturated(value + first), steps) + between + last);
  }
}

const saturated = (n: number): number => Math.min(n, UNLIMITED);

/** rate × time in seconds, rounded down to a unit. */
export function over(rate: number, ms: number): number {
  const seconds = Math.floor(ms / 1000);
  return saturated(rate * seconds + Math.floor((rate * (ms - seconds * 1000)) / 1000));
}
