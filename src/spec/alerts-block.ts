import { spanMs, timeMs } from '../base/units.ts';
import type {
  AlertAction,
  AlertConfig,
  AlertRule,
  Condition,
  EscalationStep,
  Silence,
} from '../model/alert-rule.ts';
import { parseCondition } from './alert-condition.ts';
import { receiverOf } from './alert-receivers.ts';
import {
  type AlertBlock,
  alertSchema,
  COMMAND_MS,
  type ReceiverBlock,
  type SilenceBlock,
} from './alert-schema.ts';
import { defaultAlerts } from './default-alerts.ts';
import type { Path } from './issue.ts';
import { shown } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const KEEP_FIRING_MS = 60_000;
const COOLDOWN_MS = 5 * 60_000;

/** What `monitoring` says of alerts. */
export interface AlertsBlock {
  readonly resources?:
    | {
        readonly alerts?: readonly AlertBlock[] | undefined;
        readonly default_alerts?: boolean | readonly string[] | undefined;
      }
    | undefined;
  readonly notify?: readonly ReceiverBlock[] | undefined;
  readonly silences?: readonly SilenceBlock[] | undefined;
}

export interface AlertsDeps {
  readonly fileName: string;
  /** All that may be measured, and the short names for it. */
  readonly metrics: readonly string[];
}

const RULES: Path = ['monitoring', 'resources', 'alerts'];
const RECEIVERS: Path = ['monitoring', 'notify'];

/** Rules of the document go before those that come with Berth. */
export function readAlerts(
  reading: SiteReading,
  { resources, notify = [], silences = [] }: AlertsBlock,
  deps: AlertsDeps,
): AlertConfig {
  const { alerts = [], default_alerts: defaults = true } = resources ?? {};
  const receivers = notify.map((one, i) => receiverOf(reading, one, [...RECEIVERS, i]));
  const own = alerts.map((one, i) => {
    const path = [...RULES, i];
    const origin = `${deps.fileName}:${reading.line([...path, 'name'])}`;
    warnOfMetrics(reading, one, { path, metrics: deps.metrics });
    return ruleOf(reading, one, { path, origin });
  });
  uniqueNames(reading, alerts, RULES, 'rule');
  uniqueNames(reading, notify, RECEIVERS, 'receiver');
  const rules = [...own, ...chosenDefaults(reading, defaults, own)];
  checkNamed(reading, alerts, {
    rules: rules.map((one) => one.name),
    receivers: receivers.map((one) => one.name),
  });
  return { rules, receivers, silences: silences.map((one, i) => silenceOf(reading, one, i)) };
}

function chosenDefaults(
  reading: SiteReading,
  wanted: boolean | readonly string[],
  own: readonly AlertRule[],
): readonly AlertRule[] {
  const replaced = new Set(own.map((one) => one.name));
  const all = defaultRules();
  if (typeof wanted !== 'boolean') {
    const words = all.map((one) => one.name);
    for (const [i, one] of wanted.entries()) {
      if (words.includes(one)) continue;
      const path = ['monitoring', 'resources', 'default_alerts', i];
      reading.error(path, `no rule that comes with Berth is called ${shown(one)}`, {
        near: { word: one.slice(0, 64), words },
      });
    }
  }
  return all.filter(
    (one) =>
      !replaced.has(one.name) && (typeof wanted === 'boolean' ? wanted : wanted.includes(one.name)),
  );
}

/** Those that hold where no site says anything. */
export function defaultRules(): readonly AlertRule[] {
  return defaultAlerts.map((written) => ruleOfText(written, 'default'));
}

/** Of a rule that was not read from a site document, and that the schema takes. */
export const ruleOfText = (written: unknown, origin: string): AlertRule => ({
  ...termsOf(alertSchema.parse(written), origin),
  actions: [],
});

function ruleOf(
  reading: SiteReading,
  block: AlertBlock,
  { path, origin }: { readonly path: Path; readonly origin: string },
): AlertRule {
  const written = [
    ...(block.action === undefined ? [] : [{ one: block.action, at: [...path, 'action'] }]),
    ...(block.actions ?? []).map((one, i) => ({ one, at: [...path, 'actions', i] })),
  ];
  const actions = written.flatMap(({ one, at }) => actionsOf(reading, one, at));
  return { ...termsOf(block, origin), actions };
}

