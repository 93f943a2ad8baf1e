import { z } from 'zod';
import { type Bytes, milliCpu, milliGpu } from '../../base/units.ts';
import type { QueueName } from '../../model/ids.ts';
import {
  type Amounts,
  NO_AMOUNTS,
  type QueueConfig,
  queueConfig,
  UNLIMITED_AMOUNTS,
} from '../../model/scheduling-config.ts';
import { readAmount } from './amount.ts';
import { JobTable } from './job-table.ts';
import { pool } from './machine.ts';
import {
  type ReadOptions,
  type ReadTrace,
  type TraceFormat,
  type TraceSource,
  traceName,
} from './trace-format.ts';
import { issueAt } from './trace-issue.ts';
import { plainShape } from './trace-spec.ts';
import { readYaml, schemaIssues, type YamlSource } from './yaml-source.ts';

/** In one file: of each of these, and of workloads in all. */
const QUEUES_MAX = 100_000;
const WORKLOADS_MAX = 2_000_000;
/** Of Berth's priorities. */
const PRIORITY_MAX = 1_000;

const cpu = z.union([z.string(), z.number()]).transform((written, context) => {
  const amount = readAmount(written, 1000);
  if (amount === undefined || amount > 1e11) {
    context.addIssue({
      code: 'custom',
      message: 'not an amount of CPU: expected cores such as 20 or 500m',
    });
    return z.NEVER;
  }
  return milliCpu(amount);
});
const count = z.int().min(0).max(WORKLOADS_MAX);
const millis = z.int().min(0).max(1e12);
const className = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
const policy = z.enum(['Never', 'Any', 'LowerPriority', 'LowerOrNewerEqualPriority']);

const workload = z.object({
  className,
  runtimeMs: millis,
  priority: z.int().min(-2_147_483_648).max(2_147_483_647).default(0),
  request: cpu,
  podCount: z.int().min(0).max(10_000).default(1),
});
const workloadsSet = z.object({
  count,
  creationIntervalMs: millis,
  workloads: z.array(workload),
});
const queuesSet = z.object({
  className,
  count: count.max(QUEUES_MAX),
  nominalQuota: cpu,
  borrowingLimit: z.union([z.literal(''), cpu]).optional(),
  reclaimWithinCohort: policy.default('Never'),
  withinClusterQueue: policy.default('Never'),
  workloadsSets: z.array(workloadsSet),
});
const cohort = z.object({
  className,
  count: count.max(QUEUES_MAX),
  queuesSets: z.array(queuesSet),
});
const generator = z.object({ cohorts: z.array(cohort).min(1) });

type Generator = z.infer<typeof generator>;
type QueuesSet = z.infer<typeof queuesSet>;

/**
 * What drives Kueue's performance tests (test/performance/scheduler/configs): cohorts of queues, and the workloads
 * that one after the other come to each. They come when that runner would create them, each an interval after the one
 * before it. The nodes are one of as many cores as all quotas are together, for there quotas are all that is shared.
 */
export const kueueGenerator: TraceFormat = {
  name: 'kueue-generator',
  what: "generator.yaml of Kueue's performance tests: cohorts, queues and their workloads",
  recognises: (_file, head) => /^\s*"?cohorts"?\s*:/m.test(head) && /queuesSets/.test(head),
  read([source], options) {
    if (source === undefined) return { ok: false, issues: [] };
    const read = readYaml(source);
    if (!read.ok) return read;
    const { document } = read;
    const parsed = generator.safeParse(document.value);
    if (!parsed.success) {
      return { ok: false, issues: schemaIssues(source, document, parsed.error) };
    }
    const unread = unreadPart(source, document);
    return unread ?? build(source, parsed.data, options);
  },
};

/** Topologies and devices change what fits: who asks for them is not told of another world instead. */
function unreadPart(source: TraceSource, document: YamlSource): ReadTrace | undefined {
  for (const key of ['topology', 'dra'] as const) {
    const value: unknown = Object(document.value)[key];
    if (value === undefined || value === null) continue;
    const message = `${key}: nothing here models it`;
    const expected = 'a generator without topology and devices, such as configs/baseline';
    return { ok: false, issues: [issueAt(source, document.span([key]), message, expected)] };
  }
  return undefined;
}

