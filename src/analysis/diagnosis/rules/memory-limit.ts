import { formatBytes } from '../../../base/format.ts';
import type { Facts } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { attemptParty } from '../parties.ts';
import { endingTask, ranked, watch } from '../remedies.ts';
import { type DoctorFinding, percent, type Verdict } from '../report.ts';
import {
  type MetricWindow,
  sinceWhen,
  TASK_SAMPLES_MIN,
  taskMeanWithin,
  worstStretch,
} from '../window.ts';

const PRESSURE = 'berth_task_pressure_waiting_ratio';
const WAITING_MIN = 0.1;
/** Page cache fills a limit as well, so fullness alone is no trouble; waiting with room left is not its limit's. */
const FULL_MIN = 0.85;

/** Tasks that wait for memory because their own limit is full: they read back what they had to give away. */
export function memoryLimitRule(window: MetricWindow, facts: Facts): Verdict {
  const tasks = new Map(facts.tasks.map((task) => [task.attempt, task]));
  const findings = window
    .all(PRESSURE, { resource: 'memory' })
    .flatMap((series): DoctorFinding[] => {
      const task = tasks.get(series.labels['attempt'] ?? '');
      const stretch = worstStretch(series.points, window.stretchMs, window.to, TASK_SAMPLES_MIN);
      if (task === undefined || stretch === undefined || stretch.mean < WAITING_MIN) return [];
      const of = { attempt: task.attempt };
      const used = taskMeanWithin(window.one('berth_task_memory_bytes', of)?.points ?? [], stretch);
      const limit = task.memoryLimitBytes ?? window.last('berth_task_memory_limit_bytes', of);
      if (used === undefined || limit === undefined || used < limit * FULL_MIN) return [];
      const faults = window.mean('berth_task_major_faults_per_second', of, stretch);
      const again =
        faults === undefined || faults < 1
          ? ''
          : `, with ${Math.round(faults)} faults a second that need a disk`;
      const more = Math.ceil((limit * 2) / 1024 ** 2);
      const larger = {
        title: `Let it have ${formatBytes(more * 1024 ** 2)}`,
        why: 'It works on more than its limit holds, and reads the rest again and again.',
        risk: 'low' as const,
        effect: 'It no longer waits once what it works on fits; less is left for others.',
        command: `berth adjust ${task.workload} --step ${task.step} --memory ${more}Mi`,
      };
      const sentence = `${task.attempt} waits for memory ${percent(stretch.mean)} of its time: its own limit of ${formatBytes(limit)} is ${percent(used / limit)} full${again}.`;
      return [
        makeFinding({
          id: `memory-limit:${task.attempt}`,
          kind: 'memory-limit',
          resource: 'memory',
          score: stretch.mean,
          sentence,
          since: sinceWhen(series.points, stretch, WAITING_MIN),
          evidence: [
            {
              name: PRESSURE,
              labels: series.labels,
              unit: 'ratio',
              value: stretch.mean,
              threshold: WAITING_MIN,
              sentence: 'Share of its time in which it waited for memory (PSI some)',
            },
            {
              name: 'berth_task_memory_bytes',
              labels: of,
              unit: 'bytes',
              value: used,
              threshold: limit,
              sentence: 'Memory that it uses, and its limit',
            },
          ],
          culprits: [
            {
              ...attemptParty(task, 1),
              sentence: `uses ${formatBytes(Math.round(used))} and may use ${formatBytes(limit)}`,
            },
          ],
          sufferers: [
            {
              ...attemptParty(task, stretch.mean),
              sentence: `waited for memory ${percent(stretch.mean)} of its time`,
            },
          ],
          remedies: ranked([
            { force: 'reallocate', remedy: larger },
            ...endingTask({ task, used, held: task.memoryHeldBytes }),
            watch(PRESSURE),
          ]),
        }),
      ];
    });
  return { findings, looked: [] };
}
