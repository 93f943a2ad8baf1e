import { formatBytes } from '../../../base/format.ts';
import type { Facts } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import {
  byAttempt,
  culpritsOf,
  type Outside,
  sufferersOf,
  type TaskUse,
  usesOf,
  waitsOf,
} from '../parties.ts';
import { endingTask, type Possible, ranked, watch } from '../remedies.ts';
import {
  type DoctorFinding,
  type Looked,
  milliseconds,
  percent,
  ratioOf,
  type Verdict,
} from '../report.ts';
import { type Interval, type MetricWindow, meanWithin, sinceWhen } from '../window.ts';

const PRESSURE = 'berth_node_pressure_waiting_ratio';
const BUSY = 'berth_node_disk_busy_ratio';
const WAITING_MIN = 0.2;
const BUSY_MIN = 0.9;
/** Whoever waits for a disk that is idle half of the time waits for himself. */
const BUSY_TO_WAIT_FOR = 0.5;
/** Requests that wait at once; below that a busy disk keeps up. */
const QUEUE_MIN = 2;
/** Without PSI nobody knows who waits: no more than moderate. */
const SCORE_WITHOUT_PSI = 0.5;

interface Disk {
  readonly device: string;
  readonly busy: number;
  readonly queue: number | undefined;
  readonly latencyMs: number | undefined;
  readonly bytesPerSecond: number;
}

/** Each disk by busy time, queue and latency; and who waits for which of them. */
export function ioRule(window: MetricWindow, facts: Facts): Verdict {
  const waiting = window.mean(PRESSURE, { resource: 'io' });
  const finding = contention(window, facts);
  const looked = disksOf(window, window).map(
    ({ device, busy, queue, latencyMs }): Looked => ({
      resource: `io ${device}`,
      utilisation: busy,
      saturation: queue,
      errors: undefined,
      sentence: `${device} was busy ${percent(busy)} of the time${queue === undefined ? '' : `, ${Number(queue.toFixed(1))} requests at once`}${latencyMs === undefined ? '' : `, each ${milliseconds(latencyMs)}`}.`,
    }),
  );
  const all: Looked = {
    resource: 'io',
    utilisation: undefined,
    saturation: waiting,
    errors: undefined,
    sentence:
      waiting === undefined
        ? 'Whether anything waits for a disk is not measured (no PSI).'
        : `Something waited for a disk ${percent(waiting)} of the time.`,
  };
  return { findings: finding === undefined ? [] : [finding], looked: [all, ...looked] };
}

function contention(window: MetricWindow, facts: Facts): DoctorFinding | undefined {
  const labels = { resource: 'io' };
  const stretch = window.worst(PRESSURE, labels) ?? busiest(window);
  if (stretch === undefined) return undefined;
  const waiting = window.mean(PRESSURE, labels, stretch);
  const [disk] = disksOf(window, stretch);
  const isFull = disk !== undefined && disk.busy >= BUSY_MIN && (disk.queue ?? 0) >= QUEUE_MIN;
  const score = waiting ?? (isFull ? SCORE_WITHOUT_PSI : 0);
  if (score < WAITING_MIN || (disk !== undefined && disk.busy < BUSY_TO_WAIT_FOR)) return undefined;
  const uses = diskUses(window, facts, stretch);
  const mine = uses.reduce((sum, { used }) => sum + used, 0);
  const total = Math.max(
    mine,
    disksOf(window, stretch).reduce((sum, one) => sum + one.bytesPerSecond, 0),
  );
  const culprits = culpritsOf(uses, {
    total,
    format: (amount) => `${formatBytes(Math.round(amount))}/s`,
    outside: outsiders(facts, total - mine),
  });
  const sufferers = sufferersOf(waitsOf(window, facts, 'io', stretch), culprits.parties, 'a disk');
  const [first] = culprits.parties;
  const who = first === undefined ? '' : ` Most of it: ${first.id} ${first.sentence}.`;
  const where = disk === undefined ? 'a disk' : disk.device;
  const pace =
    disk === undefined
      ? ''
      : ` while ${disk.device} was busy ${percent(disk.busy)}${disk.latencyMs === undefined ? '' : ` with ${milliseconds(disk.latencyMs)} for each request`}`;
  const series = window.one(PRESSURE, labels);
  return makeFinding({
    id: `io-contention:${where}`,
    kind: 'io-contention',
    resource: 'io',
    score,
    sentence: `Tasks compete for ${where}: something waited for it ${percent(ratioOf(waiting ?? score))} of the time${pace}.${who}`,
    since: series === undefined ? stretch.from : sinceWhen(series.points, stretch, WAITING_MIN),
    evidence: [
      {
        name: PRESSURE,
        labels,
        unit: 'ratio',
        value: waiting,
        threshold: WAITING_MIN,
        sentence: 'Share of the time in which something waited for a disk (PSI some)',
      },
      ...(disk === undefined
        ? []
        : [
            {
              name: BUSY,
              labels: { device: disk.device },
              unit: 'ratio' as const,
              value: disk.busy,
              threshold: BUSY_MIN,
              sentence: 'Share of the time in which the disk had something to do',
            },
          ]),
    ],
    culprits: culprits.parties,
    sufferers,
    remedies: ranked(ioRemedies(culprits.tasks)),
  });
}

