import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse, reported } from '../builders/site-text.ts';

const cases: Record<string, { text: string; want: readonly string[] }> = {
  'objectives that are written wrong': {
    text: `monitoring:
  objectives:
    - {name: a, objective: 0.95, indicator: jobs}
    - {name: a, objective: 100%, indicator: availabilty}
    - {name: b, objective: 99%, indicator: waiting}
    - {name: c, objective: 99%, indicator: jobs, below: 5s, step: x}
    - {name: d, objective: 99%, period: 5m, indicator: runs, below: 5s}
`,
    want: [
      '3:28 error: monitoring.objectives[0].objective: "0.95" has no unit; expected a percentage such as 50% or 12.5% - did you mean "0.95%"?',
      '4:45 error: monitoring.objectives[1].indicator: "availabilty" cannot be used here; expected jobs, waiting, handoff, runs, availability - did you mean "availability"?',
    ],
  },
  'objectives that cannot be meant': {
    text: `monitoring:
  objectives:
    - {name: a, objective: 99%, indicator: jobs}
    - {name: a, objective: 100%, indicator: jobs}
    - {name: b, objective: 99%, indicator: waiting}
    - {name: c, objective: 99%, indicator: jobs, below: 5s, step: x}
    - {name: d, objective: 99%, period: 5m, indicator: runs, below: 5s}
`,
    want: [
      '4:14 error: monitoring.objectives[1].name: the objective in line 3 has this name, too',
      '4:28 error: monitoring.objectives[1].objective: nothing may ever be bad: there is no budget that could burn; expected less than 100%',
      '5:7 error: monitoring.objectives[2]: the key `below` is missing: what is good of `waiting` is a time; expected a span such as 5m',
      '6:50 error: monitoring.objectives[3].below: `jobs` has no time',
      '6:61 error: monitoring.objectives[3].step: `jobs` is of whole workloads',
      '7:41 error: monitoring.objectives[4].period: the period is out of range; expected from 1h to 90d',
    ],
  },
  'an objective that leaves so much room that its first alert cannot fire': {
    text: 'monitoring: {objectives: [{name: a, objective: 90%, indicator: jobs}]}\n',
    want: [
      '1:37 warning: monitoring.objectives[0].objective: with so much that may be bad, the budget never burns 14.4 times too fast: the alert of the shortest window cannot fire',
    ],
  },
  'bounds of KPIs that contradict their direction': {
    text: 'monitoring:\n  kpis:\n    mttr_minutes: {target: 60, critical: 15}\n    mtbf_hours: {target: 10, critical: 20}\n',
    want: [
      '3:42 error: monitoring.kpis.mttr_minutes.critical: of mttr_minutes, lower is better: the target 60 would be critical; expected more than the target',
      '4:40 error: monitoring.kpis.mtbf_hours.critical: of mtbf_hours, higher is better: the target 10 would be critical; expected less than the target',
    ],
  },
  'a KPI that there is not': {
    text: 'monitoring: {kpis: {mtbf_hour: {target: 1, critical: 2}}}\n',
    want: [
      '1:21 error: monitoring.kpis.mtbf_hour: unknown key "mtbf_hour" - did you mean "mtbf_hours"?',
    ],
  },
  'reports at no time, to no folder': {
    text: 'monitoring:\n  reports:\n    - {every: fortnight}\n    - {every: week, at: "25:00"}\n',
    want: [
      '3:15 error: monitoring.reports[0].every: "fortnight" cannot be used here; expected day, week, month, quarter, year',
      '4:25 error: monitoring.reports[1].at: "25:00" is not a time of day; expected 00:00 to 23:59',
    ],
  },
  'reports that cannot be meant': {
    text: 'monitoring:\n  reports:\n    - {every: month, on: monday}\n    - {every: week, to: reports}\n',
    want: [
      '3:22 error: monitoring.reports[0].on: a report of a month is made after its last day',
      '4:25 error: monitoring.reports[1].to: "reports" is no absolute folder; expected a path that begins with /, or a list for a program',
    ],
  },
};
for (const [sentence, { text, want }] of Object.entries(cases)) {
  test(sentence, () => assert.deepEqual(reported(text), want));
}

test('what is written is what is meant', () => {
  const parsed = parse(`monitoring:
  objectives:
    - {name: fast, objective: 99.95%, period: 7d, indicator: Handoff, below: 100ms, step: fit, queue: prod}
  kpis: {mttr_minutes: {target: 15, critical: 60}}
  reports:
    - {every: week, on: Friday, at: "18:30", to: [mail, ops]}
    - {every: quarter, to: /srv/reports}
`);
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.site.goals, {
    objectives: [
      {
        name: 'fast',
        target: 9_995,
        periodMs: 7 * 86_400_000,
        indicator: { kind: 'handoff', belowMs: 100 },
        only: { queue: 'prod', step: 'fit' },
      },
    ],
    kpis: { mttr_minutes: { target: 15, critical: 60 } },
    reports: [
      { every: 'week', atMinutes: 18 * 60 + 30, weekday: 5, to: { command: ['mail', 'ops'] } },
      { every: 'quarter', atMinutes: 360, weekday: 1, to: { folder: '/srv/reports' } },
    ],
  });
});

test('examples/objectives.yaml has templates for five stages and no warnings', () => {
  const file = new URL('../../examples/objectives.yaml', import.meta.url);
  const parsed = parse(readFileSync(file, 'utf8'));
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.warnings, []);
  const steps = parsed.site.goals?.objectives.flatMap(({ only }) => only.step ?? []);
  assert.deepEqual(steps, ['ingest', 'validate', 'features', 'train', 'deploy']);
  assert.equal(parsed.site.goals?.reports.length, 4);
});
