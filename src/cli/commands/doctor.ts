import {
  type DoctorFlow,
  doctorFlows,
  type RegressionList,
} from '../../api/contract/doctor-documents.ts';
import type { DoctorReport, FindingDocument } from '../../api/contract/telemetry-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { type Glyph, glyph, type Page, paint, type Tone } from '../page.ts';
import { padEnd, printable, wrap } from '../text.ts';

const WINDOW_MS = 600_000;
const REGRESSIONS_MS = 7 * 86_400_000;
const LOOK_MS = 6_000;
const PARTIES_SHOWN = 3;
const REMEDIES_SHOWN = 3;
/** Of a change that has several layers for its cause. */
const PLAN_SHOWN = 8;

export const doctor = defineCommand({
  name: 'doctor',
  group: 'Work',
  summary: 'Say what is short on this machine, who causes it, who suffers, and what to do',
  details: [
    'Every resource is looked at: how busy it is, what waits for it, and its errors, also where all is well. A task that its own limit holds back is told apart from tasks that compete.',
    'Severity: critical from a score of 0.8, high from 0.6, moderate from 0.4, else low; of CPU, memory and disks the score is the share of the time in which something waited (PSI). The exit code is 1 where something is high or critical.',
    'Nothing is changed: remedies are commands for you to type, the one to be tried first first.',
    'With --regressions: what became slower or otherwise worse over days and stays so, by the journal and by what was measured, and how each of seven layers is that may be the cause: heat, hardware, network, storage, fragmentation, data pipeline, software.',
    `Where no daemon runs, it looks at the machine itself for ${LOOK_MS / 1_000} seconds; then it knows nothing of tasks.`,
  ],
  options: {
    window: {
      kind: 'span',
      value: 'span',
      summary: 'what to look at, from 5s to 7d (10m); of regressions up to 366d (7d)',
    },
    regressions: { kind: 'flag', summary: 'what is worse than it was, by layers' },
    flow: {
      kind: 'text',
      value: 'trouble',
      summary: `walk through the questions about one trouble: ${doctorFlows.join(', ')}`,
    },
  },
  json: 'DoctorReport: {from, to, sentence, quality, findings, looked}; with --flow DoctorFlow: {flow, from, to, sentence, steps, remedies}; with --regressions RegressionList: {from, to, complete, sentence, findings, layers}',
  examples: ['berth doctor', 'berth doctor --window 1h --json', 'berth doctor --flow high-cpu'],
  async run({ options }, world) {
    const seconds = Math.ceil((options.window ?? WINDOW_MS) / 1_000);
    const flow = doctorFlows.find((name) => name === options.flow);
    if (options.flow !== undefined && flow === undefined) {
      const known = doctorFlows.join(', ');
      throw new OperationError('USAGE', `--flow: '${options.flow}' is none of ${known}.`);
    }
    if (options.regressions === true) {
      if (flow !== undefined) {
        throw new OperationError('USAGE', '--flow and --regressions are two questions.');
      }
      const client = await world.daemons.connect();
      const found = await client.regressions(Math.ceil((options.window ?? REGRESSIONS_MS) / 1_000));
      if (!found.complete) world.note('the journal does not tell of all attempts of that time');
      return {
        document: found,
        view: (page) => renderRegressions(found, page),
        exit: isTrouble(found.findings) ? EXIT.trouble : EXIT.ok,
      };
    }
    if (flow !== undefined) {
      const client = await world.daemons.connect();
      const walked = await client.doctorFlow(flow, seconds);
      return { document: walked, view: (page) => renderFlow(walked, page), exit: EXIT.ok };
    }
    const client = await world.daemons.find();
    if (client === undefined) {
      world.note(`no daemon answers; looking at this machine for ${LOOK_MS / 1_000} s`);
    }
    const report = await (client === undefined ? world.look(LOOK_MS) : client.doctor(seconds));
    return {
      document: report,
      view: (page) => renderDoctor(report, page),
      exit: isTrouble(report.findings) ? EXIT.trouble : EXIT.ok,
    };
  },
});

const isTrouble = (findings: readonly FindingDocument[]): boolean =>
  findings.some(({ severity }) => severity === 'high' || severity === 'critical');

const looks: Readonly<Record<FindingDocument['severity'], readonly [Glyph, Tone]>> = {
  critical: ['failed', 'failed'],
  high: ['failed', 'failed'],
  moderate: ['live', 'waiting'],
  low: ['dot', 'faint'],
};

