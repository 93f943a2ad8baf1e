import { z } from 'zod';
import { nearest } from '../base/nearest.ts';
import { severities } from '../model/alert-rule.ts';
import { parseCondition } from './alert-condition.ts';
import { spanForm } from './blocks/limits-block.ts';
import { oneOf, plainWord, quantity, text, wholeNumber } from './fields.ts';
import { parseSpan, shown } from './quantities.ts';

/** A program that does not say it itself is ended after so long. */
export const COMMAND_MS = 30_000;

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
    .meta({ description: 'Services that are autoscaled get more replicas, within their bounds.' })
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

export type AlertBlock = z.output<typeof alertSchema>;
export type ReceiverBlock = z.output<typeof receiverSchema>;
export type SilenceBlock = z.output<typeof silenceSchema>;
