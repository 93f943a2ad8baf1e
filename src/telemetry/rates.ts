/** A counter at one moment of a clock that is never set. */
export interface Counted {
  readonly value: number;
  readonly atMs: number;
}

/** Seconds of one thing, which cannot be more than those that passed: counter and clock are read a little apart. */
const ONE_THING = new Set([
  'berth_node_cpu_seconds_total',
  'berth_node_pressure_waiting_seconds_total',
  'berth_node_pressure_stalled_seconds_total',
  'berth_node_disk_busy_seconds_total',
  'berth_task_pressure_waiting_seconds_total',
]);

/** A shorter interval says little: counters move in steps of a tick or a page. The next one spans it. */
const INTERVAL_MIN = 0.25;

export type Rate =
  | { readonly kind: 'known'; readonly perSecond: number }
  /** The first of its series, or it went back: it began anew, and what it counted in between is lost. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-soon' };

/** @param everyMs how often the counter is read. */
export function rateOf(
  name: string,
  before: Counted | undefined,
  after: Counted,
  everyMs: number,
): Rate {
  if (before === undefined) return { kind: 'unknown' };
  const elapsedMs = after.atMs - before.atMs;
  if (after.value < before.value || elapsedMs < 0) return { kind: 'unknown' };
  if (elapsedMs === 0 || elapsedMs < everyMs * INTERVAL_MIN) return { kind: 'too-soon' };
  const perSecond = ((after.value - before.value) * 1_000) / elapsedMs;
  return { kind: 'known', perSecond: ONE_THING.has(name) ? Math.min(1, perSecond) : perSecond };
}
