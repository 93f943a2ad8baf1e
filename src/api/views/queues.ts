import { type TimeMs, UNLIMITED } from '../../base/units.ts';
import {
  describeScheduling,
  type SchedulingDescription,
} from '../../engine/describe-scheduling.ts';
import type { StepRecord } from '../../engine/records.ts';
import type { State } from '../../engine/state.ts';
import type { QueueName } from '../../model/ids.ts';
import type { Amounts, Usage } from '../../model/scheduling-config.ts';
import type { QueueDocument, QueueList, WaitingFor } from '../contract/queue-documents.ts';
import { type Explaining, explaining, type Verdict, verdictsOf } from './explain.ts';
import { meaningOf, precedenceOf, refusalSentence } from './sentences.ts';

type Queue = SchedulingDescription['queues'][number];

/** Said where nothing is in the way, or nobody looked yet. */
const NEXT = 'next';
const BILLION = 1_000_000_000;

/** The tree of queues: what is held against what guarantee and limit, who waits, and for what. */
export function queueList(state: State, now: TimeMs): QueueList {
  const { queues, leafOf, capacity } = describeScheduling(state, now);
  const tallies = new Map(queues.map(({ config }) => [config.name, new Map<string, WaitingFor>()]));
  const parents = new Map(queues.map(({ config, parent }) => [config.name, parent]));
  const context = explaining(state, now);
  for (const workload of state.workloads()) {
    if (workload.state !== 'active' || workload.cancelledBy !== undefined) continue;
    const leaf = leafOf(workload.spec.queue, workload.tenant);
    for (const step of workload.steps) {
      if (step.counts.waiting === 0 || step.counts.failed > 0) continue;
      for (const verdict of verdictsOf(context, step)) {
        for (let q: QueueName | undefined = leaf; q !== undefined; q = parents.get(q)) {
          const tally = tallies.get(q);
          if (tally !== undefined) count(tally, verdict, step, context);
        }
      }
    }
  }
  return {
    now,
    capacity: amountsDocument(capacity),
    queues: queues.map((queue) =>
      queueDocument(queue, state, queues, tallies.get(queue.config.name)!),
    ),
  };
}

/** The queue and all below it, by the names under which people submit; undefined when there is none. */
export function queuesBelow(state: State, name: string, now: TimeMs): Set<string> | undefined {
  const { queues } = describeScheduling(state, now);
  const below = new Set<string>();
  const entries = new Set<string>();
  for (const { config, parent, entryName } of queues) {
    if (config.name !== name && !(parent !== undefined && below.has(parent))) continue;
    below.add(config.name);
    entries.add(entryName);
  }
  return entries.size === 0 ? undefined : entries;
}

function count(
  tally: Map<string, WaitingFor>,
  { refusal, tasks, first }: Verdict,
  step: StepRecord,
  { now }: Explaining,
): void {
  const code = refusal?.code ?? NEXT;
  const known = tally.get(code);
  if (known !== undefined) {
    known.tasks += tasks;
    return;
  }
  tally.set(code, {
    code,
    meaning: meaningOf(refusal?.code),
    tasks,
    first: {
      task: first?.id ?? null,
      workload: step.workload.id,
      sentence: refusal === undefined ? 'next in line' : refusalSentence(refusal, now),
    },
  });
}

function queueDocument(
  queue: Queue,
  state: State,
  queues: readonly Queue[],
  tally: ReadonlyMap<string, WaitingFor>,
): QueueDocument {
  const { config, parent, entryName, isLeaf, guaranteed, held, limit } = queue;
  const waitingFor = [...tally.values()].sort(
    (a, b) => precedenceOf(a.code) - precedenceOf(b.code),
  );
  const isTeam = entryName !== config.name;
  const share = queue.share / BILLION;
  return {
    name: config.name,
    parent: parent ?? null,
    depth: depthOf(queue, queues),
    kind: isTeam ? 'team' : isLeaf ? 'leaf' : 'inner',
    weight: config.weight,
    priority: config.priority,
    child_order: config.childOrder,
    reclaim: config.reclaim,
    order: config.order.name,
    fifo: config.fifo,
    guaranteed: amountsDocument(guaranteed),
    limit: limitsDocument(limit),
    held: amountsDocument(held),
    borrowed: amountsDocument(beyond(held, guaranteed)),
    share_ratio: share,
    weighted_share_ratio: share / config.weight,
    entitled_ratio: queue.entitled / BILLION,
    running: queue.running,
    waiting: waitingFor.reduce((sum, { tasks }) => sum + tasks, 0),
    active: isTeam ? null : activeBelow(state, queue, queues),
    running_max: finite(config.runningMax),
    active_max: finite(config.activeMax),
    overflow_policy: config.overflow,
    guaranteed_processing: config.guaranteedProcessing,
    spilled: { submissions: 0, bytes: 0, kept_bytes: 0, oldest_at: null },
    tenants: queue.tenants.map(
      ({ tenant, config: of, held: has, running, share: part, usage }) => ({
        tenant,
        weight: of.weight,
        held: amountsDocument(has),
        limit: limitsDocument(of.limit),
        share_ratio: part / BILLION,
        running,
        running_max: finite(of.runningMax),
        usage: usageDocument(usage),
      }),
    ),
    waiting_for: waitingFor,
  };
}

function depthOf({ parent }: Queue, queues: readonly Queue[]): number {
  let depth = 0;
  for (let q = parent; q !== undefined; depth++) {
    q = queues.find(({ config }) => config.name === q)?.parent;
  }
  return depth;
}

function activeBelow(state: State, { config, parent }: Queue, queues: readonly Queue[]): number {
  // Where no queues are told apart, all that is active is in the only one.
  if (queues.length === 1 && parent === undefined) return state.tasksActive;
  let active = state.active.of(config.name);
  for (const child of queues) {
    if (child.parent === config.name && child.entryName === child.config.name) {
      active += activeBelow(state, child, queues);
    }
  }
  return active;
}

const beyond = (held: Amounts, guaranteed: Amounts): Amounts => ({
  cpu: Math.max(0, held.cpu - guaranteed.cpu) as Amounts['cpu'],
  memory: Math.max(0, held.memory - guaranteed.memory) as Amounts['memory'],
  gpu: Math.max(0, held.gpu - guaranteed.gpu) as Amounts['gpu'],
});

const amountsDocument = ({ cpu, memory, gpu }: Amounts): QueueDocument['held'] => {
  return { cpu_milli: cpu, memory_bytes: memory, gpu_milli: gpu };
};

const limitsDocument = ({ cpu, memory, gpu }: Amounts): QueueDocument['limit'] => {
  return { cpu_milli: finite(cpu), memory_bytes: finite(memory), gpu_milli: finite(gpu) };
};

export const usageDocument = ({ cpu, memory, gpu }: Usage) => ({
  cpu_milli_seconds: finite(cpu),
  memory_mib_seconds: finite(memory),
  gpu_milli_seconds: finite(gpu),
});

const finite = (amount: number): number | null => (amount >= UNLIMITED ? null : amount);
