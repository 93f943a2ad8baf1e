import { formatBytes } from '../../../base/format.ts';
import type { Party } from '../../finding.ts';
import type { Facts } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { byAttempt, culpritsOf, sufferersOf, usesOf, waitsOf } from '../parties.ts';
import { endingTask, type Possible, ranked, watch } from '../remedies.ts';
import { type DoctorFinding, percent, type Verdict } from '../report.ts';
import { type Interval, type MetricWindow, sinceWhen } from '../window.ts';

const PRESSURE = 'berth_node_pressure_waiting_ratio';
const AVAILABLE = 'berth_node_memory_available_bytes';
const WAITING_MIN = 0.1;
/** Less of all memory is soon none. */
const AVAILABLE_MIN = 0.1;
/** With more to be had, it is a task's own limit that is short, not the machine's memory. */
const ENOUGH_RATIO = 0.2;
/** Of the host's waiting, what a single task waited: then the trouble is its own. */
const EXPLAINED_MIN = 0.7;
const THRASH_SWAP_BYTES = 1024 ** 2;
const THRASH_FAULTS = 100;

export function memoryRule(window: MetricWindow, facts: Facts): Verdict {
  const total = window.last('berth_node_memory_total_bytes');
  const available = window.last(AVAILABLE);
  const waiting = window.mean(PRESSURE, { resource: 'memory' });
  const killsPerSecond = window.mean('berth_node_oom_kills_per_second');
  const kills =
    killsPerSecond === undefined
      ? undefined
      : Math.round((killsPerSecond * (window.to - window.from)) / 1_000);
  const findings = [contention(window, facts), nearOom(window, facts), oomKills(kills)];
  const room =
    total === undefined || available === undefined
      ? 'Nothing is known of the memory'
      : `${formatBytes(available)} of ${formatBytes(total)} to be had`;
  const wait =
    waiting === undefined
      ? 'whether anything waits for memory is not measured (no PSI)'
      : `something waited for memory ${percent(waiting)} of the time`;
  return {
    findings: findings.filter((one) => one !== undefined),
    looked: [
      {
        resource: 'memory',
        utilisation: total && available !== undefined ? 1 - available / total : undefined,
        saturation: waiting,
        errors: kills,
        sentence: `${room}; ${wait}${kills ? `; the kernel killed ${kills} processes` : ''}.`,
      },
    ],
  };
}

function contention(window: MetricWindow, facts: Facts): DoctorFinding | undefined {
  const labels = { resource: 'memory' };
  const stretch = window.worst(PRESSURE, labels);
  if (stretch === undefined || stretch.mean < WAITING_MIN) return undefined;
  const waits = waitsOf(window, facts, 'memory', stretch);
  const own = Math.max(0, ...waits.map(({ share }) => share));
  const room = availableRatio(window, stretch);
  if (room !== undefined && room >= ENOUGH_RATIO && own >= stretch.mean * EXPLAINED_MIN) {
    return undefined;
  }
  const swapped = window.sum('berth_node_swapped_bytes_per_second', {}, stretch) ?? 0;
  const faults = window.mean('berth_node_major_faults_per_second', {}, stretch) ?? 0;
  const thrashes = swapped >= THRASH_SWAP_BYTES || faults >= THRASH_FAULTS;
  const { culprits, tasks } = memoryCulprits(window, facts, stretch);
  const kind = thrashes ? 'memory-thrash' : 'memory-contention';
  const how = thrashes
    ? `Memory is read back as soon as it is given away (${Math.round(faults)} major faults and ${formatBytes(Math.round(swapped))} of swap a second)`
    : 'Tasks compete for memory';
  return makeFinding({
    id: kind,
    kind,
    resource: 'memory',
    score: stretch.mean,
    sentence: `${how}: something waited for memory ${percent(stretch.mean)} of the time.`,
    since: sinceWhen(window.one(PRESSURE, labels)!.points, stretch, WAITING_MIN),
    evidence: [
      {
        name: PRESSURE,
        labels,
        unit: 'ratio',
        value: stretch.mean,
        threshold: WAITING_MIN,
        sentence: 'Share of the time in which something waited for memory (PSI some)',
      },
      {
        name: 'berth_node_major_faults_per_second',
        labels: {},
        unit: 'none',
        value: faults,
        threshold: THRASH_FAULTS,
        sentence: 'Page faults a second that needed a disk',
      },
    ],
    culprits,
    sufferers: sufferersOf(waits, culprits, 'memory'),
    remedies: ranked([...holdMemory(tasks), watch(PRESSURE)]),
  });
}

