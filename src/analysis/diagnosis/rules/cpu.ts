import type { Facts, RunningTask } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { byAttempt, culpritsOf, type Outside, sufferersOf, usesOf, waitsOf } from '../parties.ts';
import { cores, cpuRemedies, ranked } from '../remedies.ts';
import { type DoctorFinding, percent, ratioOf, type Verdict } from '../report.ts';
import { type Interval, type MetricWindow, meanWithin, sinceWhen } from '../window.ts';

const PRESSURE = 'berth_node_pressure_waiting_ratio';
const BUSY = 'berth_node_cpu_busy_ratio';
/** Below that, waiting is no trouble: a burst that shares a CPU for a moment has as much. */
const WAITING_MIN = 0.2;
/** CPUs that are idle more than that are not what is short. */
const BUSY_MIN = 0.8;
const CORE_BUSY_MIN = 0.95;
/** Of all use: tasks that use more explain what is waited for. */
const EXPLAINED_MIN = 0.8;
const STOLEN_MIN = 0.1;

/** Utilisation, saturation by PSI, and whose the CPUs are. */
export function cpuRule(window: MetricWindow, facts: Facts): Verdict {
  const labels = { resource: 'cpu' };
  const busy = window.mean(BUSY);
  const waiting = window.mean(PRESSURE, labels);
  const finding = contention(window, facts);
  const stolen = stolenTime(window);
  const idle = busy === undefined ? 'Nothing is known of the CPUs' : `CPUs ${percent(busy)} busy`;
  const queue =
    waiting === undefined
      ? 'whether anything waits is not measured (no PSI)'
      : `something waited for one ${percent(waiting)} of the time`;
  return {
    findings: [finding, stolen].filter((one) => one !== undefined),
    looked: [
      {
        resource: 'cpu',
        utilisation: busy,
        saturation: waiting,
        errors: undefined,
        sentence: `${idle}; ${queue}.`,
      },
    ],
  };
}

function contention(window: MetricWindow, facts: Facts): DoctorFinding | undefined {
  const series = window.one(PRESSURE, { resource: 'cpu' });
  const stretch = window.worst(PRESSURE, { resource: 'cpu' });
  if (series === undefined || stretch === undefined) return undefined;
  const busy = (window.mean(BUSY, {}, stretch) ?? 0) + stolenIn(window, stretch);
  const hottest = Math.max(
    0,
    ...window
      .all('berth_node_cpu_core_busy_ratio')
      .map(({ points }) => meanWithin(points, stretch) ?? 0),
  );
  if (busy < BUSY_MIN && hottest < CORE_BUSY_MIN) return undefined;
  const cpus = facts.cpus ?? (window.all('berth_node_cpu_core_busy_ratio').length || 1);
  const used = byAttempt(window, 'berth_task_cpu_ratio', stretch);
  const uses = usesOf(
    facts.tasks,
    ({ attempt }) => used.get(attempt),
    ({ cpuHeld }) => cpuHeld,
  );
  const total = (window.mean(BUSY, {}, stretch) ?? busy) * cpus;
  const waits = netWaits(window, facts, stretch);
  const explained = uses.reduce((sum, use) => sum + use.used, 0) / Math.max(total, 0.01);
  const score = stretch.mean * (explained >= EXPLAINED_MIN ? unlimitedPart(waits) : 1);
  if (score < WAITING_MIN) return undefined;
  const outside = outsiders(facts, total - uses.reduce((sum, use) => sum + use.used, 0));
  const format = (amount: number): string => `${cores(amount)} CPUs`;
  const culprits = culpritsOf(uses, { total, format, outside });
  const net = waits.map(({ task, raw, limited }) => ({ task, share: ratioOf(raw - limited) }));
  const sufferers = sufferersOf(net, culprits.parties, 'a CPU');
  const whole = busy >= BUSY_MIN ? `${percent(ratioOf(busy))} of the CPUs` : 'one CPU';
  const [first] = culprits.parties;
  const who = first === undefined ? '' : ` Most of it: ${first.id} ${first.sentence}.`;
  return makeFinding({
    id: 'cpu-contention',
    kind: 'cpu-contention',
    resource: 'cpu',
    score,
    sentence: `Tasks compete for CPUs: something waited for one ${percent(stretch.mean)} of the time while ${whole} were busy.${who}`,
    since: sinceWhen(series.points, stretch, WAITING_MIN),
    evidence: [
      {
        name: PRESSURE,
        labels: { resource: 'cpu' },
        unit: 'ratio',
        value: stretch.mean,
        threshold: WAITING_MIN,
        sentence: 'Share of the time in which something waited for a CPU (PSI some)',
      },
      {
        name: BUSY,
        labels: {},
        unit: 'ratio',
        value: busy,
        threshold: BUSY_MIN,
        sentence: 'Busy share of all CPUs, with what the hypervisor took',
      },
    ],
    culprits: culprits.parties,
    sufferers,
    remedies: ranked(cpuRemedies(culprits.tasks, culprits.parties, sufferers)),
  });
}

