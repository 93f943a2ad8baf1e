import { type Bytes, type MilliCpu, type MilliGpu, UNLIMITED } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { AdjustedLimits } from '../model/live-change.ts';
import type { Command, Event } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import { pinsCores } from './pinned-cores.ts';
import type { AttemptRecord, WorkloadRecord } from './records.ts';
import { currentAttempt } from './records.ts';
import type { State } from './state.ts';

type Adjust = Extract<Command, { kind: 'adjust' }>;
type Pause = Extract<Command, { kind: 'pause' | 'unpause' }>;

export type LiveDecision = { readonly events: readonly Event[] } | { readonly refusal: Refusal };

/** Adjustments of one attempt that are remembered; more are refused, for accounts keep each of them. */
const ADJUSTMENTS_MAX = 1_000;

/**
 * What an adjustment changes: nothing, or all that was asked for. Growing needs room on the node of each
 * attempt, and in its queue and quotas; shrinking is always possible, and frees at once.
 */
export function decideAdjust(state: State, command: Adjust): LiveDecision {
  const workload = known(state, command.workload);
  if ('code' in workload) return { refusal: workload };
  const { at, by, priority } = command;
  const events: Event[] = [];
  const own = state.classes.classes?.find(({ name }) => name === workload.spec.class?.name);
  if (own !== undefined && priority !== undefined && priority > own.priority) {
    const limit = own.priority;
    return { refusal: { code: 'above-class', class: own.name, asked: priority, limit } };
  }
  if (priority !== undefined && priority !== workload.priority) {
    events.push({ kind: 'priority-changed', at, workload: workload.id, priority, by });
  }
  const { cpu, memory, pids, nice } = command;
  if ([cpu, memory, pids, nice].every((asked) => asked === undefined)) return { events };
  const running = changeable(workload, command);
  if (running.length === 0) {
    return { refusal: { code: 'nothing-runs', workload: workload.id, step: command.step } };
  }
  const changes = running.map((attempt) => change(attempt, command));
  const refusal = growthRefusal(state, running, changes, at);
  if (refusal !== undefined) return { refusal };
  const taken = new Map<NodeId, number>();
  for (const [i, attempt] of running.entries()) {
    const { held, limits } = changes[i]!;
    const cores = coresOf(state, attempt, held.cpu, taken);
    if (cores !== undefined && 'code' in cores) return { refusal: cores };
    const pins = cores && { cores };
    events.push({ kind: 'attempt-adjusted', at, attempt: attempt.id, held, limits, ...pins, by });
  }
  return { events };
}

/** Stops what runs of a workload without ending it, or lets it go on. It keeps all that it holds. */
export function decidePause(state: State, command: Pause): LiveDecision {
  const workload = known(state, command.workload);
  if ('code' in workload) return { refusal: workload };
  const running = changeable(workload, {});
  if (running.length === 0) {
    return { refusal: { code: 'nothing-runs', workload: workload.id, step: undefined } };
  }
  const { at, by } = command;
  const pauses = command.kind === 'pause';
  const kind = pauses ? 'attempt-paused' : 'attempt-resumed';
  const events = running
    .filter(({ live }) => (live?.pausedBy !== undefined) !== pauses)
    .map((attempt): Event => ({ kind, at, attempt: attempt.id, by }));
  return { events };
}

function known(state: State, id: Adjust['workload']): WorkloadRecord | Refusal {
  const workload = state.workload(id);
  if (workload === undefined) return { code: 'no-such-workload', workload: id };
  if (workload.state !== 'active') return { code: 'already-ended', workload: id };
  return workload;
}

/** A lease runs nothing of ours, and what is told to stop is left alone. */
function changeable(
  workload: WorkloadRecord,
  { step: id, task: index }: Pick<Adjust, 'step' | 'task'>,
): AttemptRecord[] {
  const running: AttemptRecord[] = [];
  for (const step of workload.steps) {
    if (step.spec.run.kind === 'held' || (id !== undefined && step.spec.id !== id)) continue;
    for (const task of step.tasks) {
      if (task.state !== 'running' || (index !== undefined && task.index !== index)) continue;
      const attempt = currentAttempt(task)!;
      const changed = attempt.live?.before.length ?? 0;
      if (attempt.stop === undefined && changed < ADJUSTMENTS_MAX) running.push(attempt);
    }
  }
  return running;
}

