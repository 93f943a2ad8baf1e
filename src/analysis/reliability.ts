import { chiSquareQuantile } from '../statistics/chi-square.ts';
import { type Estimate, TAIL, UNKNOWN } from './intervals.ts';

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A node or a service that should have worked did not. */
export interface Outage {
  readonly subject: string;
  readonly from: number;
  /** When it worked again; undefined: not yet. */
  readonly to: number | undefined;
  /** False where only that it failed is known, as of tasks that a restart of the machine lost. */
  readonly isRepairKnown: boolean;
}

/** What is known of how long things work, and how long they take to work again. All times in milliseconds. */
export interface Reliability {
  readonly upMs: number;
  readonly downMs: number;
  /** That began in the window. */
  readonly failures: number;
  /** Of those, how many are over with a known time of repair. */
  readonly repairs: number;
  /** Time that it worked, by failure. */
  readonly mtbf: Estimate;
  /** From the failure until it worked again: detection, start and warm-up are in it. */
  readonly mttr: Estimate;
  /** Worked of what it should have; undefined where nothing was seen. */
  readonly availability: number | undefined;
}

/** `upMs` and `downMs` are sums over all things of the kind within the window. */
export function reliabilityOf(
  { upMs, downMs }: Pick<Reliability, 'upMs' | 'downMs'>,
  outages: readonly Outage[],
  window: Span,
): Reliability {
  const began = outages.filter(({ from }) => from >= window.from && from < window.to);
  const known = began.filter(({ isRepairKnown }) => isRepairKnown);
  const over = known.filter(({ to }) => to !== undefined && to <= window.to);
  const repairMs = known.reduce((sum, { from, to }) => {
    return sum + Math.min(to ?? window.to, window.to) - from;
  }, 0);
  const seenMs = upMs + downMs;
  return {
    upMs,
    downMs,
    failures: began.length,
    repairs: over.length,
    mtbf: meanTime(upMs, began.length, true),
    mttr: meanTime(repairMs, over.length, over.length < known.length),
    availability: seenMs === 0 ? undefined : upMs / seenMs,
  };
}

/**
 * Mean time between events that came `count` times in `totalMs`, if they come at a constant rate, with bounds
 * by χ². `isCut`: the time ended before the event that it was spent waiting for. Without any event there is a
 * lower bound only.
 */
export function meanTime(totalMs: number, count: number, isCut: boolean): Estimate {
  if (totalMs <= 0 || (count === 0 && !isCut)) return UNKNOWN;
  const twice = 2 * totalMs;
  return {
    value: count === 0 ? undefined : totalMs / count,
    low: twice / chiSquareQuantile(1 - TAIL, 2 * count + (isCut ? 2 : 0)),
    high: count === 0 ? undefined : twice / chiSquareQuantile(TAIL, 2 * count),
  };
}

/** Outages of anything as one calendar of outages of the whole: those that overlap are one. */
export function togetherOf(outages: readonly Outage[], subject: string): Outage[] {
  const merged: { from: number; to: number | undefined; isRepairKnown: boolean }[] = [];
  const ordered = [...outages].sort(
    (a, b) => a.from - b.from || (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0),
  );
  for (const { from, to, isRepairKnown } of ordered) {
    const last = merged.at(-1);
    if (last === undefined || (last.to ?? Number.POSITIVE_INFINITY) < from) {
      merged.push({ from, to, isRepairKnown });
      continue;
    }
    last.to = last.to === undefined || to === undefined ? undefined : Math.max(last.to, to);
    last.isRepairKnown ||= isRepairKnown;
  }
  return merged.map((one) => ({ subject, ...one }));
}

/** How long any of them was not over, within the window. */
export function downTime(outages: readonly Outage[], window: Span): number {
  return togetherOf(outages, '').reduce((sum, { from, to }) => {
    const end = Math.min(to ?? window.to, window.to);
    return sum + Math.max(0, end - Math.max(from, window.from));
  }, 0);
}