interface Wait {
  readonly task: RunningTask;
  /** By PSI, which counts the time behind its own limit as well. */
  readonly raw: number;
  readonly limited: number;
}

function netWaits(window: MetricWindow, facts: Facts, stretch: Interval): readonly Wait[] {
  const limited = byAttempt(window, 'berth_task_throttled_ratio', stretch);
  return waitsOf(window, facts, 'cpu', stretch).map(({ task, share }) => ({
    task,
    raw: share,
    limited: Math.min(share, limited.get(task.attempt) ?? 0),
  }));
}

/** Of what is waited for, the part that no limit of its own explains, 0 … 1. */
function unlimitedPart(waits: readonly Wait[]): number {
  const raw = Math.max(0, ...waits.map((wait) => wait.raw));
  if (raw === 0) return 1;
  return Math.max(...waits.map((wait) => wait.raw - wait.limited)) / raw;
}

/** Processes that Berth did not start, or all of them as one where nobody looked. */
function outsiders(facts: Facts, used: number): readonly Outside[] {
  const named = facts.look.processes.filter(({ attempt }) => attempt === undefined);
  if (named.length === 0) {
    return [{ kind: 'cgroup', id: facts.others, what: undefined, used }];
  }
  const seen = named.map(
    ({ pid, command, cpu }): Outside => ({
      kind: 'process',
      id: String(pid),
      what: command,
      used: cpu,
    }),
  );
  const rest = used - named.reduce((sum, { cpu }) => sum + cpu, 0);
  return [...seen, { kind: 'cgroup', id: facts.others, what: undefined, used: rest }];
}

const stolenIn = (window: MetricWindow, stretch: Interval): number =>
  window.mean('berth_node_cpu_stolen_ratio', {}, stretch) ?? 0;

function stolenTime(window: MetricWindow): DoctorFinding | undefined {
  const name = 'berth_node_cpu_stolen_ratio';
  const stretch = window.worst(name);
  if (stretch === undefined || stretch.mean < STOLEN_MIN) return undefined;
  return makeFinding({
    id: 'cpu-stolen',
    kind: 'cpu-stolen',
    resource: 'cpu',
    // Half of the time taken by other guests is as bad as it gets for whoever runs here.
    score: stretch.mean * 2,
    sentence: `The hypervisor gave ${percent(stretch.mean)} of the CPU time to other guests.`,
    since: sinceWhen(window.one(name)!.points, stretch, STOLEN_MIN),
    evidence: [
      {
        name,
        labels: {},
        unit: 'ratio',
        value: stretch.mean,
        threshold: STOLEN_MIN,
        sentence: 'Share of the CPU time that was stolen',
      },
    ],
    remedies: ranked([
      {
        force: 'reallocate',
        remedy: {
          title: 'Move to a host with fewer guests, or CPUs that are not shared',
          why: 'Nothing on this machine can give it back.',
          risk: 'medium',
          effect: 'All that is computed here becomes faster.',
          command: undefined,
        },
      },
      {
        force: 'prevent',
        remedy: {
          title: 'Give out less CPU than there seems to be',
          why: 'Tasks are placed on CPUs that are not there all the time.',
          risk: 'low',
          effect: 'Fewer tasks run at once, each at its speed.',
          command: undefined,
        },
      },
    ]),
  });
}
