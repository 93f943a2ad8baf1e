import { signal } from '@preact/signals';

/** The daemon's clock, so that ages are right on a laptop whose clock is not. Ticks each second. */
export const now = signal(Date.now());
let offset = 0;

export function learnServerTime(serverNow: number): void {
  offset = serverNow - Date.now();
  now.value = serverNow;
}

export function startClock(): void {
  setInterval(() => {
    if (document.visibilityState === 'visible') now.value = Date.now() + offset;
  }, 1_000);
}
