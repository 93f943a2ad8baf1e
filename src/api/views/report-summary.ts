import { formatDollars, formatSpan } from '../../base/format.ts';
import type { ReportDocument } from '../contract/report-documents.ts';
import type { KpiList } from '../contract/telemetry-documents.ts';

/** What is told first, and what is advised, from all that the report has otherwise. */
type Facts = Omit<ReportDocument, 'summary' | 'recommendations'>;
type Recommendation = ReportDocument['recommendations'][number];

export function summaryOf(facts: Facts): ReportDocument['summary'] {
  return { state: stateOf(facts), sentences: sentencesOf(facts) };
}

/** As bad as the worst of what is known. */
function stateOf({
  kpis,
  objectives,
  alerts,
  findings,
}: Facts): ReportDocument['summary']['state'] {
  const firing = (alerts ?? []).filter(({ state }) => state === 'firing');
  const worst = [
    ...kpis.map(({ status }) => status),
    ...objectives.map(stateOfObjective),
    ...firing.map(({ severity }) => (severity === 'critical' ? 'critical' : 'warning')),
    ...(findings ?? []).map(({ severity }) => (severity === 'critical' ? 'critical' : 'warning')),
  ];
  for (const state of ['critical', 'warning', 'good'] as const) {
    if (worst.includes(state)) return state;
  }
  return 'unknown';
}

function stateOfObjective(
  objective: KpiList['objectives'][number],
): 'good' | 'warning' | 'critical' | 'unknown' {
  const firing = objective.windows.filter(({ fires }) => fires);
  if (objective.budget_left === null) return 'unknown';
  if (objective.budget_left < 0 || firing.some(({ severity }) => severity === 'critical')) {
    return 'critical';
  }
  return firing.length > 0 ? 'warning' : 'good';
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

function sentencesOf(facts: Facts): string[] {
  const { workloads, failures, waiting, cost, reliability, alerts, findings, objectives } = facts;
  const ended = workloads.succeeded + workloads.failed + workloads.cancelled;
  const [worst] = failures;
  const { fleet } = reliability;
  const overspent = objectives.filter(({ budget_left: left }) => left !== null && left < 0);
  return [
    ended === 0
      ? `No workload ended; ${workloads.running} run and ${workloads.waiting} wait now.`
      : `${count(ended, 'workload')} ended: ${workloads.succeeded} succeeded, ${workloads.failed} failed, ${workloads.cancelled} were cancelled; ${workloads.running} run and ${workloads.waiting} wait now.`,
    ...(worst === undefined
      ? []
      : [
          `${count(sum(failures.map((one) => one.attempts)), 'attempt')} failed, most of them (${worst.attempts}) by \`${worst.cause}\`.`,
        ]),
    ...(waiting.p95_ms === null
      ? []
      : [
          `Of ${count(waiting.tasks, 'task')} half waited ${formatSpan(waiting.p50_ms ?? 0)} or less, and 95 % no longer than ${formatSpan(waiting.p95_ms)}.`,
        ]),
    cost.unpriced > 0 && cost.total === 0
      ? 'What it cost is not known: nothing of it has a price.'
      : `It cost ${formatDollars(cost.total)}${cost.unpriced > 0 ? `, and ${count(cost.unpriced, 'attempt or call', 'attempts and calls')} held something without a known price` : ''}.`,
    fleet.up_hours + fleet.down_hours === 0
      ? 'No node and no service was seen.'
      : `${count(fleet.failures, 'incident')} of nodes and services.`,
    ...overspent.map(({ name }) => `The budget of the objective \`${name}\` is overspent.`),
    ...(alerts === null
      ? []
      : [`${count(alerts.filter(({ state }) => state === 'firing').length, 'alert')} firing.`]),
    ...(findings ?? []).slice(0, 3).map(({ sentence }) => sentence),
  ];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

interface Suggested {
  readonly description: string;
  readonly evidence: string;
  readonly formula: string;
  readonly monthly_saving: number | null;
}

const RECOMMENDED_MAX = 30;
/** A cause that is so much of all failures is looked at first. */
const MOST = 0.5;
const FAILURES_MIN = 3;

/** What is wrong first, then what saves. */
export function recommendationsOf(
  facts: Facts,
  suggestions: readonly Suggested[],
): ReportDocument['recommendations'] {
  return [
    ...ofFindings(facts),
    ...ofObjectives(facts),
    ...ofFailures(facts),
    ...ofKpis(facts),
    ...suggestions.map(
      (one): Recommendation => ({
        source: 'usage',
        title: one.description,
        why: `${one.evidence} Saving: ${one.formula}.`,
        monthly_saving: one.monthly_saving,
        command: null,
      }),
    ),
  ].slice(0, RECOMMENDED_MAX);
}

const ofFindings = ({ findings }: Facts): Recommendation[] =>
  (findings ?? []).flatMap(({ sentence, remedies }) =>
    remedies.slice(0, 1).map(({ title, why, command }) => ({
      source: 'finding' as const,
      title,
      why: `${sentence} ${why}`,
      monthly_saving: null,
      command,
    })),
  );

const ofObjectives = ({ objectives }: Facts): Recommendation[] =>
  objectives.flatMap(({ name, windows, bad, counted }) => {
    const [first] = windows.filter(({ fires }) => fires);
    if (first === undefined) return [];
    const burns = Math.round((first.burn_long ?? 0) * 10) / 10;
    return [
      {
        source: 'objective' as const,
        title: `Look at the objective \`${name}\`: its budget burns ${burns} times too fast.`,
        why: `That over ${formatSpan(first.long_ms)}. In its whole period ${count(bad, counted.slice(0, -1))} counted as bad.`,
        monthly_saving: null,
        command: 'berth kpi',
      },
    ];
  });

function ofFailures({ failures }: Facts): Recommendation[] {
  const all = sum(failures.map(({ attempts }) => attempts));
  const [first] = failures;
  if (first === undefined || first.attempts < FAILURES_MIN || first.attempts < all * MOST)
    return [];
  return [
    {
      source: 'failure',
      title: `Look at the attempts that ended by \`${first.cause}\`.`,
      why: `They are ${first.attempts} of ${all} that failed; ${first.example} is the newest.`,
      monthly_saving: null,
      command: `berth logs ${first.example.split('.')[0]}`,
    },
  ];
}

const ofKpis = ({ kpis }: Facts): Recommendation[] =>
  kpis
    .filter(({ status }) => status === 'critical')
    .map(({ name, title, sentence, target, better }) => ({
      source: 'kpi' as const,
      title: `${title} is critical: the target is ${target} or ${better}.`,
      why: sentence,
      monthly_saving: null,
      command: name === 'cluster_utilization' ? 'berth queue' : 'berth kpi',
    }));
