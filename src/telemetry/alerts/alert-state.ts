import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { AlertAction, Severity, Silence } from '../../model/alert-rule.ts';
import type { Labels } from '../metric.ts';

/** One episode: from the moment at which the condition began to hold until it ended. */
export interface Alert {
  /** `a17`; another one when it begins again. */
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  /** Of the series that it is about. */
  readonly series: Labels;
  /** With those of the rule. */
  readonly labels: Labels;
  readonly state: 'pending' | 'firing' | 'resolved';
  readonly value: number;
  readonly since: TimeMs;
  /** When the condition held last, and when it was known last whether it does. */
  readonly heldAt: TimeMs;
  readonly seenAt: TimeMs;
  readonly firedAt?: TimeMs;
  readonly resolvedAt?: TimeMs;
  readonly resolvedFor?: 'ended' | 'unmeasured' | 'no-rule';
  readonly told: readonly Told[];
  readonly acted: readonly Acted[];
}

export interface Told {
  readonly to: string;
  readonly at: TimeMs;
  readonly what: NoticeItem['what'];
  readonly outcome: string;
}

export interface Acted {
  readonly action: AlertAction['kind'];
  readonly at: TimeMs;
  readonly outcome: string;
}

/** What one receiver knows of one rule. */
export interface Group {
  readonly receiver: string;
  readonly rule: string;
  /** Alerts of which it was told that they fire, and not yet that they ended. */
  readonly told: readonly string[];
  /** There is something to tell since. */
  readonly newsAt?: TimeMs;
  /** The last time that it was told something new, and that it was told anything. */
  readonly newsToldAt?: TimeMs;
  readonly toldAt?: TimeMs;
  /** Between two times that it is told something new. */
  readonly pauseMs: SpanMs;
}

/** Plain data, so that it survives a restart. */
export interface AlertState {
  readonly at: TimeMs;
  readonly lastId: number;
  readonly lastSilence: number;
  /** That are pending or fire. */
  readonly active: readonly Alert[];
  /** That ended, newest first. */
  readonly ended: readonly Alert[];
  readonly groups: readonly Group[];
  /** When a rule has last done something. */
  readonly acted: Readonly<Record<string, TimeMs>>;
  /** That people made. */
  readonly silences: readonly Silence[];
  /** Alerts for which there was no room. */
  readonly dropped: number;
}

/** What one receiver is to be told now, of all rules that are due. */
export interface Notice {
  readonly to: string;
  readonly at: TimeMs;
  readonly items: readonly NoticeItem[];
}

export interface NoticeItem {
  /** `repeat`: it was told before; `escalation`: nobody did anything about it. */
  readonly what: 'firing' | 'resolved' | 'repeat' | 'escalation';
  readonly alert: Alert;
}

export interface ActionOrder {
  readonly alert: Alert;
  /** Its place in `acted` of the alert. */
  readonly index: number;
  readonly action: AlertAction;
}

/** Alerts that are pending or fire, and those that ended and are remembered. */
export const ACTIVE_MAX = 2_000;
export const ENDED_MAX = 1_000;
/** What is remembered of what was told and done about one. */
export const TOLD_MAX = 20;
export const SILENCES_MAX = 1_000;

export const noAlerts: AlertState = {
  at: 0 as TimeMs,
  lastId: 0,
  lastSilence: 0,
  active: [],
  ended: [],
  groups: [],
  acted: {},
  silences: [],
  dropped: 0,
};

export const UNDER_WAY = 'under way';

/** What came of an action. */
export const withActed = (
  state: AlertState,
  id: string,
  index: number,
  outcome: string,
): AlertState =>
  changed(state, id, (alert) => ({
    ...alert,
    acted: alert.acted.map((one, i) => (i === index ? { ...one, outcome } : one)),
  }));

/** What came of a notice. */
export function withTold(state: AlertState, notice: Notice, outcome: string): AlertState {
  const ids = new Set(notice.items.map(({ alert }) => alert.id));
  const told = (alert: Alert): Alert => {
    if (!ids.has(alert.id)) return alert;
    const marked = alert.told.map((one) =>
      one.to === notice.to && one.at === notice.at ? { ...one, outcome } : one,
    );
    return { ...alert, told: marked };
  };
  return { ...state, active: state.active.map(told), ended: state.ended.map(told) };
}

/** After a restart: what was under way then may or may not have been done, and is not done again. */
export function afterRestart(state: AlertState, now: TimeMs): AlertState {
  const notAfter = (at: TimeMs): TimeMs => Math.min(at, now) as TimeMs;
  const known = (alert: Alert): Alert => ({
    ...alert,
    since: notAfter(alert.since),
    heldAt: notAfter(alert.heldAt),
    seenAt: notAfter(alert.seenAt),
    ...(alert.firedAt !== undefined && { firedAt: notAfter(alert.firedAt) }),
    acted: alert.acted.map((one) =>
      one.outcome === UNDER_WAY ? { ...one, outcome: 'unknown: the daemon ended meanwhile' } : one,
    ),
  });
  return {
    ...state,
    at: notAfter(state.at),
    active: state.active.map(known),
    ended: state.ended.map(known),
    groups: state.groups.map(({ newsAt, newsToldAt, toldAt, ...group }) => ({
      ...group,
      ...(newsAt !== undefined && { newsAt: notAfter(newsAt) }),
      ...(newsToldAt !== undefined && { newsToldAt: notAfter(newsToldAt) }),
      ...(toldAt !== undefined && { toldAt: notAfter(toldAt) }),
    })),
    acted: Object.fromEntries(
      Object.entries(state.acted).map(([rule, at]) => [rule, notAfter(at)]),
    ),
  };
}

function changed(state: AlertState, id: string, change: (alert: Alert) => Alert): AlertState {
  const one = (alert: Alert): Alert => (alert.id === id ? change(alert) : alert);
  return { ...state, active: state.active.map(one), ended: state.ended.map(one) };
}