function build(source: TraceSource, { cohorts }: Generator, options: ReadOptions): ReadTrace {
  const tooMany = boundsOf(source, { cohorts });
  if (tooMany !== undefined) return tooMany;
  const table = new JobTable();
  const groups: QueueConfig[] = [];
  let cores = 0;
  for (const set of cohorts) {
    for (let i = 0; i < set.count; i++) {
      const name = `${set.className}-${i}`;
      const queues = set.queuesSets.flatMap((queuesSet, setIndex) =>
        Array.from({ length: queuesSet.count }, (_, k) => {
          const queue = `${queuesSet.className}-${setIndex}-${k}-${name}`;
          addWorkloads(table, queue, queuesSet);
          return queueOf(queue, queuesSet);
        }),
      );
      const nominal = queues.reduce((sum, queue) => sum + queue.guaranteed.cpu, 0);
      cores += nominal / 1000;
      // Nobody borrows from another cohort.
      const limit: Amounts = { ...UNLIMITED_AMOUNTS, cpu: milliCpu(nominal) };
      groups.push(queueConfig(name, { children: queues, guaranteed: cpuOnly(nominal), limit }));
    }
  }
  if (table.count === 0) return nothingIn(source);
  const { jobs, count } = table.jobs(options.limit);
  const nodes = options.nodes ?? pool(options.procs ?? Math.ceil(cores)).nodes;
  const root = queueConfig('root', { children: groups });
  const trace = { name: traceName(source.file), format: kueueGenerator.name, jobs, count };
  return { ok: true, trace: { ...trace, nodes, root, skipped: [] } };
}

const cpuOnly = (amount: number): Amounts => ({ ...NO_AMOUNTS, cpu: milliCpu(amount) });

/** How a ClusterQueue of that set is shared here: its quota is guaranteed, and it borrows within its cohort. */
function queueOf(name: string, set: QueuesSet): QueueConfig {
  const { borrowingLimit } = set;
  return queueConfig(name, {
    guaranteed: cpuOnly(set.nominalQuota),
    borrowingLimit:
      borrowingLimit === undefined || borrowingLimit === ''
        ? UNLIMITED_AMOUNTS
        : { ...UNLIMITED_AMOUNTS, cpu: borrowingLimit },
    reclaim: set.reclaimWithinCohort === 'Never' ? 'disabled' : 'enabled',
  });
}

function addWorkloads(table: JobTable, queue: string, { workloadsSets }: QueuesSet): void {
  for (const [setIndex, set] of workloadsSets.entries()) {
    let at = 0;
    for (let i = 0; i < set.count; i++) {
      for (const [k, template] of set.workloads.entries()) {
        at += set.creationIntervalMs;
        const { className, runtimeMs, priority, request, podCount } = template;
        const tasks = Math.max(1, podCount);
        const shape = table.shapeIndex(`${queue}/${setIndex}/${k}`, () =>
          plainShape(
            { cpu: request, memory: 0 as Bytes, gpu: milliGpu(0), custom: [] },
            {
              name: className,
              queue: queue as QueueName,
              priority: Math.max(-PRIORITY_MAX, Math.min(PRIORITY_MAX, priority)),
              labels: { class: className },
              tasks,
            },
          ),
        );
        const id = `${queue}/${className}-${setIndex}-${i}-${k}`;
        table.addKnown({ id, at, tenant: queue, runMs: runtimeMs }, shape);
      }
    }
  }
}

function boundsOf(source: TraceSource, { cohorts }: Generator): ReadTrace | undefined {
  let queues = 0;
  let workloads = 0;
  for (const cohort of cohorts) {
    for (const set of cohort.queuesSets) {
      const ofSet = cohort.count * set.count;
      queues += ofSet;
      for (const w of set.workloadsSets) workloads += ofSet * w.count * w.workloads.length;
    }
  }
  if (queues <= QUEUES_MAX && workloads <= WORKLOADS_MAX) return undefined;
  const message = `${queues} queues and ${workloads} workloads`;
  const expected = `at most ${QUEUES_MAX} and ${WORKLOADS_MAX}`;
  return { ok: false, issues: [issueAt(source, { start: 0, end: 1 }, message, expected)] };
}

function nothingIn(source: TraceSource): ReadTrace {
  const message = 'it has no workloads';
  const expected = 'workloadsSets with a count above 0';
  return { ok: false, issues: [issueAt(source, { start: 0, end: 1 }, message, expected)] };
}
