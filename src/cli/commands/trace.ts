import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { type Page, paint } from '../page.ts';
import { type Column, renderTable } from '../table.ts';
import { printable, wrap } from '../text.ts';
import { type Segment, type Trace, traceOf } from '../trace.ts';
import { jaegerTrace, otlpTrace } from '../trace-formats.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

const formats = ['otlp', 'jaeger'] as const;

export const trace = defineCommand({
  name: 'trace',
  group: 'Work',
  summary: 'Say where the time of a workload went: waiting, running, and which steps held it up',
  details: [
    'The critical path is the chain of waits and attempts that ended last, from the submission to the end: what is not on it could have been slower without harm.',
    'With --format: spans with their true starts and ends, for the workload, its steps, its attempts, and each wait, as JSON of OpenTelemetry (for a collector at /v1/traces, or a recent Jaeger) or of the page of Jaeger.',
  ],
  operand: {
    name: 'id',
    summary: 'of the workload',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    format: { kind: 'text', value: 'otlp|jaeger', summary: 'spans for another program' },
  },
  json: '{workload, name, tenant, from, to, spans, critical, stages}, times in milliseconds; with --format as that has it',
  examples: ['berth trace 12', 'berth trace 12 --format otlp > trace.json'],
  async run({ operands, options: { format } }, world) {
    if (format !== undefined && !(formats as readonly string[]).includes(format)) {
      throw new OperationError('USAGE', `--format is one of ${formats.join(', ')}.`);
    }
    const client = await world.daemons.connect();
    const id = await checkId(client, operands[0]!);
    const found = await withNearMiss(client, id, () => client.workload(id));
    const made = traceOf(found, world.now());
    if (format === undefined) {
      return { document: made, view: (page) => renderTrace(made, page), exit: EXIT.ok };
    }
    const document = format === 'otlp' ? otlpTrace(made, world.version) : jaegerTrace(made);
    return { document, view: () => [JSON.stringify(document, undefined, 2)], exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'STEP', min: 8 },
  { title: 'WAITED', align: 'right' },
  { title: 'RAN', align: 'right' },
  { title: 'ATTEMPTS', align: 'right', drop: 1 },
  { title: 'CRITICAL', align: 'right' },
  { title: 'SHARE', align: 'right' },
];

/** A line a step, and the critical path in words. */
export function renderTrace(made: Trace, page: Page): readonly string[] {
  const { stages, critical, from, to } = made;
  const span = (ms: number | null): string => (ms === null ? '-' : formatSpan(ms));
  const rows = stages.map((stage) => [
    stage.step,
    span(stage.waitedMs),
    span(stage.ranMs),
    `${stage.attempts}`,
    formatSpan(stage.criticalMs),
    `${Math.round(stage.share * 100)} %`,
  ]);
  const total = to - from;
  const waited = sumOf(critical, 'waiting');
  const share = total === 0 ? 0 : Math.round((waited / total) * 100);
  const path = [...new Set(critical.flatMap(({ step }) => step ?? []))].map(printable).join(' → ');
  return [
    ...renderTable(page, columns, rows),
    '',
    ...wrap(
      `${formatSpan(total)} in all; on the critical path ${formatSpan(waited)} of waiting (${share} %).`,
      page.width,
    ),
    ...wrap(path === '' ? '' : `Critical path: ${path}`, page.width).map((line) =>
      paint(page, 'faint', line),
    ),
  ];
}

const sumOf = (segments: readonly Segment[], kind: Segment['kind']): number =>
  segments.filter((one) => one.kind === kind).reduce((sum, { from, to }) => sum + to - from, 0);
