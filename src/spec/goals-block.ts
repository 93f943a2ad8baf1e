import { z } from 'zod';
import type { BasisPoints, SpanMs } from '../base/units.ts';
import {
  type Goals,
  type Indicator,
  type KpiBounds,
  type KpiName,
  kpiNames,
  type Objective,
  type ReportSchedule,
  reportPeriods,
} from '../model/objective.ts';
import { oneOf, quantity, text } from './fields.ts';
import type { Path } from './issue.ts';
import { parseClockTime, parsePercent, parseSpan, shown } from './quantities.ts';
import { queueName, spanForm, tenantName } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

/** What a site wants to reach, and when it is told: the part of `monitoring` that documents of workloads have not. */

const PERIOD_MIN_MS = 3_600_000;
const PERIOD_MAX_MS = 90 * 86_400_000;
const DEFAULT_PERIOD_MS = 30 * 86_400_000;
const OBJECTIVES_MAX = 64;
const REPORTS_MAX = 32;
const DEFAULT_AT = 6 * 60;

const indicatorKinds = ['jobs', 'waiting', 'handoff', 'runs', 'availability'] as const;
const timed: readonly string[] = ['waiting', 'handoff', 'runs'];

const name = (description: string) => text({ description, max: 128, filled: true, oneLine: true });

const objectiveSchema = z
  .strictObject({
    name: name('Unique; metrics have it as the label `objective`.'),
    objective: quantity(parsePercent, {
      description: 'The share that is to be good.',
      form: 'percentage such as 99.5%',
      positive: true,
      finite: true,
    }),
    period: quantity(parseSpan, {
      description: 'Rolling; from an hour to 90 days. Windows of alerts are parts of it.',
      form: spanForm,
      finite: true,
      default: '30d',
    }).optional(),
    indicator: oneOf(indicatorKinds, {
      description:
        '`jobs` that succeed, of those that end by themselves; tasks `waiting`, or at a `handoff` from one step to the next, no longer than `below`; `runs` of steps that succeed within `below`; `availability` of services: time with a replica that is ready.',
    }),
    below: quantity(parseSpan, {
      description: 'Of `waiting`, `handoff` and `runs`: the longest time that is good.',
      form: spanForm,
      finite: true,
    }).optional(),
    queue: queueName.meta({ description: 'Of this queue only.' }).optional(),
    tenant: tenantName.meta({ description: 'Of this user only.' }).optional(),
    workload: name('Of workloads of this name only.').optional(),
    step: name('Of this step only; not with `jobs` and `availability`.').optional(),
  })
  .meta({
    description: 'A share that is to be good over a period, and how fast its budget burns.',
  });

const kpiSchema = (description: string) =>
  z
    .strictObject({
      target: z.number().meta({ description: 'From here on it is good.' }),
      critical: z.number().meta({ description: 'Beyond this it is critical.' }),
    })
    .meta({ description })
    .optional();

const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

const argument = text({ description: 'An argument.', max: 4096 });
const reportSchema = z
  .strictObject({
    every: oneOf(reportPeriods, {
      description:
        'At the end of each day, week, month, quarter or year: a report of that time. One that was missed is made once when the daemon is there again.',
    }),
    at: z
      .string()
      .transform((written, context): number => {
        const parsed = parseClockTime(written);
        if (parsed.ok) return parsed.value;
        const { message, expected } = parsed;
        context.addIssue({ code: 'custom', message, params: { expected } });
        return z.NEVER;
      })
      .meta({
        description: 'When, by the clock of the site.',
        title: 'time of day such as 06:00',
        default: '06:00',
      })
      .optional(),
    on: oneOf(weekdays, {
      description: 'Of a week: on which day.',
      default: 'monday',
    }).optional(),
    to: z
      .union(
        [
          text({ description: 'A folder.', max: 4096, filled: true, oneLine: true }),
          z.array(argument).min(1).max(64),
        ],
        { error: 'an absolute folder, or a program with its arguments as a list' },
      )
      .meta({
        description:
          'Beside STATE/reports, where each is kept: an absolute folder, or a program as a list of arguments. The HTML file and the JSON file are its last two arguments.',
        title: 'folder, or [program, argument, …]',
      })
      .optional(),
  })
  .meta({ description: 'Reports that are made by themselves.' });

/** Beside what documents of workloads have in `monitoring`. */
export const goalsShape = {
  objectives: z
    .array(objectiveSchema)
    .max(OBJECTIVES_MAX)
    .meta({
      description:
        'Objectives of service (SLOs). `berth kpi` shows what is left of their budgets; metrics `berth_objective_…` are for alerts.',
    })
    .optional(),
  kpis: z
    .strictObject({
      cluster_utilization: kpiSchema('Mean busy share of CPUs and GPUs, 0 to 1; higher is better.'),
      inference_latency_p99: kpiSchema('Milliseconds; lower is better.'),
      training_job_success_rate: kpiSchema(
        'Share of jobs and pipelines, 0 to 1; higher is better.',
      ),
      cost_per_inference: kpiSchema('Dollars; lower is better.'),
      mtbf_hours: kpiSchema('Hours between failures of the fleet; higher is better.'),
      mttr_minutes: kpiSchema('Minutes from failing to working again; lower is better.'),
    })
    .meta({ description: 'Other bounds than those that `berth kpi` has by itself.' })
    .optional(),
  reports: z
    .array(reportSchema)
    .max(REPORTS_MAX)
    .meta({
      description: 'When reports are made. `berth report list` shows them.',
    })
    .optional(),
};

