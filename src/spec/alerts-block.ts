import { z } from 'zod';
import { nearest } from '../base/nearest.ts';
import { spanMs, timeMs } from '../base/units.ts';
import {
  type AlertAction,
  type AlertConfig,
  type AlertRule,
  type Condition,
  type EscalationStep,
  type Receiver,
  type ReceiverTarget,
  type SecretText,
  type Silence,
  severities,
} from '../model/alert-rule.ts';
import { parseCondition } from './alert-condition.ts';
import { spanForm } from './blocks/limits-block.ts';
import { defaultAlerts } from './default-alerts.ts';
import { oneOf, plainWord, quantity, text, wholeNumber } from './fields.ts';
import type { Path } from './issue.ts';
import { parseSpan, shown } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const KEEP_FIRING_MS = 60_000;
const COOLDOWN_MS = 5 * 60_000;
const COMMAND_MS = 30_000;
const REPEAT_MS = 4 * 3_600_000;
/** Alertmanager takes an alert of which it hears nothing for resolved. */
export const HEARTBEAT_MS = 60_000;
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

const name = (description: string) => text({ description, max: 128, filled: true, oneLine: true });
const span = (description: string, initial: string) =>
  quantity(parseSpan, { description, form: spanForm, finite: true, default: initial }).optional();
const argv = (description: string) =>
  z
    .array(text({ max: 4096 }))
    .min(1)
    .max(64)
    .meta({ description });

/** A condition that can be read; what it says is read again, with its place, where it counts. */
const condition = (description: string) =>
  z
    .string()
    .check((context) => {
      const parsed = parseCondition(context.value);
      if (parsed.ok) return;
      const { message, at: within, expected, suggestion } = parsed;
      const params = { expected, within, ...(suggestion !== undefined && { suggestion }) };
      context.issues.push({ code: 'custom', message, params, input: context.value });
    })
    .meta({ description, title: 'condition such as cpu_utilization > 90', maxLength: 1_000 });

const plainActions = ['scale_up', 'evict_low_priority', 'pause_low_priority', 'notify'] as const;

const plainAction = z.string().transform((written, context): (typeof plainActions)[number] => {
  const word = plainWord(written).replaceAll('-', '_');
  const found = plainActions.find((one) => one === word);
  if (found !== undefined) return found;
  const suggestion = nearest(word.slice(0, 64), plainActions);
  const expected = `${plainActions.join(', ')}, or a map`;
  const params = { expected, ...(suggestion !== undefined && { suggestion }) };
  context.addIssue({ code: 'custom', message: `${shown(written)} is no action`, params });
  return z.NEVER;
});

const longAction = z.strictObject({
  scale_up: z
    .strictObject({
      replicas: wholeNumber(1, 1_000, {
        description: 'So many more at once.',
        default: 1,
      }).optional(),
      service: name(
        'Name of the service; every one that is autoscaled, when not given.',
      ).optional(),
    })
    .optional(),
  command: argv(
    'A program and its arguments; no shell reads it. It has the alert on stdin, as JSON.',
  ).optional(),
  timeout: span('The program is ended after it.', '30s'),
});

const action = z
  .union([plainAction, longAction], {
    error: `one of ${plainActions.join(', ')}, or a map with scale_up or command`,
  })
  .meta({
    title: `${plainActions.join(', ')}, or a map`,
    description:
      'What is done once when it fires, beside telling people: `scale_up` gives services that are autoscaled a replica more, within their bounds; `evict_low_priority` stops the task that gives way first when memory runs out, to start again; `pause_low_priority` freezes its workload; `notify` does nothing more. Or a map: `{scale_up: {replicas: 2, service: web}}`, `{command: [program, argument]}`.',
  });

const labels = z.record(
  text({ max: 64, filled: true, oneLine: true }).regex(/^[A-Za-z_]\w*$/, {
    error: 'a name of letters, digits and _',
  }),
  text({ max: 256, oneLine: true }),
);

