import type { SpanMs, TimeMs } from '../../base/units.ts';
import {
  type AlertConfig,
  type AlertRule,
  type Receiver,
  severities,
} from '../../model/alert-rule.ts';
import {
  type Alert,
  type AlertState,
  type Group,
  type Notice,
  type NoticeItem,
  TOLD_MAX,
} from './alert-state.ts';
import { type Muting, mutingOf } from './muting.ts';

/** What begins at about the same time is told together. */
export const GATHER_MS = 5_000;
/** Between two notices of one rule to one receiver: doubled each time that there is news again soon, up to the last. */
export const PAUSE_MS_MIN = 30_000 as SpanMs;
export const PAUSE_MS_MAX = 3_600_000 as SpanMs;

/**
 * Who is to be told of what, now. Of one rule a receiver hears something new after a pause that doubles while it
 * flaps, so that an hour of a storm takes seven notices, and later ones one an hour; what begins and ends within a
 * pause is not told at all.
 */
export function tell(
  config: AlertConfig,
  state: AlertState,
  at: TimeMs,
): { readonly state: AlertState; readonly notices: readonly Notice[] } {
  const muting = mutingOf(config, state, at);
  const audience = audienceOf(config, state, { muting, at });
  const known = new Map(state.groups.map((group) => [keyOf(group.receiver, group.rule), group]));
  const byId = new Map([...state.ended, ...state.active].map((alert) => [alert.id, alert]));
  const receivers = new Map(config.receivers.map((one) => [one.name, one]));
  const groups: Group[] = [];
  const items = new Map<string, NoticeItem[]>();
  for (const key of new Set([...known.keys(), ...audience.keys()])) {
    const reached = audience.get(key);
    const group = known.get(key) ?? { ...reached!.group, told: [], pauseMs: PAUSE_MS_MIN };
    const receiver = receivers.get(group.receiver);
    if (receiver === undefined) continue;
    const told = tellGroup(group, { reached: reached?.items ?? [], receiver, byId, at });
    if (told.group !== undefined) groups.push(told.group);
    if (told.items.length === 0) continue;
    items.set(receiver.name, [...(items.get(receiver.name) ?? []), ...told.items]);
  }
  const notices = [...items].map(([to, of]): Notice => ({ to, at, items: of }));
  return { state: marked({ ...state, groups }, notices), notices };
}

const keyOf = (receiver: string, rule: string): string => JSON.stringify([receiver, rule]);

interface Reached {
  readonly group: Pick<Group, 'receiver' | 'rule'>;
  readonly items: NoticeItem[];
}

/** By receiver and rule: the alerts that fire and are not muted. */
function audienceOf(
  { rules, receivers }: AlertConfig,
  { active }: AlertState,
  { muting, at }: { readonly muting: (alert: Alert) => Muting | undefined; readonly at: TimeMs },
): ReadonlyMap<string, Reached> {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  const found = new Map<string, Reached>();
  for (const alert of active) {
    const rule = byName.get(alert.rule);
    if (rule === undefined || alert.state !== 'firing' || muting(alert) !== undefined) continue;
    const late = escalated(rule, alert, at);
    for (const { name, ...receiver } of receivers) {
      const usual = hears({ name, ...receiver }, rule);
      if (!usual && !late.has(name)) continue;
      const key = keyOf(name, rule.name);
      const reached = found.get(key) ?? { group: { receiver: name, rule: rule.name }, items: [] };
      found.set(key, reached);
      reached.items.push({ what: usual ? 'firing' : 'escalation', alert });
    }
  }
  return found;
}

function hears({ name, onlyNamed, severity }: Receiver, rule: AlertRule): boolean {
  if (rule.notify !== undefined) return rule.notify.includes(name);
  return !onlyNamed && severities.indexOf(rule.severity) >= severities.indexOf(severity);
}

function escalated({ escalation }: AlertRule, { firedAt }: Alert, at: TimeMs): Set<string> {
  const due = escalation.filter(({ afterMs }) => at - firedAt! >= afterMs);
  return new Set(due.flatMap(({ notify }) => notify));
}

interface ToGroup {
  readonly reached: readonly NoticeItem[];
  readonly receiver: Receiver;
  readonly byId: ReadonlyMap<string, Alert>;
  readonly at: TimeMs;
}

function tellGroup(
  group: Group,
  { reached, receiver, byId, at }: ToGroup,
): { readonly group: Group | undefined; readonly items: readonly NoticeItem[] } {
  const told = new Set(group.told);
  const fresh = reached.filter(({ alert }) => !told.has(alert.id));
  const firing = group.told.filter((id) => byId.get(id)?.state === 'firing');
  const gone = group.told.flatMap((id): NoticeItem[] => {
    const alert = byId.get(id);
    return alert?.state === 'resolved' ? [{ what: 'resolved', alert }] : [];
  });
  const { newsAt: _newsAt, ...quiet } = group;
  if (fresh.length + gone.length > 0) {
    const newsAt = group.newsAt ?? at;
    const due = Math.max(newsAt + GATHER_MS, (group.newsToldAt ?? 0) + pauseOf(group));
    if (at < due) return { group: { ...group, newsAt }, items: [] };
    const pauseMs = nextPause(group, at);
    const now = [...firing, ...fresh.map(({ alert }) => alert.id)];
    const next = { ...quiet, told: now, newsToldAt: at, toldAt: at, pauseMs };
    return { group: next, items: [...fresh, ...gone] };
  }
  const again = reached.filter(({ alert }) => told.has(alert.id));
  if (again.length > 0 && at - (group.toldAt ?? at) >= receiver.repeatMs) {
    const items = again.map(({ alert }): NoticeItem => ({ what: 'repeat', alert }));
    return { group: { ...quiet, told: firing, toldAt: at }, items };
  }
  // Calm for long enough: it begins afresh next time.
  const isOver = firing.length === 0 && at - (group.newsToldAt ?? 0) >= 2 * group.pauseMs;
  return { group: isOver ? undefined : { ...quiet, told: firing }, items: [] };
}

/** Nothing is waited for before the first time. */
const pauseOf = ({ newsToldAt, pauseMs }: Group): number =>
  newsToldAt === undefined ? 0 : pauseMs;

function nextPause({ newsToldAt, pauseMs }: Group, at: TimeMs): SpanMs {
  const isSoon = newsToldAt !== undefined && at - newsToldAt < 2 * pauseMs;
  return isSoon ? (Math.min(2 * pauseMs, PAUSE_MS_MAX) as SpanMs) : PAUSE_MS_MIN;
}

/** Alerts remember who was told; that it still fires, only whoever is told. */
function marked(state: AlertState, notices: readonly Notice[]): AlertState {
  const told = new Map<string, Alert['told']>();
  for (const { to, at, items } of notices) {
    for (const { what, alert } of items) {
      if (what === 'repeat') continue;
      const entry = { to, at, what, outcome: 'queued' };
      told.set(alert.id, [...(told.get(alert.id) ?? []), entry]);
    }
  }
  if (told.size === 0) return state;
  const mark = (alert: Alert): Alert => {
    const more = told.get(alert.id);
    return more ? { ...alert, told: [...alert.told, ...more].slice(-TOLD_MAX) } : alert;
  };
  return { ...state, active: state.active.map(mark), ended: state.ended.map(mark) };
}