/**
 * The cores of one that has its own, once it holds so much; undefined where it has none or keeps them. Of several
 * that grow on one node only the first may: what the others would get is known once it has them.
 */
function coresOf(
  { table, parts }: State,
  attempt: AttemptRecord,
  cpu: MilliCpu,
  grown: Map<NodeId, number>,
): readonly number[] | Refusal | undefined {
  const { node: id, cores, held } = attempt.placement;
  if (cores === undefined || cpu === held.cpu || !pinsCores(attempt.task.step.spec)) {
    return undefined;
  }
  const again = parts.cores.coresAgain(table.node(table.rowOf(id)!)!, attempt, cpu);
  const first = grown.get(id) ?? 0;
  if ('free' in again || (cpu > held.cpu && first > 0)) {
    return { code: 'cores-short', node: id, asked: cpu, free: 'free' in again ? again.free : 0 };
  }
  if (cpu > held.cpu) grown.set(id, first + 1);
  return again;
}

interface Change {
  readonly held: Resources;
  readonly limits: AdjustedLimits;
}

/** Request and limit become the same, except where there was no limit. */
function change({ placement, live, task }: AttemptRecord, asked: Adjust): Change {
  const { held, memoryLimit } = placement;
  const former = live?.limits ?? { ...task.step.spec.limits, memory: memoryLimit };
  const { cpu = held.cpu, memory = held.memory, pids = former.pids } = asked;
  const nice = asked.nice ?? live?.limits?.nice;
  const limited = <T extends number>(limit: T, given: T | undefined): T =>
    given === undefined || limit === UNLIMITED ? limit : given;
  return {
    held: { ...held, cpu, memory },
    limits: {
      cpu: limited(former.cpu, asked.cpu),
      memory: limited(former.memory, asked.memory),
      pids,
      ...(nice !== undefined && { nice }),
    },
  };
}

/** Why there is no room for what grows; all that grows on a node grows at once. */
function growthRefusal(
  { table, scheduler }: State,
  running: readonly AttemptRecord[],
  changes: readonly Change[],
  at: Adjust['at'],
): Refusal | undefined {
  const byNode = new Map<AttemptRecord['placement']['node'], Resources>();
  let all = NOTHING;
  running.forEach(({ placement: { node, held } }, i) => {
    const more = growth(held, changes[i]!.held);
    byNode.set(node, sum(byNode.get(node) ?? NOTHING, more));
    all = sum(all, more);
  });
  for (const [node, more] of byNode) {
    if (more.cpu === 0 && more.memory === 0) continue;
    const row = table.rowOf(node)!;
    if (table.fits(row, more)) continue;
    const short = table.shortage(row, more);
    if (short !== undefined) return { code: 'insufficient', ...short, node };
    const free = { cpu: table.freeCpu(row), memory: table.freeMemory(row) };
    const resource = more.cpu > 0 ? 'cpu' : 'memory';
    return { code: 'insufficient', resource, asked: more[resource], free: free[resource], node };
  }
  if (all.cpu === 0 && all.memory === 0) return undefined;
  return scheduler.mayGrow?.(running[0]!.task, all, at);
}

const NOTHING: Resources = {
  cpu: 0 as MilliCpu,
  memory: 0 as Bytes,
  gpu: 0 as MilliGpu,
  custom: [],
};

const growth = (held: Resources, wanted: Resources): Resources => ({
  ...NOTHING,
  cpu: Math.max(0, wanted.cpu - held.cpu) as MilliCpu,
  memory: Math.max(0, wanted.memory - held.memory) as Bytes,
});

const sum = (a: Resources, b: Resources): Resources => ({
  ...NOTHING,
  cpu: (a.cpu + b.cpu) as MilliCpu,
  memory: (a.memory + b.memory) as Bytes,
});