function memoryCulprits(window: MetricWindow, facts: Facts, within: Interval) {
  const used = byAttempt(window, 'berth_task_memory_bytes', within);
  const uses = usesOf(
    facts.tasks,
    ({ attempt }) => used.get(attempt),
    (task) => task.memoryHeldBytes,
  );
  const mine = uses.reduce((sum, use) => sum + use.used, 0);
  const all = window.mean('berth_node_memory_used_bytes', {}, within) ?? mine;
  const outside = [
    {
      kind: 'cgroup' as const,
      id: facts.others,
      what: undefined,
      used: all - mine,
    },
  ];
  const format = (amount: number): string => formatBytes(Math.round(amount));
  const { parties, tasks } = culpritsOf(uses, { total: all, format, outside });
  return { culprits: parties as readonly Party[], tasks };
}

function holdMemory(tasks: ReturnType<typeof memoryCulprits>['tasks']): readonly Possible[] {
  const [worst] = tasks;
  if (worst === undefined) return [];
  return [
    ...endingTask(worst),
    {
      force: 'prevent',
      remedy: {
        title: `Give ${worst.task.workload} a memory limit`,
        why: 'A task with a limit is held to it before all others wait.',
        risk: 'low',
        effect: 'From its next attempt on, it alone waits, or ends, when it wants more.',
        command: undefined,
      },
    },
  ];
}

function nearOom(window: MetricWindow, facts: Facts): DoctorFinding | undefined {
  const last = { from: Math.max(window.from, window.to - window.stretchMs), to: window.to };
  const ratio = availableRatio(window, last);
  if (ratio === undefined || ratio >= AVAILABLE_MIN) return undefined;
  const { culprits, tasks } = memoryCulprits(window, facts, last);
  const available = window.mean(AVAILABLE, {}, last) ?? 0;
  return makeFinding({
    id: 'memory-near-oom',
    kind: 'memory-near-oom',
    resource: 'memory',
    // From moderate where a tenth is left to critical where a thirtieth is.
    score: 0.4 + 0.6 * (1 - ratio / AVAILABLE_MIN),
    sentence: `Only ${formatBytes(Math.round(available))} of memory, ${percent(ratio)}, are to be had: soon the kernel kills.`,
    since: undefined,
    evidence: [
      {
        name: AVAILABLE,
        labels: {},
        unit: 'bytes',
        value: available,
        threshold: (window.last('berth_node_memory_total_bytes') ?? 0) * AVAILABLE_MIN,
        sentence: 'Memory to be had without swapping',
      },
    ],
    culprits,
    remedies: ranked([...holdMemory(tasks), watch(AVAILABLE)]),
  });
}

function availableRatio(window: MetricWindow, within: Interval): number | undefined {
  const total = window.last('berth_node_memory_total_bytes');
  const available = window.mean(AVAILABLE, {}, within);
  return total === undefined || total === 0 || available === undefined
    ? undefined
    : available / total;
}

function oomKills(kills: number | undefined): DoctorFinding | undefined {
  if (!kills) return undefined;
  const name = 'berth_node_oom_kills_per_second';
  return makeFinding({
    id: 'oom-kills',
    kind: 'oom-kills',
    resource: 'memory',
    score: 0.6,
    sentence: `The kernel killed ${kills} ${kills === 1 ? 'process' : 'processes'} for memory.`,
    since: undefined,
    evidence: [
      {
        name,
        labels: {},
        unit: 'none',
        value: kills,
        threshold: 1,
        sentence: 'Processes killed in this time',
      },
    ],
    remedies: ranked([
      {
        force: 'gradual',
        remedy: {
          title: 'See which attempts ran out of memory, and let them have more',
          why: 'A task that is killed at its limit needs more of it, or uses less.',
          risk: 'low',
          effect: '`retry.memory_growth` in the document does so by itself.',
          command: 'berth ps --all',
        },
      },
      watch(name),
    ]),
  });
}