function outsiders(facts: Facts, used: number): readonly Outside[] {
  const seen = facts.look.disks
    .filter(({ attempt }) => attempt === undefined)
    .map(({ pid, command, bytesPerSecond }): Outside => {
      return { kind: 'process', id: String(pid), what: command, used: bytesPerSecond };
    });
  const rest = used - seen.reduce((sum, one) => sum + one.used, 0);
  return [...seen, { kind: 'cgroup', id: facts.others, what: undefined, used: rest }];
}

/** The busiest stretch of any disk, for hosts without PSI. */
function busiest(window: MetricWindow): Interval | undefined {
  return window
    .all(BUSY)
    .map(({ labels }) => window.worst(BUSY, labels))
    .filter((one) => one !== undefined)
    .toSorted((a, b) => b.mean - a.mean)[0];
}

/** The busiest first. */
function disksOf(window: MetricWindow, within: Interval): readonly Disk[] {
  return window
    .all(BUSY)
    .flatMap(({ labels, points }): Disk[] => {
      const device = labels['device'];
      const busy = meanWithin(points, within);
      if (device === undefined || busy === undefined) return [];
      const of = (name: string): number | undefined => window.mean(name, { device }, within);
      const requests =
        (of('berth_node_disk_reads_per_second') ?? 0) +
        (of('berth_node_disk_writes_per_second') ?? 0);
      const spent =
        (of('berth_node_disk_read_time_ratio') ?? 0) +
        (of('berth_node_disk_write_time_ratio') ?? 0);
      return [
        {
          device,
          busy: ratioOf(busy),
          queue: of('berth_node_disk_queue_ratio'),
          latencyMs: requests > 0 ? (spent / requests) * 1_000 : undefined,
          bytesPerSecond:
            (of('berth_node_disk_read_bytes_per_second') ?? 0) +
            (of('berth_node_disk_written_bytes_per_second') ?? 0),
        },
      ];
    })
    .toSorted((a, b) => b.busy - a.busy || (a.device < b.device ? -1 : 1));
}

/** By their cgroups; of a task whose I/O none counts, what its processes did while somebody looked. */
function diskUses(
  window: MetricWindow,
  { tasks, look }: Facts,
  within: Interval,
): readonly TaskUse[] {
  const seen = Map.groupBy(look.disks, ({ attempt }) => attempt);
  const read = byAttempt(window, 'berth_task_read_bytes_per_second', within);
  const written = byAttempt(window, 'berth_task_written_bytes_per_second', within);
  const used = ({ attempt }: { readonly attempt: string }): number | undefined => {
    const [a, b] = [read.get(attempt), written.get(attempt)];
    if (a !== undefined || b !== undefined) return (a ?? 0) + (b ?? 0);
    return seen.get(attempt)?.reduce((sum, one) => sum + one.bytesPerSecond, 0);
  };
  return usesOf(tasks, used, () => undefined);
}

function ioRemedies(culprits: readonly TaskUse[]): readonly Possible[] {
  const [worst] = culprits;
  if (worst === undefined) return [watch(BUSY)];
  const { workload, attempt } = worst.task;
  return [
    {
      force: 'priority',
      remedy: {
        title: `Let ${workload} read and write when nobody else does`,
        why: `${attempt} moves most of the bytes.`,
        risk: 'low',
        effect:
          'With `io_class: idle` below `process` others are served first from its next attempt on, where the disk has a scheduler that goes by it.',
        command: undefined,
      },
    },
    ...endingTask(worst),
    watch(BUSY),
  ];
}
