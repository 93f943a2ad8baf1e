import { type SpanMs, spanMs, timeMs } from '../../src/base/units.ts';
import type { AttemptId, QueueName, TaskId, TenantId } from '../../src/model/ids.ts';
import type { Node } from '../../src/model/node.ts';
import type { Resources } from '../../src/model/resources.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Occupancy } from '../../src/scheduling/occupancy.ts';
import type { PreemptionAsk } from '../../src/scheduling/preemption.ts';
import type { Candidate, Gang, Running } from '../../src/scheduling/scheduler.ts';

/** A table with tasks on it, for searches that need no engine. */
export class Cluster {
  readonly table = new NodeTable();
  readonly occupancy = new Occupancy<Candidate>();
  #number = 0;

  constructor(...nodes: readonly Node[]) {
    for (const node of nodes) this.table.join(node);
  }

  run(node: string, held: Resources, changes: Partial<Candidate> = {}, placedAt = 0): AttemptId {
    const row = this.table.rowOf(node as never)!;
    const gpus = this.table.chooseGpus(row, held.gpu).map((gpu) => gpu.id);
    this.table.take(row, held, gpus);
    const task = candidate(++this.#number, changes);
    const attempt = `${task.id}.1` as AttemptId;
    const running: Running<Candidate> = {
      attempt,
      task,
      row,
      held,
      gpus,
      placedAt: timeMs(placedAt),
    };
    this.occupancy.add(running);
    return attempt;
  }
}

export function candidate(number: number, changes: Partial<Candidate> = {}): Candidate {
  return {
    id: `${number}.s.0` as TaskId,
    tenant: 'ada' as TenantId,
    queue: 'default' as QueueName,
    priority: 0,
    age: number,
    submittedAt: timeMs(0),
    stepIndex: 0,
    index: 0,
    shape: 0,
    estimateMs: undefined,
    deadlineAt: undefined,
    waitingSince: timeMs(0),
    attained: { cpu: 0, gpu: 0 },
    ...changes,
  };
}

export const gang = (key: string, min: number, alive: number): Gang => ({
  key,
  min,
  size: alive,
  alive,
  running: alive,
});

export const HOUR: SpanMs = spanMs(3_600_000);

/** A preemptor of priority 10 at one o'clock, with nothing in its way but the victims' own terms. */
export function asking(
  ask: Resources,
  members: number,
  changes: Partial<PreemptionAsk<Candidate>> = {},
): PreemptionAsk<Candidate> {
  return {
    task: candidate(1_000, { priority: 10 }),
    ask,
    members,
    at: timeMs(HOUR),
    options: { minRunMs: spanMs(0), perQueueHour: 1_000 },
    budget: () => 1_000,
    ...changes,
  };
}
