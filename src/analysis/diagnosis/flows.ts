import { formatBytes } from '../../base/format.ts';
import type { Remedy } from '../finding.ts';
import type { Facts } from './facts.ts';
import { type Diagnosis, type DoctorFinding, percent } from './report.ts';
import { type Interval, MetricWindow, type WindowSources } from './window.ts';

/** What people come with, as seed 004's troubleshooting names it. */
export const flowNames = ['high-cpu', 'pool', 'cache'] as const;
export type FlowName = (typeof flowNames)[number];

export interface FlowStep {
  readonly question: string;
  readonly outcome: 'fine' | 'trouble' | 'unknown';
  readonly sentence: string;
}

export interface FlowReport {
  readonly flow: FlowName;
  readonly sentence: string;
  readonly steps: readonly FlowStep[];
  readonly remedies: readonly Remedy[];
}

/** Beside what a diagnosis needs. */
export interface FlowFacts extends Facts {
  readonly pools: readonly {
    readonly name: string;
    readonly heldMilli: number;
    readonly totalMilli: number;
  }[];
  readonly waitingLeases: number;
  readonly results: {
    readonly bytes: number;
    readonly maxBytes: number;
    readonly entries: number;
    /** Of those, used again after they were made. */
    readonly reused: number;
  };
}

interface Scene {
  readonly window: MetricWindow;
  readonly facts: FlowFacts;
  readonly diagnosis: Diagnosis;
}

const titles: Readonly<Record<FlowName, readonly [trouble: string, fine: string]>> = {
  'high-cpu': ['CPU use is high, and this is why', 'CPU use is no trouble'],
  pool: ['Something runs out of room', 'There is room'],
  cache: ['Caches miss more than they might', 'Nothing says that caches miss'],
};

/** Goes through the questions that a person would ask, one after the other. */
export function walkFlow(
  flow: FlowName,
  sources: WindowSources & { readonly interval: Interval },
  given: { readonly facts: FlowFacts; readonly diagnosis: Diagnosis },
): FlowReport {
  const scene = { window: new MetricWindow(sources, sources.interval), ...given };
  const walked = flows[flow](scene);
  const troubles = walked.steps.filter(({ outcome }) => outcome === 'trouble');
  const [trouble, fine] = titles[flow];
  return {
    flow,
    sentence: troubles.length === 0 ? `${fine}.` : `${trouble}: ${troubles[0]!.sentence}`,
    ...walked,
  };
}

type Walk = (scene: Scene) => Pick<FlowReport, 'steps' | 'remedies'>;

const CPU_BUSY = 0.85;
/** One CPU is busier than the average by so much: work does not spread. */
const UNEVEN = 0.4;
const POOL_FULL = 0.95;
const MEMORY_HELD = 0.9;
const CACHE_FULL = 0.95;
const REUSED_MIN = 0.5;
/** Results, before one may say that few are used again. */
const RESULTS_MIN = 10;
const FAULTS_MIN = 100;

const highCpu: Walk = ({ window, diagnosis }) => {
  const busy = window.mean('berth_node_cpu_busy_ratio');
  const cores = window
    .all('berth_node_cpu_core_busy_ratio')
    .map(({ labels }) => window.mean('berth_node_cpu_core_busy_ratio', labels) ?? 0);
  const hottest = Math.max(0, ...cores);
  const contention = finding(diagnosis, 'cpu-contention');
  const culprits = contention?.culprits ?? [];
  const limits = diagnosis.findings.filter(({ kind }) => kind === 'cpu-limit');
  const stolen = window.mean('berth_node_cpu_stolen_ratio');
  const heat = finding(diagnosis, 'thermal-throttling');
  const steps = [
    step(
      'Are the CPUs busy?',
      busy,
      (one) => one >= CPU_BUSY,
      (one) => `CPUs ${percent(one)} busy.`,
    ),
    {
      question: 'Does anything wait for them, and who takes them?',
      outcome: contention === undefined ? ('fine' as const) : ('trouble' as const),
      sentence:
        contention === undefined
          ? 'Nothing waits for a CPU more than is usual.'
          : culprits.map(({ id, sentence }) => `${id} ${sentence}`).join('; ') ||
            contention.sentence,
    },
    step(
      'Is the work spread over all CPUs?',
      busy === undefined || cores.length < 2 ? undefined : hottest - busy,
      (one) => one >= UNEVEN,
      () =>
        `The busiest CPU is ${percent(hottest)} busy, all together ${percent(busy ?? 0)}; \`cores\` below \`process\` pins tasks.`,
    ),
    {
      question: 'Does a limit of its own hold a task back?',
      outcome: limits.length === 0 ? ('fine' as const) : ('trouble' as const),
      sentence: limits[0]?.sentence ?? 'No task is held back by its CPU limit.',
    },
    step(
      'Does the hypervisor take CPUs away?',
      stolen,
      (one) => one >= 0.1,
      (one) => `${percent(one)} of the CPU time went to other guests.`,
    ),
    {
      question: 'Are the CPUs slowed for heat?',
      outcome: heat
        ? ('trouble' as const)
        : window.one('berth_node_thermal_throttles_per_second')
          ? ('fine' as const)
          : ('unknown' as const),
      sentence:
        heat?.sentence ??
        (window.one('berth_node_thermal_throttles_per_second')
          ? 'No.'
          : 'This machine does not tell.'),
    },
  ];
  return { steps, remedies: remediesOf([contention, ...limits, heat]) };
};

