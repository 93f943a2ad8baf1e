import type { Facts } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { attemptParty } from '../parties.ts';
import { cores, ranked, watch } from '../remedies.ts';
import { type DoctorFinding, percent, ratioOf, type Verdict } from '../report.ts';
import {
  type MetricWindow,
  sinceWhen,
  TASK_SAMPLES_MIN,
  taskMeanWithin,
  worstStretch,
} from '../window.ts';

const NAME = 'berth_task_throttled_ratio';
const THROTTLED_MIN = 0.2;
/** The limit does what it was set for: it is told, and nobody is alarmed. */
const SCORE_MAX = 0.59;

/** Tasks that their own CPU limit holds back. That is no contention: nobody else has what they lack. */
export function cpuLimitRule(window: MetricWindow, facts: Facts): Verdict {
  const tasks = new Map(facts.tasks.map((task) => [task.attempt, task]));
  const findings = window.all(NAME).flatMap((series): DoctorFinding[] => {
    const task = tasks.get(series.labels['attempt'] ?? '');
    const stretch = worstStretch(series.points, window.stretchMs, window.to, TASK_SAMPLES_MIN);
    if (task === undefined || stretch === undefined || stretch.mean < THROTTLED_MIN) return [];
    const used = window.one('berth_task_cpu_ratio', { attempt: task.attempt });
    const use = used && taskMeanWithin(used.points, stretch);
    const limit = task.cpuLimit;
    const more = limit === undefined ? undefined : limit * (1 + Math.min(1, stretch.mean));
    return [
      makeFinding({
        id: `cpu-limit:${task.attempt}`,
        kind: 'cpu-limit',
        resource: 'cpu',
        score: Math.min(SCORE_MAX, stretch.mean),
        sentence: `${task.attempt} is held back by its own limit${limit === undefined ? '' : ` of ${cores(limit)} CPUs`}, ${percent(ratioOf(stretch.mean))} of the time; nobody else takes it away.`,
        since: sinceWhen(series.points, stretch, THROTTLED_MIN),
        evidence: [
          {
            name: NAME,
            labels: series.labels,
            unit: 'ratio',
            value: stretch.mean,
            threshold: THROTTLED_MIN,
            sentence: 'Seconds in a second for which its CPU limit kept it back',
          },
          {
            name: 'berth_task_cpu_ratio',
            labels: series.labels,
            unit: 'ratio',
            value: use,
            threshold: limit,
            sentence: 'CPUs that it used',
          },
        ],
        sufferers: [
          {
            ...attemptParty(task, ratioOf(stretch.mean)),
            sentence: `was held back by its own limit ${percent(ratioOf(stretch.mean))} of its time`,
          },
        ],
        remedies: ranked([
          {
            force: 'prevent',
            remedy: raise(task.workload, task.step, more),
          },
          {
            force: 'gradual',
            remedy: raise(task.workload, task.step, more),
          },
          watch(NAME),
        ]),
      }),
    ];
  });
  return { findings, looked: [] };
}

const raise = (workload: string, step: string, to: number | undefined) => ({
  title: to === undefined ? 'Raise its limit' : `Let it use ${cores(to)} CPUs`,
  why: 'It could use more than it may.',
  risk: 'low' as const,
  effect: 'It becomes faster as far as its node has room; others lose nothing that they hold.',
  command:
    to === undefined ? undefined : `berth adjust ${workload} --step ${step} --cpu ${cores(to)}`,
});
