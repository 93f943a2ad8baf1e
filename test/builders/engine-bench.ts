import { type TimeMs, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/engine-options.ts';
import type { AttemptEnd, EndCause, StopReason, ToldUse } from '../../src/model/attempt.ts';
import type { FlowValue } from '../../src/model/flow.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event, ScheduledRetry } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { GIB } from './workload.ts';

const tenant = 'tester' as TenantId;

/** An engine with a hand on the clock; every event is kept, as a journal would. */
export const bench = (...nodes: Node[]) => benchWith({}, ...nodes);

export function benchWith(changes: Partial<EngineOptions>, ...nodes: Node[]) {
  const options = { tasksMax: 1_000, endedMax: 10, ...changes };
  const engine = new Engine(options, {
    scheduler: (deps) => new PriorityScheduler(deps, firstFit),
  });
  const journal: Event[] = [];
  let now = 0;
  function settle(): string[] {
    const seen: Event[] = [];
    for (let e = engine.next(timeMs(now)); e !== undefined; e = engine.next(timeMs(now))) {
      engine.apply(e);
      journal.push(e);
      seen.push(e);
    }
    return seen.map(brief);
  }
  function send(command: Command): string[] {
    const decision = engine.decide(command);
    for (const event of decision.events) {
      engine.apply(event);
      journal.push(event);
    }
    const said =
      decision.answer.kind === 'refused' ? [`refused ${decision.answer.refusal.code}`] : [];
    return [...said, ...decision.events.map(brief), ...settle()];
  }
  const at = (): TimeMs => timeMs(now);
  for (const n of nodes) send({ kind: 'join-node', at: at(), node: n });
  return {
    engine,
    journal,
    submit: (spec: WorkloadSpec) => send({ kind: 'submit', at: at(), tenant, spec }),
    cancel: (id: string) =>
      send({ kind: 'cancel', at: at(), workload: id as WorkloadId, by: tenant }),
    /** The order alone, for whatever reason: it runs still. */
    order: (attempt: string, reason: StopReason) => {
      const event = { kind: 'stop-ordered', at: at(), attempt: attempt as AttemptId } as const;
      engine.apply({ ...event, reason });
      journal.push({ ...event, reason });
    },
    end: (attempt: string, cause: EndCause = 'succeeded') =>
      send({ kind: 'report-ended', at: at(), attempt: attempt as AttemptId, end: endedBy(cause) }),
    /** It succeeded, and said so of its results. */
    say: (attempt: string, outputs: Readonly<Record<string, FlowValue>>) =>
      send({
        kind: 'report-ended',
        at: at(),
        attempt: attempt as AttemptId,
        end: { ...endedBy('succeeded'), outputs },
      }),
    /** While it runs: all of its use so far. */
    uses: (attempt: string, used: ToldUse) =>
      send({ kind: 'report-use', at: at(), attempt: attempt as AttemptId, used }),
    /** It ended so, and told of its use before. */
    endWith: (attempt: string, used: ToldUse, cause: EndCause = 'succeeded') =>
      send({
        kind: 'report-ended',
        at: at(),
        attempt: attempt as AttemptId,
        end: { ...endedBy(cause), used },
      }),
    retry: (id: string, afresh = false) =>
      send({ kind: 'retry', at: at(), workload: id as WorkloadId, afresh }),
    /** In one batch: nothing is decided before all of them are known. */
    endAll: (ends: readonly (readonly [attempt: string, cause: EndCause])[]) => {
      for (const [attempt, cause] of ends) {
        const end = endedBy(cause);
        const id = attempt as AttemptId;
        const { events } = engine.decide({ kind: 'report-ended', at: at(), attempt: id, end });
        for (const event of events) engine.apply(event);
      }
      return settle();
    },
    /** What the holder of a lease tells. */
    told: (kind: 'renew-lease' | 'release-lease', id: string) =>
      send({ kind, at: at(), workload: id as WorkloadId, by: tenant }),
    /** The daemon was down for so long: nothing was decided meanwhile. */
    down: (ms: number) => {
      now += ms;
      return send({ kind: 'resume', at: at() });
    },
    leave: (id: string) => send({ kind: 'leave-node', at: at(), node: id as NodeId }),
    wait: (ms: number) => {
      now += ms;
      return send({ kind: 'tick', at: at() });
    },
    join: (n: Node) => send({ kind: 'join-node', at: at(), node: n }),
  };
}

export function endedBy(cause: EndCause): AttemptEnd {
  return {
    cause,
    usage: {},
    enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  };
}

function brief(e: Event): string {
  switch (e.kind) {
    case 'task-placed':
      return `placed ${e.attempt} on ${e.placement.node}`;
    case 'task-ended':
      return `ended ${e.attempt} ${e.end.cause}${again(e.retry)}`;
    case 'step-ended':
      return `step ${e.step} ${e.state}`;
    case 'workload-ended':
      return `workload ${e.workload} ${e.state}`;
    case 'attempts-lined-up':
      return `line ${e.behind} ${e.attempts.join(' ')}`;
    case 'stop-ordered':
      return `stop ${e.attempt} ${e.reason}`;
    default:
      return e.kind;
  }
}

function again(retry: ScheduledRetry | undefined): string {
  if (retry === undefined) return '';
  const memory = retry.memory === undefined ? '' : ` with ${retry.memory / GIB}Gi`;
  return `, again at ${retry.dueAt}${memory}`;
}
