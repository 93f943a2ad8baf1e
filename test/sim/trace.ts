import type { Event } from '../../src/model/messages.ts';

/** One event as a line for people: used by the trace of a seed and by the scenarios. */
export function eventLine(event: Event): string {
  switch (event.kind) {
    case 'node-joined':
      return `joined ${event.node.id}`;
    case 'node-left':
      return `left ${event.node}`;
    case 'workload-submitted':
      return `submitted ${event.workload}`;
    case 'workload-spilled':
      return `spilled ${event.workload}`;
    case 'spill-dropped':
      return `dropped ${event.workload}`;
    case 'task-placed': {
      const { node, gpus } = event.placement;
      return `placed ${event.attempt} on ${node}${gpus.length === 0 ? '' : ` with ${gpus.join(' ')}`}`;
    }
    case 'attempts-lined-up':
      return `lined up ${event.attempts.join(' ')} behind ${event.behind}`;
    case 'task-started':
      return `started ${event.attempt}`;
    case 'stop-ordered':
      return `stop ${event.attempt}`;
    case 'preemption-ordered': {
      const { preemptor, victims, chosen } = event.preemption;
      const stopped = victims.map(({ attempt }) => attempt).join(' ');
      return `preempt ${stopped} for ${preemptor} by ${chosen}`;
    }
    case 'seats-kept': {
      const { task, claims } = event.keep;
      return `keep ${claims.map(({ node, members }) => `${members} on ${node}`).join(', ')} for ${task}`;
    }
    case 'task-ended':
      return `ended ${event.attempt} ${event.end.cause}${again(event)}`;
    case 'retry-due':
      return `due ${event.task}`;
    case 'step-ended':
      return `step ${event.workload}.${event.step} ${event.state}`;
    case 'step-opened':
      return `opened ${event.workload}.${event.step}`;
    case 'step-expanded':
      return `expanded ${event.workload}.${event.step} to ${event.items.length}`;
    case 'limit-reached':
      return `limit ${event.workload} ${event.reached.limit}`;
    case 'cancel-requested':
      return `cancel ${event.workload} by ${event.by}`;
    case 'reserve-renewed':
      return `renewed the reserve of ${event.attempt}: ${event.charged} paid, ${event.reserved.amount} held`;
    case 'spend-settled':
      return `spent ${event.spending.amount} on ${event.spending.what}`;
    case 'budget-warned':
      return `soft limit of ${event.facts.budget}`;
    case 'budget-exceeded':
      return `no money for ${event.workload}: ${event.facts.budget}`;
    case 'attempt-adjusted': {
      const { attempt, held } = event;
      return `adjust ${attempt} to cpu=${held.cpu / 1000} memory=${held.memory / 1024 ** 3}Gi`;
    }
    case 'attempt-paused':
      return `pause ${event.attempt}`;
    case 'attempt-resumed':
      return `resume ${event.attempt}`;
    case 'adjustment-reported':
      return `held ${event.attempt} ${event.terms.map(({ term, by }) => `${term}:${by}`).join(' ')}`;
    case 'priority-changed':
      return `priority ${event.workload} ${event.priority}`;
    case 'eviction-ordered':
      return `evict ${event.eviction.attempt} (${event.eviction.qos}, ${event.eviction.threshold})`;
    case 'spot-priced':
      return `spot prices ${event.quotes.map(({ type = 'any', price }) => `${type} ${price}`).join(', ')}`;
    case 'spot-noticed':
      return `spot ${event.node}`;
    case 'rebalance-started':
      return `rebalance ${event.plan.node}: ${event.plan.moves.length} moves`;
    case 'move-ordered':
      return `move ${event.move.attempt} to ${event.move.to}`;
    case 'move-ended':
      return `moved ${event.move.attempt} ${event.outcome}`;
    case 'storage-measured':
      return `storage ${event.used.map(({ tenant, bytes }) => `${tenant} ${bytes}`).join(', ')}`;
    case 'attempt-used':
      return `used ${event.attempt} ${JSON.stringify(event.used)}`;
    case 'lease-renewed':
      return `renewed ${event.workload}`;
    case 'task-probed':
      return `${event.probe} of ${event.attempt} ${event.ok ? 'succeeds' : 'fails'}`;
    case 'service-scaled':
      return `scaled ${event.workload} to ${event.replicas}`;
    case 'service-updated':
    case 'canary-passed':
    case 'rollout-finished':
      return `${event.kind} ${event.workload} revision ${event.revision}`;
    case 'service-rolled-back':
      return `rolled back ${event.workload} from ${event.from} to ${event.to}: ${event.reason}`;
    case 'replica-opened':
    case 'replica-retired':
      return `${event.kind} ${event.task}`;
    case 'workload-ended':
      return `workload ${event.workload} ${event.state}`;
    case 'workload-retired':
      return `retired ${event.workload}`;
    default:
      throw new Error(`an event without a line: ${JSON.stringify(event satisfies never)}`);
  }
}

function again({ at, retry }: Extract<Event, { kind: 'task-ended' }>): string {
  if (retry === undefined) return '';
  const memory = retry.memory === undefined ? '' : ` with ${retry.memory / 1024 ** 3}Gi`;
  return `, again in ${(retry.dueAt - at) / 1000}s${memory}`;
}
