import type { Reading } from './metric.ts';
import { reading } from './sampler.ts';

const PAUSE_MAX_MS = 600_000;
/** How often hardware that is not there is looked for. */
export const ABSENT_PAUSE_MS = 60_000;

/** A sensor that fails is asked less and less often, at least every ten minutes. */
export const pauseMs = (everyMs: number, failures: number): number =>
  Math.min(Math.max(PAUSE_MAX_MS, everyMs), everyMs * 2 ** Math.min(failures, 30));

interface Health {
  readonly up: boolean;
  readonly seconds: number;
}

/** How each sampler did the last time. */
export class SamplerHealth {
  readonly #last = new Map<string, Health>();

  note(sampler: string, up: boolean, seconds: number): void {
    this.#last.set(sampler, { up, seconds });
  }

  /** What it would read is not there. */
  forget(sampler: string): void {
    this.#last.delete(sampler);
  }

  readings(): readonly Reading[] {
    return [...this.#last].flatMap(([sampler, { up, seconds }]) => [
      ...reading('berth_sampler_up', up ? 1 : 0, { sampler }),
      ...reading('berth_sampler_duration_seconds', seconds, { sampler }),
    ]);
  }
}