export const alertSchema = z.strictObject({
  name: name('Unique. A rule that comes with Berth is replaced by one of its name.'),
  condition: condition(
    'As `cpu_utilization > 90`, over any metric of `berth metrics`. It may have `and`, `or`, `not`, arithmetic, labels as in `m{resource="memory"}`, amounts such as 1Gi, 90% and 5m (minutes), `avg`, `min`, `max` of a metric over a span as in `avg(m, 5m)`, `sum`, `avg`, `min`, `max`, `count` of all series of it as in `sum(m)`, and `predict(m, 6h, 24h)`: what a line through the last 6 hours comes to in 24.',
  ),
  duration: span('It holds for so long before it fires.', '0'),
  resolve: condition(
    'It ends when this holds; when `condition` does not hold, if not given. Thresholds that lie apart keep it from flapping.',
  ).optional(),
  keep_firing: span('It has not held for so long before it ends.', '1m'),
  severity: oneOf(severities, { description: 'How bad it is.', default: 'warning' }).optional(),
  labels: labels
    .meta({ description: 'Given to its alerts, for receivers and silences.' })
    .optional(),
  summary: text({ description: 'For people: what it means, what to do.', max: 1024 }).optional(),
  action: action.optional(),
  actions: z.array(action).max(8).meta({ description: 'Several of `action`.' }).optional(),
  cooldown: span('Between actions for one of its alerts and for the next.', '5m'),
  inhibits: z
    .array(name('A rule.'))
    .max(64)
    .meta({
      description:
        'While it fires nobody is told of alerts of these rules with the same labels. Their actions are taken.',
    })
    .optional(),
  notify: z
    .array(name('A receiver.'))
    .max(32)
    .meta({ description: 'Who is told; all that are not `only_named`, when not given.' })
    .optional(),
  escalate: z
    .array(
      z.strictObject({
        after: quantity(parseSpan, {
          description: 'It has fired for so long, and nobody silenced it.',
          form: spanForm,
          positive: true,
          finite: true,
        }),
        notify: z.array(name('A receiver.')).min(1).max(32).meta({ description: 'Told then.' }),
      }),
    )
    .max(8)
    .meta({ description: 'Others are told when it goes on.' })
    .optional(),
});