export function renderDoctor(report: DoctorReport, page: Page): readonly string[] {
  const { findings, looked, to } = report;
  const width = Math.max(0, ...looked.map(({ resource }) => resource.length));
  return [
    ...(findings.length === 0 ? [printable(report.sentence)] : []),
    ...findings.flatMap((finding) => [
      ...findingLines(finding, page, { to, remediesMax: REMEDIES_SHOWN }),
      '',
    ]),
    ...(findings.length === 0 ? [''] : []),
    paint(page, 'strong', 'Looked at'),
    ...looked.flatMap(({ resource, sentence }) =>
      hanging(padEnd(printable(resource), width), sentence, page),
    ),
  ];
}

function findingLines(
  finding: FindingDocument,
  page: Page,
  { to, remediesMax }: { readonly to: number; readonly remediesMax: number },
): readonly string[] {
  const { kind, severity, sentence, since, culprits, sufferers, remedies } = finding;
  const [mark, tone] = looks[severity];
  const age = since === null || to <= since ? '' : ` for ${formatSpan(to - since)}`;
  const head = `${glyph(page, mark)} ${severity}: ${kind}${age}`;
  const party = (what: string) => (one: FindingDocument['culprits'][number]) => {
    const whose = one.tenant === null ? '' : ` (${printable(one.tenant)})`;
    return hanging(what, `${printable(one.id)}${whose} ${one.sentence}`, page);
  };
  return [
    paint(page, tone, head),
    ...wrap(printable(sentence), page.width, '  '),
    ...culprits.slice(0, PARTIES_SHOWN).flatMap(party('causes ')),
    ...sufferers.slice(0, PARTIES_SHOWN).flatMap(party('suffers')),
    ...remedies.slice(0, remediesMax).flatMap((remedy) => remedyLines(remedy, page)),
  ];
}

function remedyLines(
  { title, effect, risk, command }: FindingDocument['remedies'][number],
  page: Page,
): readonly string[] {
  const danger = risk === 'none' ? 'no risk' : `${risk} risk`;
  return [
    ...hanging('try    ', `${title} (${danger}). ${effect}`, page),
    ...(command === null ? [] : [`            ${paint(page, 'strong', printable(command))}`]),
  ];
}

function hanging(name: string, text: string, page: Page): readonly string[] {
  const lines = wrap(printable(text), page.width - name.length - 4);
  return lines.map((line, i) => `  ${i === 0 ? name : ' '.repeat(name.length)}  ${line}`);
}

const outcomes: Readonly<Record<DoctorFlow['steps'][number]['outcome'], readonly [Glyph, Tone]>> = {
  fine: ['succeeded', 'done'],
  trouble: ['failed', 'failed'],
  unknown: ['unknown', 'faint'],
};

export function renderFlow(
  { sentence, steps, remedies }: DoctorFlow,
  page: Page,
): readonly string[] {
  return [
    ...wrap(printable(sentence), page.width),
    '',
    ...steps.flatMap(({ question, outcome, sentence: answer }) => {
      const [mark, tone] = outcomes[outcome];
      const head = `${paint(page, tone, glyph(page, mark))} ${paint(page, 'strong', question)}`;
      return [head, ...wrap(printable(answer), page.width, '  ')];
    }),
    ...(remedies.length === 0 ? [] : ['']),
    ...remedies.slice(0, REMEDIES_SHOWN).flatMap((remedy) => remedyLines(remedy, page)),
  ];
}

const states: Readonly<Record<RegressionList['layers'][number]['state'], readonly [Glyph, Tone]>> =
  {
    worse: ['failed', 'failed'],
    steady: ['succeeded', 'done'],
    unknown: ['unknown', 'faint'],
  };

export function renderRegressions(
  { sentence, findings, layers, to }: RegressionList,
  page: Page,
): readonly string[] {
  const width = Math.max(0, ...layers.map(({ layer }) => layer.length));
  return [
    ...(findings.length === 0 ? [...wrap(printable(sentence), page.width), ''] : []),
    ...findings.flatMap((finding) => [
      ...findingLines(finding, page, { to, remediesMax: PLAN_SHOWN }),
      ...finding.evidence.flatMap((one) => hanging('because', one.sentence, page)),
      '',
    ]),
    paint(page, 'strong', 'Layers, from the bottom up'),
    ...layers.flatMap(({ layer, state, ...of }) => {
      const [mark, tone] = states[state];
      const name = `${paint(page, tone, glyph(page, mark))} ${padEnd(layer, width)}`;
      const lines = wrap(printable(of.sentence), page.width - width - 6);
      return lines.map((line, i) => `  ${i === 0 ? name : ' '.repeat(width + 2)}  ${line}`);
    }),
  ];
}
