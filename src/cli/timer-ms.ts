/** A timer of Node.js set to more rings at once; nobody waits 24 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const timerMs = (ms: number): number => Math.min(ms, TIMER_MS_MAX);
