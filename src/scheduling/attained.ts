import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Resources } from '../model/resources.ts';
import type { Candidate, Served } from './scheduler.ts';

/**
 * What a workload was served: of ended attempts what they held × time, and of running ones less what they
 * would have held since the submission, so that what they hold × the time since then completes it at any
 * moment. In whole seconds since the submission: sums of whole numbers are the same in every order, and so
 * after a replay or from a snapshot.
 */
export class Service implements Served {
  readonly #submittedAt: TimeMs;
  cpu = 0;
  gpu = 0;
  heldCpu = 0;
  heldGpu = 0;

  constructor(submittedAt: TimeMs) {
    this.#submittedAt = submittedAt;
  }

  start(held: Resources, at: TimeMs): void {
    this.#turn(held, at, 1);
  }

  end(held: Resources, at: TimeMs): void {
    this.#turn(held, at, -1);
  }

  #turn(held: Resources, at: TimeMs, sign: 1 | -1): void {
    const seconds = secondsFrom(this.#submittedAt, at);
    this.heldCpu += sign * held.cpu;
    this.heldGpu += sign * held.gpu;
    this.cpu -= sign * held.cpu * seconds;
    this.gpu -= sign * held.gpu * seconds;
  }
}

/** The service of the task's workload at `at`, that of its running attempts included. */
export function attainedAt(
  { attained, submittedAt }: Pick<Candidate, 'attained' | 'submittedAt'>,
  at: TimeMs,
): { readonly cpu: number; readonly gpu: number } {
  const seconds = secondsFrom(submittedAt, at);
  const of = (base: number, held = 0): number =>
    Math.min(UNLIMITED, Math.max(0, base + held * seconds));
  return { cpu: of(attained.cpu, attained.heldCpu), gpu: of(attained.gpu, attained.heldGpu) };
}

const secondsFrom = (start: TimeMs, at: TimeMs): number =>
  Math.max(0, Math.floor((at - start) / 1000));
