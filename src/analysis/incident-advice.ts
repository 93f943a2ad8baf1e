import { formatSpan } from '../base/format.ts';
import type { Remedy } from './finding.ts';
import type { Incident } from './incidents.ts';

/** Which way a remedy holds a cascade up. */
type Pattern = 'look' | 'circuit breaker' | 'backpressure' | 'bulkhead' | 'isolate' | 'memory';

/** With the setting of Berth that does it: what stops it now comes first. */
export function adviceOn(incident: Incident): readonly Remedy[] {
  return patternsFor(incident).map((pattern) => remedies[pattern](incident));
}

function patternsFor({ class: kind, memory, parent, retried }: Incident): readonly Pattern[] {
  const forMemory: readonly Pattern[] = memory.verdict === 'no' ? [] : ['memory'];
  const breaker: readonly Pattern[] = retried > 0 ? ['circuit breaker'] : [];
  switch (kind) {
    case 'exponential':
      return [...forMemory, 'circuit breaker', 'backpressure', 'bulkhead'];
    case 'clustered':
      return parent?.kind === 'tenant' || parent?.kind === 'queue'
        ? [...forMemory, 'bulkhead', ...breaker, 'look']
        : ['isolate', ...forMemory, ...breaker, 'look'];
    case 'linear':
      return [...forMemory, 'backpressure', ...breaker, 'look'];
    case 'unclear':
      return ['look', ...forMemory, ...breaker];
  }
}

const remedies: Record<Pattern, (incident: Incident) => Remedy> = {
  look: ({ first }) => ({
    title: 'Read what the first one said',
    why: 'What fails later is often only an effect.',
    risk: 'none',
    effect: 'Says why it ended.',
    command: `berth logs ${first} --stderr`,
  }),
  'circuit breaker': ({ doublingMs }) => ({
    title: 'Circuit breaker: few retries, far apart',
    why: 'A task that starts again at once does to the rest what the last one did.',
    risk: 'low',
    effect: `Set \`retry.max_retries: 2\`, \`retry.backoff: ${backoffFor(doublingMs)}\` and \`retry.backoff_factor: 4\` in the document, for a service \`service.restart.backoff_max\`, for a pipeline \`pipeline.resource_limits.max_retries\`. Fails sooner, and stops loading what is broken.`,
    command: undefined,
  }),
  backpressure: () => ({
    title: 'Backpressure: let in less than there is room for',
    why: 'What waits in the queue comes back all at once when something fails.',
    risk: 'low',
    effect:
      'Set `queues.NAME.max_active` and `queues.NAME.overflow_policy: spill_to_disk` (nothing is lost, it waits on disk), and `queues.NAME.batch_size` with `processing_interval` to start in batches.',
    command: 'berth config explain queues',
  }),
  bulkhead: ({ tenants }) => ({
    title: 'Bulkhead: walls between those who share',
    why:
      tenants.length > 1
        ? `${tenants.length} tenants failed together: one can take the room of all.`
        : 'One tenant can take the room of all.',
    risk: 'medium',
    effect:
      'Set `multi_tenancy.users.NAME.max_running` and `queues.NAME.tenants.NAME.limit`, and keep nodes apart by `reservations` or taints. A failure stays where it began; what is walled off is used less.',
    command: 'berth quota',
  }),
  isolate: ({ parent }) => ({
    title: `Take ${parent?.kind ?? 'it'} ${parent?.name ?? ''} out of use`.trim(),
    why: `${parent?.failed ?? 0} of the failures have it in common.`,
    risk: parent?.kind === 'node' || parent?.kind === 'gpu' ? 'low' : 'medium',
    effect: isolation(parent?.kind),
    command: parent?.kind === 'workload' ? `berth pause ${parent.name}` : undefined,
  }),
  memory: ({ memory }) => ({
    title: 'Hold tasks to the memory that they need',
    why: `${memory.first + memory.second} attempts ended for want of memory, ${memory.second} of them in the second half.`,
    risk: 'low',
    effect:
      'Set `resources.memory` with a request as large as its limit, `retry.memory_growth: 1.5` instead of a retry with as little, and `qos.classes.best_effort.eviction_threshold` so that the least important goes first.',
    command: 'berth suggest',
  }),
};

/** Longer than the time in which failures double, or retries keep it going. */
const backoffFor = (doublingMs: number | undefined): string =>
  doublingMs === undefined
    ? '30s'
    : formatSpan(Math.max(30_000, Math.ceil(doublingMs / 30_000) * 30_000)).replace(/ .*/, '');

function isolation(kind: string | undefined): string {
  switch (kind) {
    case 'node':
    case 'gpu':
      return 'Taint or drain the node in the file of nodes, and look at `berth doctor`; its tasks run elsewhere.';
    case 'rack':
    case 'zone':
    case 'switch':
      return 'Nodes that fail together share power, cooling or a switch: look there before their tasks.';
    case 'command':
    case 'step':
      return 'The program fails wherever it runs: compare with the version before, and keep its retries few.';
    default:
      return 'Stop it until the cause is known; the rest goes on.';
  }
}