const pool: Walk = ({ window, facts, diagnosis }) => {
  const total = window.last('berth_node_memory_total_bytes');
  const available = window.last('berth_node_memory_available_bytes');
  const held = window.last('berth_node_memory_held_bytes');
  const unused = finding(diagnosis, 'memory-held-unused');
  const pieces = finding(diagnosis, 'memory-fragmentation');
  const near = finding(diagnosis, 'memory-near-oom');
  const full = facts.pools.filter((one) => one.heldMilli >= one.totalMilli * POOL_FULL);
  const steps: FlowStep[] = [
    step(
      'Is memory to be had?',
      total && available !== undefined ? available / total : undefined,
      (one) => one < 0.1,
      (one) => `${formatBytes(available ?? 0)} of memory (${percent(one)}) are to be had.`,
    ),
    step(
      'Is it given out to tasks?',
      total && held !== undefined ? held / total : undefined,
      (one) => one >= MEMORY_HELD,
      (one) => `Tasks hold ${percent(one)} of it.`,
    ),
    {
      question: 'Do they use what they hold?',
      outcome: unused === undefined ? 'fine' : 'trouble',
      sentence:
        unused?.sentence ??
        diagnosis.looked.find(({ resource }) => resource === 'memory held by tasks')?.sentence ??
        'Nothing runs that holds memory.',
    },
    {
      question: 'Is free memory in pieces?',
      outcome: pieces === undefined ? 'fine' : 'trouble',
      sentence: pieces?.sentence ?? 'Nobody waits for larger blocks.',
    },
    {
      question: 'Are pools of devices full, and do callers wait?',
      outcome: facts.waitingLeases > 0 ? 'trouble' : 'fine',
      sentence:
        facts.pools.length === 0
          ? 'There are no pools.'
          : `${full.length} of ${facts.pools.length} pools are full${full.length > 0 ? ` (${full.map(({ name }) => name).join(', ')})` : ''}; ${facts.waitingLeases} callers wait.`,
    },
  ];
  const more: readonly Remedy[] =
    facts.waitingLeases === 0
      ? []
      : [
          {
            title: 'See who holds the pool, or add devices to it',
            why: 'Callers wait for what others hold.',
            risk: 'none',
            effect: 'Leases that nobody renews end by themselves.',
            command: 'berth pool',
          },
        ];
  return { steps, remedies: [...remediesOf([near, unused, pieces]), ...more] };
};

const cache: Walk = ({ window, facts, diagnosis }) => {
  const { results } = facts;
  const faults = window.mean('berth_node_major_faults_per_second');
  const cached = window.last('berth_node_memory_cached_bytes');
  const thrash = finding(diagnosis, 'memory-thrash');
  const limits = diagnosis.findings.filter(({ kind }) => kind === 'memory-limit');
  const reused = results.entries < RESULTS_MIN ? undefined : results.reused / results.entries;
  const filled = results.maxBytes > 0 ? results.bytes / results.maxBytes : undefined;
  const steps: FlowStep[] = [
    step(
      'Are kept results of tasks used again?',
      reused,
      (one) => one < REUSED_MIN,
      () => `${results.reused} of ${results.entries} results were used again.`,
      `Only ${results.entries} results are kept: too few to tell.`,
    ),
    step(
      'Is there room for results?',
      filled,
      (one) => one >= CACHE_FULL,
      (one) =>
        `${formatBytes(results.bytes)} of ${formatBytes(results.maxBytes)} (${percent(one)}): ${one >= CACHE_FULL ? 'what was used longest ago goes' : 'nothing has to go'}.`,
    ),
    step(
      'Does the page cache miss?',
      faults,
      (one) => one >= FAULTS_MIN,
      (one) =>
        `${Math.round(one)} page faults a second needed a disk${cached === undefined ? '' : `, with ${formatBytes(cached)} cached`}.`,
    ),
    {
      question: 'Does a memory limit keep a task from caching its files?',
      outcome: limits.length === 0 ? 'fine' : 'trouble',
      sentence: limits[0]?.sentence ?? 'No task waits for memory at its limit.',
    },
    {
      question: 'Do tasks drive each other out of the CPU cache?',
      outcome: 'unknown',
      sentence: 'It needs resctrl or counters of the PMU, which Berth does not read.',
    },
  ];
  const more: readonly Remedy[] =
    filled !== undefined && filled >= CACHE_FULL
      ? [
          {
            title: 'Clear results that nobody will use again',
            why: 'The cache is full, so each new result drives an older one out.',
            risk: 'low',
            effect: 'Tasks whose results were kept run again when they are wanted.',
            command: 'berth cache clear',
          },
        ]
      : [];
  return { steps, remedies: [...remediesOf([thrash, ...limits]), ...more] };
};

const flows: Readonly<Record<FlowName, Walk>> = { 'high-cpu': highCpu, pool, cache };

function step(
  question: string,
  value: number | undefined,
  isTrouble: (value: number) => boolean,
  sentence: (value: number) => string,
  unknown = 'It is not measured here.',
): FlowStep {
  if (value === undefined) return { question, outcome: 'unknown', sentence: unknown };
  return { question, outcome: isTrouble(value) ? 'trouble' : 'fine', sentence: sentence(value) };
}

const finding = ({ findings }: Diagnosis, kind: DoctorFinding['kind']): DoctorFinding | undefined =>
  findings.find((one) => one.kind === kind);

const remediesOf = (findings: readonly (DoctorFinding | undefined)[]): readonly Remedy[] =>
  findings.flatMap((one) => one?.remedies ?? []);
