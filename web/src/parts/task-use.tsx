import { useState } from 'preact/hooks';
import type { AttemptDocument, WorkloadDocument } from '../../../src/api/contract/documents.ts';
import { counted, duration } from '../format.ts';
import { roundSpan } from '../kpi-words.ts';
import { cpuScale, type Scale, scaleOf, scaleOfUnit, windowReaching } from '../metrics.ts';
import type { PanelSpec } from '../panels.ts';
import { now } from '../server-time.ts';
import { Choice } from './choice.tsx';
import { HistoryPanels } from './history-panels.tsx';
import { Command } from './notes.tsx';

const QUARTER_MS = 900_000;
/** A line for each beyond this says nothing any more. */
const TASKS_MAX = 12;
/** A short life may be a small part of the window that reaches back to it. */
const POINTS_OF_LIFE = 1_000;

const bytesPerSecond: Scale = scaleOf({ name: 'x_bytes_per_second', unit: 'bytes' });
const ratio = scaleOfUnit('ratio');
const bytes = scaleOfUnit('bytes');

type Extent = 'this task' | 'all tasks';

/** What an attempt uses of what it holds, over its life; or all tasks of its workload side by side. */
export function TaskUse({
  document,
  attempt,
}: {
  readonly document: WorkloadDocument;
  readonly attempt: AttemptDocument;
}) {
  const [extent, choose] = useState<Extent>('this task');
  const [recent, chooseRecent] = useState(true);
  const tasks = document.steps.reduce((sum, { tasks }) => sum + tasks.total, 0);
  const of = tasks > 1 ? extent : 'this task';
  const from = of === 'this task' ? attempt.started_at : document.workload.started_at;
  const to = of === 'this task' ? attempt.ended_at : document.workload.ended_at;
  if (from === null) return null;
  const age = now.value - from;
  const isLong = to === null && age > QUARTER_MS;
  const span =
    isLong && recent
      ? { windowMs: QUARTER_MS }
      : { windowMs: windowReaching(age), from, to: to ?? undefined, points: POINTS_OF_LIFE };
  const label = of === 'this task' ? `attempt=${attempt.id}` : `workload=${document.id}`;
  const specs = of === 'this task' ? specsOfAttempt(attempt) : specsOfAll(document.id);
  return (
    <section class="part" aria-label="Use">
      <header class="section-head">
        <h2>Use</h2>
        {of === 'this task' ? (
          <code>{attempt.id}</code>
        ) : (
          <span class="muted">up to {TASKS_MAX} tasks, those that used most</span>
        )}
        {isLong && (
          <Choice
            label="Time range"
            options={['15 min', 'all of it']}
            chosen={recent ? '15 min' : 'all of it'}
            onChoose={(range) => chooseRecent(range === '15 min')}
          />
        )}
        {tasks > 1 && (
          <Choice<Extent>
            label="Tasks"
            options={['this task', 'all tasks']}
            chosen={extent}
            onChoose={choose}
          />
        )}
        <Command
          text={`berth metrics history berth_task_cpu_ratio --label ${label} --since ${roundSpan(span.windowMs)}`}
        />
      </header>
      <HistoryPanels
        key={`${of} ${attempt.id} ${span.windowMs}`}
        specs={specs}
        span={span}
        empty={emptySentence(document, attempt, of)}
      />
    </section>
  );
}

/** Nothing was measured: why that may be, as far as it can be told. */
function emptySentence(
  { steps }: WorkloadDocument,
  { started_at, ended_at, cached_from }: AttemptDocument,
  of: Extent,
): string {
  if (of === 'all tasks') {
    const count = steps.flatMap(({ attempts }) => attempts).length;
    return `Nothing was measured of its ${counted(count, 'attempt')}.`;
  }
  if (cached_from !== undefined) return 'Nothing ran: the result came from the cache.';
  if (ended_at === null) return 'Nothing is measured yet; the first sample comes within seconds.';
  return `Nothing was measured in the ${duration(ended_at - (started_at ?? ended_at))} that it ran.`;
}