const goalsSchema = z.strictObject(goalsShape);
type GoalsBlock = z.output<typeof goalsSchema>;

const better: Readonly<Record<KpiName, 'higher' | 'lower'>> = {
  cluster_utilization: 'higher',
  inference_latency_p99: 'lower',
  training_job_success_rate: 'higher',
  cost_per_inference: 'lower',
  mtbf_hours: 'higher',
  mttr_minutes: 'lower',
};

export function readGoals(reading: SiteReading, block: GoalsBlock | undefined): Goals {
  const { objectives = [], kpis = {}, reports = [] } = block ?? {};
  return {
    objectives: readObjectives(reading, objectives),
    kpis: readKpis(reading, kpis),
    reports: reports.map((report, i) => readReport(reading, report, i)),
  };
}

function readObjectives(
  reading: SiteReading,
  blocks: readonly z.output<typeof objectiveSchema>[],
): Objective[] {
  const named = new Map<string, Path>();
  return blocks.map((block, i) => {
    const path = ['monitoring', 'objectives', i];
    const first = named.get(block.name);
    if (first === undefined) named.set(block.name, [...path, 'name']);
    else {
      const message = `the objective in line ${reading.line(first)} has this name, too`;
      reading.error([...path, 'name'], message);
    }
    const periodMs = block.period ?? (DEFAULT_PERIOD_MS as SpanMs);
    if (periodMs < PERIOD_MIN_MS || periodMs > PERIOD_MAX_MS) {
      const expected = 'from 1h to 90d';
      reading.error([...path, 'period'], 'the period is out of range', { expected });
    }
    checkShare(reading, [...path, 'objective'], block.objective);
    const { queue, tenant, workload, step } = block;
    return {
      name: block.name,
      target: block.objective,
      periodMs,
      indicator: indicatorOf(reading, block, path),
      only: {
        ...(queue !== undefined && { queue }),
        ...(tenant !== undefined && { tenant }),
        ...(workload !== undefined && { workload }),
        ...(step !== undefined && { step }),
      },
    };
  });
}

/** At the fastest, the budget burns 1 / (1 − objective) times too fast; the first alert asks for 14.4 times. */
const FASTEST_ALERT = 14.4;

function checkShare(reading: SiteReading, path: Path, share: BasisPoints): void {
  if (share >= 10_000) {
    const message = 'nothing may ever be bad: there is no budget that could burn';
    reading.error(path, message, { expected: 'less than 100%' });
  } else if (1 / (1 - share / 10_000) <= FASTEST_ALERT) {
    reading.warn(
      path,
      `with so much that may be bad, the budget never burns ${FASTEST_ALERT} times too fast: the alert of the shortest window cannot fire`,
    );
  }
}

function indicatorOf(
  reading: SiteReading,
  { indicator, below, step }: z.output<typeof objectiveSchema>,
  path: Path,
): Indicator {
  if (!timed.includes(indicator)) {
    if (below !== undefined) {
      reading.error([...path, 'below'], `\`${indicator}\` has no time`, { at: 'key' });
    }
    if (step !== undefined) {
      reading.error([...path, 'step'], `\`${indicator}\` is of whole workloads`, { at: 'key' });
    }
    return { kind: indicator as 'jobs' | 'availability' };
  }
  if (below === undefined) {
    const message = `the key \`below\` is missing: what is good of \`${indicator}\` is a time`;
    reading.error(path, message, { expected: 'a span such as 5m' });
  }
  return {
    kind: indicator as 'waiting' | 'handoff' | 'runs',
    belowMs: below ?? (0 as SpanMs),
  };
}

function readKpis(reading: SiteReading, kpis: NonNullable<GoalsBlock['kpis']>): Goals['kpis'] {
  const read: Partial<Record<KpiName, KpiBounds>> = {};
  for (const kpi of kpiNames) {
    const bounds = kpis[kpi];
    if (bounds === undefined) continue;
    const { target, critical } = bounds;
    const sign = better[kpi] === 'higher' ? 1 : -1;
    if (sign * target < sign * critical) {
      const which = better[kpi] === 'higher' ? 'less' : 'more';
      const message = `of ${kpi}, ${better[kpi]} is better: the target ${target} would be critical`;
      const path = ['monitoring', 'kpis', kpi, 'critical'];
      reading.error(path, message, { expected: `${which} than the target` });
    }
    read[kpi] = bounds;
  }
  return read;
}

function readReport(
  reading: SiteReading,
  block: z.output<typeof reportSchema>,
  index: number,
): ReportSchedule {
  const path = ['monitoring', 'reports', index];
  const { every, at = DEFAULT_AT, on, to } = block;
  if (on !== undefined && every !== 'week') {
    const message = `a report of a ${every} is made after its last day`;
    reading.error([...path, 'on'], message, { at: 'key' });
  }
  if (typeof to === 'string' && !to.startsWith('/')) {
    reading.error([...path, 'to'], `${shown(to)} is no absolute folder`, {
      expected: 'a path that begins with /, or a list for a program',
    });
  }
  return {
    every,
    atMinutes: at,
    weekday: on === undefined ? 1 : weekdays.indexOf(on) + 1,
    ...(to !== undefined && {
      to: typeof to === 'string' ? { folder: to } : { command: to },
    }),
  };
}