function termsOf(block: AlertBlock, origin: string): Omit<AlertRule, 'actions'> {
  const { resolve, summary, notify } = block;
  return {
    name: block.name,
    text: block.condition.trim(),
    condition: conditionOf(block.condition),
    durationMs: block.duration ?? spanMs(0),
    ...(resolve !== undefined && { resolve: conditionOf(resolve) }),
    keepFiringMs: block.keep_firing ?? spanMs(KEEP_FIRING_MS),
    severity: block.severity ?? 'warning',
    labels: block.labels ?? {},
    ...(summary !== undefined && { summary }),
    cooldownMs: block.cooldown ?? spanMs(COOLDOWN_MS),
    inhibits: block.inhibits ?? [],
    ...(notify !== undefined && { notify }),
    escalation: (block.escalate ?? []).map(
      (one): EscalationStep => ({ afterMs: one.after, notify: one.notify }),
    ),
    origin,
  };
}

/** Of a text that the schema has read already. */
function conditionOf(written: string): Condition {
  const parsed = parseCondition(written);
  return parsed.ok ? parsed.condition : { kind: 'number', value: 0, percent: false };
}

function actionsOf(
  reading: SiteReading,
  written: NonNullable<AlertBlock['action']>,
  path: Path,
): readonly AlertAction[] {
  if (typeof written === 'string') {
    if (written === 'notify') return [];
    return [written === 'scale_up' ? { kind: written, replicas: 1 } : { kind: written }];
  }
  const { scale_up: scale, command, timeout } = written;
  if ((scale === undefined) === (command === undefined)) {
    const message = scale === undefined ? 'nothing is to be done' : 'two things are to be done';
    reading.error(path, message, { expected: 'one of `scale_up` and `command`' });
    return [];
  }
  if (command !== undefined) {
    return [{ kind: 'command', argv: command, timeoutMs: timeout ?? spanMs(COMMAND_MS) }];
  }
  if (timeout !== undefined) {
    reading.error([...path, 'timeout'], 'only a `command` takes time', { at: 'key' });
  }
  const { replicas = 1, service } = scale!;
  return [{ kind: 'scale_up', replicas, ...(service !== undefined && { service }) }];
}

function warnOfMetrics(
  reading: SiteReading,
  block: AlertBlock,
  { path, metrics }: { readonly path: Path; readonly metrics: readonly string[] },
): void {
  for (const key of ['condition', 'resolve'] as const) {
    const written = block[key];
    const parsed = written === undefined ? undefined : parseCondition(written);
    if (!parsed?.ok) continue;
    for (const { name: metric, at } of parsed.metrics) {
      if (metrics.includes(metric)) continue;
      reading.warnings.push({
        severity: 'warning',
        path: [...path, key],
        message: `nobody measures ${shown(metric)}: it fires when a metric of that name comes`,
        near: { word: metric.slice(0, 64), words: metrics },
        within: at,
      });
    }
  }
}

function uniqueNames(
  reading: SiteReading,
  blocks: readonly { readonly name: string }[],
  path: Path,
  what: string,
): void {
  for (const [i, one] of blocks.entries()) {
    const first = blocks.findIndex((other) => other.name === one.name);
    if (first === i) continue;
    const line = reading.line([...path, first, 'name']);
    reading.error([...path, i, 'name'], `the ${what} in line ${line} is called so, too`);
  }
}

function checkNamed(
  reading: SiteReading,
  alerts: readonly AlertBlock[],
  known: { readonly rules: readonly string[]; readonly receivers: readonly string[] },
): void {
  const check = (written: readonly string[], path: Path, kind: keyof typeof known): void => {
    for (const [i, one] of written.entries()) {
      if (known[kind].includes(one)) continue;
      const message = `no ${kind === 'rules' ? 'rule' : 'receiver'} is called ${shown(one)}`;
      reading.error([...path, i], message, {
        near: { word: one.slice(0, 64), words: known[kind] },
      });
    }
  };
  for (const [i, one] of alerts.entries()) {
    const path = [...RULES, i];
    check(one.inhibits ?? [], [...path, 'inhibits'], 'rules');
    check(one.notify ?? [], [...path, 'notify'], 'receivers');
    for (const [k, { notify }] of (one.escalate ?? []).entries()) {
      check(notify, [...path, 'escalate', k, 'notify'], 'receivers');
    }
  }
}

function silenceOf(
  reading: SiteReading,
  { matches, until, comment = '' }: SilenceBlock,
  index: number,
): Silence {
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(until);
  const at = isMoment ? Date.parse(until) : Number.NaN;
  const path = ['monitoring', 'silences', index];
  if (!(at >= 0)) {
    const expected = 'a moment such as 2026-12-24T18:00Z';
    reading.error([...path, 'until'], `${shown(until)} is no moment`, { expected });
  }
  if (Object.keys(matches).length === 0) {
    const expected = '`alert: NAME` or labels';
    reading.error([...path, 'matches'], 'everything would be silent', { expected });
  }
  return {
    id: `site-${index + 1}`,
    matches,
    until: timeMs(at >= 0 ? at : 0),
    by: 'site',
    comment,
  };
}