function specsOfAttempt({ id, gpus }: AttemptDocument): readonly PanelSpec[] {
  const labels = { attempt: id };
  const waits = (resource: string, colour: string, name = resource) =>
    ({
      name,
      colour,
      kind: 'line',
      metric: 'berth_task_pressure_waiting_ratio',
      labels: { ...labels, resource },
    }) as const;
  const one = (
    name: string,
    colour: string,
    kind: 'used' | 'requested' | 'limit' | 'line',
    metric: string,
  ) => ({
    name,
    colour,
    kind,
    metric,
    labels,
  });
  const devices = gpus.map((gpu) => ({ gpu }));
  return [
    {
      title: 'CPU',
      source: 'CPUs used: measured by its cgroup. Held: what it asked for.',
      scale: cpuScale,
      drawn: [
        one('used', 'cpu', 'used', 'berth_task_cpu_ratio'),
        one('held', 'cpu', 'requested', 'berth_task_cpu_held'),
      ],
    },
    {
      title: 'Memory',
      source: 'Measured by its cgroup; the limit is what it may use before it is killed.',
      scale: bytes,
      drawn: [
        one('used', 'memory', 'used', 'berth_task_memory_bytes'),
        one('limit', 'plot-limit', 'limit', 'berth_task_memory_limit_bytes'),
      ],
    },
    {
      title: 'Pressure',
      source:
        'Share of time in which one of its processes waited for the resource (PSI of its cgroup).',
      scale: ratio,
      drawn: [waits('cpu', 'cpu'), waits('memory', 'memory'), waits('io', 'io', 'i/o')],
    },
    {
      title: 'I/O',
      source: 'Read from and written to disks: measured by its cgroup.',
      scale: bytesPerSecond,
      drawn: [
        one('read', 'io', 'used', 'berth_task_read_bytes_per_second'),
        one('written', 'io', 'requested', 'berth_task_written_bytes_per_second'),
      ],
    },
    ...(devices.length === 0
      ? []
      : [
          {
            title: 'GPU',
            source:
              'Time in which a kernel ran on the GPUs that it holds: told by the driver, of all who share them.',
            scale: ratio,
            top: 1,
            drawn: devices.map((labels, i) => ({
              name: devices.length === 1 ? 'busy' : `GPU ${i}`,
              colour: 'gpu',
              kind: devices.length === 1 ? ('used' as const) : ('line' as const),
              metric: 'berth_gpu_busy_ratio',
              labels,
            })),
          },
          {
            title: 'GPU memory',
            source: 'In use on the GPUs that it holds: told by the driver, of all who share them.',
            scale: bytes,
            drawn: devices.map((labels, i) => ({
              name: devices.length === 1 ? 'used' : `GPU ${i}`,
              colour: 'gpu',
              kind: devices.length === 1 ? ('used' as const) : ('line' as const),
              metric: 'berth_gpu_memory_used_bytes',
              labels,
            })),
          },
        ]),
  ];
}

function specsOfAll(workload: string): readonly PanelSpec[] {
  const of = (
    title: string,
    source: string,
    scale: Scale,
    colour: string,
    metric: string,
    more: Readonly<Record<string, string>> = {},
  ): PanelSpec => ({
    title,
    source,
    scale,
    drawn: [
      { name: title, colour, kind: 'line', metric, labels: { workload, ...more }, each: TASKS_MAX },
    ],
  });
  return [
    of('CPU', 'CPUs used, by task.', cpuScale, 'cpu', 'berth_task_cpu_ratio'),
    of('Memory', 'Memory in use, by task.', bytes, 'memory', 'berth_task_memory_bytes'),
    of(
      'Read',
      'Read from disks, by task.',
      bytesPerSecond,
      'io',
      'berth_task_read_bytes_per_second',
    ),
    of(
      'Waits for CPU',
      'Share of time in which one of its processes waited for a CPU (PSI), by task.',
      ratio,
      'cpu',
      'berth_task_pressure_waiting_ratio',
      { resource: 'cpu' },
    ),
    of(
      'Waits for I/O',
      'Share of time in which one of its processes waited for a disk (PSI), by task.',
      ratio,
      'io',
      'berth_task_pressure_waiting_ratio',
      { resource: 'io' },
    ),
  ];
}
