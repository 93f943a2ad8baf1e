import type { TimeMs } from '../../base/units.ts';
import type { AlertRule, Receiver } from '../../model/alert-rule.ts';
import type { KeptSeries, MetricHistory, Reading } from '../metric.ts';
import { type Alert, noAlerts } from './alert-state.ts';
import { type Measured, namesIn, SERIES_MAX } from './evaluate.ts';
import { step } from './step.ts';

/** Points that one series is read in. */
const POINTS_MAX = 4_000;
/** A reading holds until the next one, and not longer than so many intervals. */
const INTERVALS_HELD = 3;

export interface Replayed {
  /** Between two looks. */
  readonly intervalMs: number;
  /** Names that the condition is told from of which nothing was kept in that time. */
  readonly missing: readonly string[];
  /** In the order in which they fired. */
  readonly alerts: readonly Alert[];
  /** Somebody who is told of everything would have been told so often. */
  readonly notices: number;
}

const listener: Receiver = {
  name: 'replay',
  target: { kind: 'webhook', url: { text: '' } },
  repeatMs: (4 * 3_600_000) as Receiver['repeatMs'],
  severity: 'info',
  onlyNamed: false,
};

/** When a rule would have fired, had it held then: the same steps over what history has. */
export function replay(
  rule: AlertRule,
  history: Pick<MetricHistory, 'query'>,
  { from, to }: { readonly from: TimeMs; readonly to: TimeMs },
): Replayed {
  const { notify: _notify, ...own } = rule;
  const config = {
    rules: [{ ...own, actions: [], escalation: [], inhibits: [] }],
    receivers: [listener],
    silences: [],
  };
  const names = [
    ...new Set([...namesIn(rule.condition), ...(rule.resolve ? namesIn(rule.resolve) : [])]),
  ];
  const kept = new Map(
    names.map((name) => [
      name,
      history.query({ name, from, to, pointsMax: POINTS_MAX, seriesMax: SERIES_MAX }),
    ]),
  );
  const moments = momentsOf([...kept.values()].flat());
  const intervalMs = intervalOf(moments);
  const found = new Map<string, Alert>();
  let state = noAlerts;
  let notices = 0;
  const tape = new Tape(kept, intervalMs * INTERVALS_HELD);
  for (const at of [...moments, ...after(moments, intervalMs, to)]) {
    const stepped = step(config, state, tape.at(at as TimeMs));
    state = stepped.state;
    notices += stepped.notices.length;
    for (const alert of [...state.ended, ...state.active]) {
      if (alert.firedAt !== undefined) found.set(alert.id, alert);
    }
  }
  const alerts = [...found.values()].sort(
    (a, b) => a.firedAt! - b.firedAt! || a.id.length - b.id.length || (a.id < b.id ? -1 : 1),
  );
  const missing = names.filter((name) =>
    kept.get(name)!.every(({ points }) => points.length === 0),
  );
  return { intervalMs, missing, alerts, notices };
}

function momentsOf(series: readonly KeptSeries[]): readonly number[] {
  const found = new Set<number>();
  for (const { points } of series) for (const { at } of points) found.add(at);
  return [...found].sort((a, b) => a - b);
}

/** The usual one. */
function intervalOf(moments: readonly number[]): number {
  const gaps = moments.slice(1).map((at, i) => at - moments[i]!);
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 1_000;
}

/** What is measured last may still be told of, and end. */
function after(moments: readonly number[], intervalMs: number, to: number): readonly number[] {
  const last = moments.at(-1);
  if (last === undefined) return [];
  const found: number[] = [];
  for (let at = last + intervalMs; at <= to && found.length < INTERVALS_HELD; at += intervalMs) {
    found.push(at);
  }
  return found;
}

/** Series that are read once, forwards. */
class Tape {
  readonly #kept: ReadonlyMap<string, readonly KeptSeries[]>;
  readonly #heldMs: number;
  readonly #heads = new Map<KeptSeries, number>();

  constructor(kept: ReadonlyMap<string, readonly KeptSeries[]>, heldMs: number) {
    this.#kept = kept;
    this.#heldMs = heldMs;
  }

  at(at: TimeMs): Measured {
    return {
      at,
      latest: (name) => this.#latest(name, at),
      window: (name, spanMs) =>
        (this.#kept.get(name) ?? []).map(({ labels, points, ...one }) => ({
          labels,
          points: points.filter((point) => point.at > at - spanMs && point.at <= at),
          ...one,
        })),
    };
  }

  #latest(name: string, at: TimeMs): readonly Reading[] {
    return (this.#kept.get(name) ?? []).flatMap((series): Reading[] => {
      const { labels, points } = series;
      let head = this.#heads.get(series) ?? -1;
      while (head + 1 < points.length && points[head + 1]!.at <= at) head++;
      this.#heads.set(series, head);
      const point = points[head];
      if (point === undefined || at - point.at > this.#heldMs) return [];
      return [{ name, labels, value: point.mean }];
    });
  }
}