const receiverKinds = ['alertmanager', 'webhook', 'slack', 'pagerduty', 'command'] as const;
const secretFile = (description: string) =>
  text({
    description: `${description} A file that only its owner may read; absolute.`,
    max: 4096,
  }).regex(/^\//, { error: 'an absolute path' });

export const receiverSchema = z.strictObject({
  name: name('Unique.'),
  type: oneOf(receiverKinds, {
    description:
      '`alertmanager` by its API v2, `webhook` as JSON, `slack` and `pagerduty` (Events API v2) as they take it, `command` starts a program.',
  }),
  url: text({ description: 'Where it is told.', max: 2048, filled: true }).optional(),
  url_file: secretFile('Holds the URL, where that is a secret as of Slack.').optional(),
  token_file: secretFile('Holds a token that is sent as `Authorization: Bearer`.').optional(),
  routing_key_file: secretFile('Holds the integration key of PagerDuty.').optional(),
  command: argv(
    'A program and its arguments; no shell reads it. It has the notice on stdin, as JSON.',
  ).optional(),
  timeout: span('The program is ended after it.', '30s'),
  repeat: quantity(parseSpan, {
    description: 'What keeps firing is told again after so long. Alertmanager is told each minute.',
    form: spanForm,
    positive: true,
    finite: true,
    default: '4h',
  }).optional(),
  severity: oneOf(severities, {
    description: 'Told of what is as bad or worse.',
    default: 'warning',
  }).optional(),
  only_named: z
    .boolean()
    .meta({ description: 'Told only where a rule or its `escalate` names it.', default: false })
    .optional(),
});

export const silenceSchema = z.strictObject({
  matches: labels.meta({
    description: 'Labels that an alert has; `alert` is the name of its rule.',
  }),
  until: text({ description: 'As 2026-12-24T18:00Z.', max: 64 }),
  comment: text({ description: 'Why.', max: 1024 }).optional(),
});

export const defaultAlertsSchema = z
  .union([z.boolean(), z.array(name('A rule.')).max(64)], {
    error: 'true, false or a list of names',
  })
  .meta({
    description:
      'Whether the rules that come with Berth hold, too; or the names of those that do. `berth alerts rules` lists them.',
    default: true,
    title: 'true, false or a list of names',
  });

type AlertBlock = z.output<typeof alertSchema>;
type ReceiverBlock = z.output<typeof receiverSchema>;

/** What `monitoring` says of alerts. */
export interface AlertsBlock {
  readonly resources?:
    | {
        readonly alerts?: readonly AlertBlock[] | undefined;
        readonly default_alerts?: boolean | readonly string[] | undefined;
      }
    | undefined;
  readonly notify?: readonly ReceiverBlock[] | undefined;
  readonly silences?: readonly z.output<typeof silenceSchema>[] | undefined;
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
  return defaultAlerts.map((written) => ({
    ...termsOf(alertSchema.parse(written), 'default'),
    actions: [],
  }));
}

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

function receiverOf(reading: SiteReading, block: ReceiverBlock, path: Path): Receiver {
  const { name: called, type, repeat, severity = 'warning', only_named: onlyNamed = false } = block;
  const usual = type === 'alertmanager' ? HEARTBEAT_MS : REPEAT_MS;
  return {
    name: called,
    target: targetOf(reading, block, path),
    repeatMs: repeat ?? spanMs(usual),
    severity,
    onlyNamed,
  };
}

/** Keys that a kind of receiver takes, beside those of all. */
const ownKeys = {
  alertmanager: ['url', 'url_file', 'token_file'],
  webhook: ['url', 'url_file', 'token_file'],
  slack: ['url', 'url_file', 'token_file'],
  pagerduty: ['url', 'url_file', 'routing_key_file'],
  command: ['command', 'timeout'],
} as const;

function targetOf(reading: SiteReading, block: ReceiverBlock, path: Path): ReceiverTarget {
  const { type, command, timeout, token_file: tokenFile, routing_key_file: keyFile } = block;
  const foreign = [...new Set(Object.values(ownKeys).flat())].filter(
    (key) => !(ownKeys[type] as readonly string[]).includes(key) && block[key] !== undefined,
  );
  for (const key of foreign) {
    reading.error([...path, key], `a ${type} has no \`${key}\``, { at: 'key' });
  }
  if (type === 'command') {
    if (command === undefined) missing(reading, path, '`command`');
    return { kind: type, argv: command ?? [], timeoutMs: timeout ?? spanMs(COMMAND_MS) };
  }
  const url = urlOf(reading, block, path);
  if (type === 'pagerduty') {
    if (keyFile === undefined) missing(reading, path, '`routing_key_file`');
    return { kind: type, url, routingKey: { file: keyFile ?? '' } };
  }
  return { kind: type, url, ...(tokenFile !== undefined && { token: { file: tokenFile } }) };
}

const missing = (reading: SiteReading, path: Path, expected: string): void =>
  reading.error([...path, 'type'], 'it is not said how it is told', { expected });

function urlOf(reading: SiteReading, block: ReceiverBlock, path: Path): SecretText {
  const { type, url, url_file: file } = block;
  if (url !== undefined && file !== undefined) {
    reading.error([...path, 'url_file'], '`url` says where it is, too', { at: 'key' });
  }
  if (file !== undefined) return { file };
  if (url === undefined) {
    if (type !== 'pagerduty') missing(reading, path, '`url` or `url_file`');
    return { text: PAGERDUTY_URL };
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    const expected = 'an address that begins with http:// or https://';
    reading.error([...path, 'url'], `${shown(url)} is not asked`, { expected });
  } else if (type === 'slack') {
    const message = 'whoever reads this file can write to the channel: `url_file` keeps it secret';
    reading.warn([...path, 'url'], message);
  }
  return { text: url };
}

function silenceOf(
  reading: SiteReading,
  { matches, until, comment = '' }: z.output<typeof silenceSchema>,
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
