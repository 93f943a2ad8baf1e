import type { TimeMs } from '../../base/units.ts';
import type { AlertConfig, AlertRule } from '../../model/alert-rule.ts';
import { type Labels, seriesKey } from '../metric.ts';
import {
  ACTIVE_MAX,
  type ActionOrder,
  type Alert,
  type AlertState,
  ENDED_MAX,
  type Notice,
  UNDER_WAY,
} from './alert-state.ts';
import { evaluate, type Measured, type Truth } from './evaluate.ts';
import { tell } from './tell.ts';

/** A firing alert of which nobody measures any more whether it holds ends after so long. */
const UNSEEN_MS = 5 * 60_000;
/** What nobody looked at for longer does not count as having held. */
const UNWATCHED_MS = 60_000;

export interface Stepped {
  readonly state: AlertState;
  readonly notices: readonly Notice[];
  readonly orders: readonly ActionOrder[];
  /** Something changed that a restart must not forget. */
  readonly isNews: boolean;
}

/** Looks at all rules once: what fires, what ends, who is told, what is done. Pure, and in no order but that of the rules. */
export function step(config: AlertConfig, before: AlertState, measured: Measured): Stepped {
  const { at } = measured;
  const looked = look(config.rules, before, measured);
  const { orders, state: acting } = act(config.rules, looked, at);
  const { notices, state } = tell(config, acting, at);
  const isNews =
    notices.length > 0 ||
    orders.length > 0 ||
    firing(before) !== firing(state) ||
    before.ended[0]?.id !== state.ended[0]?.id;
  return { state, notices, orders, isNews };
}

const firing = ({ active }: AlertState): string =>
  active
    .filter(({ state }) => state === 'firing')
    .map(({ id }) => id)
    .join();

/** What the conditions say now. */
function look(rules: readonly AlertRule[], before: AlertState, measured: Measured): AlertState {
  const { at } = measured;
  const gap = at - before.at > UNWATCHED_MS;
  const known = new Map(before.active.map((one) => [keyOf(one.rule, one.series), one]));
  const active: Alert[] = [];
  const ended: Alert[] = [];
  let { lastId, dropped } = before;
  for (const rule of rules) {
    const resolved = rule.resolve && holding(evaluate(rule.resolve, measured));
    const told = new Set<string>();
    for (const truth of evaluate(rule.condition, measured)) {
      const key = keyOf(rule.name, truth.labels);
      // Where only some series have a label, joining them may tell of the same labels twice: the first counts.
      if (told.has(key)) continue;
      told.add(key);
      const alert = known.get(key);
      known.delete(key);
      if (alert === undefined) {
        if (!truth.holds) continue;
        if (active.length + known.size >= ACTIVE_MAX) dropped++;
        else active.push(ripened(begun(rule, truth, { id: `a${++lastId}`, at }), rule, at));
        continue;
      }
      const ends = resolved === undefined || resolved.has(keyOf('', truth.labels));
      const next = gap && alert.state === 'pending' ? { ...alert, since: at } : alert;
      const after = looked(next, rule, { truth, ends, at });
      if (after?.state === 'resolved') ended.push(after);
      else if (after !== undefined) active.push(after);
    }
  }
  const names = new Set(rules.map(({ name }) => name));
  for (const alert of known.values()) {
    const hasRule = names.has(alert.rule);
    if (alert.state === 'pending') continue;
    if (hasRule && at - alert.seenAt < UNSEEN_MS) active.push(alert);
    else ended.push(over(alert, at, hasRule ? 'unmeasured' : 'no-rule'));
  }
  const all = [...ended.toReversed(), ...before.ended].slice(0, ENDED_MAX);
  return { ...before, at, lastId, dropped, active, ended: all };
}

const keyOf = (rule: string, labels: Labels): string => seriesKey(rule, labels);

const holding = (truths: readonly Truth[]): ReadonlySet<string> =>
  new Set(truths.filter(({ holds }) => holds).map(({ labels }) => keyOf('', labels)));

function begun(
  { name, severity, labels }: AlertRule,
  truth: Truth,
  { id, at }: { readonly id: string; readonly at: TimeMs },
): Alert {
  return {
    id,
    rule: name,
    severity,
    series: truth.labels,
    labels: { ...truth.labels, ...labels },
    state: 'pending',
    value: truth.value,
    since: at,
    heldAt: at,
    seenAt: at,
    told: [],
    acted: [],
  };
}

/** It fires as soon as it has held for as long as the rule says. */
function ripened(alert: Alert, { durationMs }: AlertRule, at: TimeMs): Alert {
  if (alert.state !== 'pending' || at - alert.since < durationMs) return alert;
  return { ...alert, state: 'firing', firedAt: at };
}

/** Undefined where it never fired and does not hold any more. */
function looked(
  alert: Alert,
  rule: AlertRule,
  { truth, ends, at }: { readonly truth: Truth; readonly ends: boolean; readonly at: TimeMs },
): Alert | undefined {
  const { severity } = rule;
  const labels = { ...truth.labels, ...rule.labels };
  const seen: Alert = { ...alert, severity, labels, value: truth.value, seenAt: at };
  if (truth.holds) return ripened({ ...seen, heldAt: at }, rule, at);
  if (alert.state === 'pending') return undefined;
  if (!ends) return { ...seen, heldAt: at };
  return at - alert.heldAt < rule.keepFiringMs ? seen : over(seen, at, 'ended');
}

const over = (
  alert: Alert,
  resolvedAt: TimeMs,
  resolvedFor: NonNullable<Alert['resolvedFor']>,
): Alert => ({ ...alert, state: 'resolved', resolvedAt, resolvedFor });

/** Each alert that fires acts once, and rules not more often than their cooldown lets them. */
function act(
  rules: readonly AlertRule[],
  state: AlertState,
  at: TimeMs,
): { readonly state: AlertState; readonly orders: readonly ActionOrder[] } {
  const acting = new Map(
    rules.filter(({ actions }) => actions.length > 0).map((rule) => [rule.name, rule]),
  );
  if (acting.size === 0) return { state, orders: [] };
  const last: Record<string, TimeMs> = { ...state.acted };
  const orders: ActionOrder[] = [];
  const active = state.active.map((alert) => {
    const rule = acting.get(alert.rule);
    if (rule === undefined || alert.state !== 'firing' || alert.acted.length > 0) return alert;
    const lastAt = last[rule.name];
    if (lastAt !== undefined && at - lastAt < rule.cooldownMs) return alert;
    last[rule.name] = at;
    const acted = rule.actions.map(({ kind }) => ({ action: kind, at, outcome: UNDER_WAY }));
    const ordered: Alert = { ...alert, acted };
    for (const [index, action] of rule.actions.entries()) {
      orders.push({ alert: ordered, index, action });
    }
    return ordered;
  });
  return { state: { ...state, active, acted: last }, orders };
}
