import { assertNever } from '../../base/assert.ts';
import { formatAmount, formatSpan } from '../../base/format.ts';
import type { TimeMs } from '../../base/units.ts';
import type { Refusal } from '../../model/refusal.ts';

/** What is lacking and where, in words. The one place that turns a refusal into a sentence. */
export function refusalSentence(refusal: Refusal, now: TimeMs): string {
  switch (refusal.code) {
    case 'never-fits':
      return (
        `step ${refusal.step} can never start: it asks for ${formatAmount(refusal.resource, refusal.asked)}, ` +
        `and the node that comes nearest${refusal.node === undefined ? '' : `, ${refusal.node},`} has ` +
        formatAmount(refusal.resource, refusal.largest)
      );
    case 'insufficient':
      return (
        `asks for ${formatAmount(refusal.resource, refusal.asked)}; ` +
        `${refusal.node ?? 'no node'} has ${formatAmount(refusal.resource, refusal.free)} free`
      );
    case 'constraints':
      return `nodes with room for it are not allowed by its constraints (${refusal.filters.join(', ')})`;
    case 'no-nodes':
      return 'no node has joined';
    case 'waits-for-steps':
      return `waits for ${refusal.steps.length === 1 ? 'step' : 'steps'} ${refusal.steps.join(', ')}`;
    case 'waits-to-retry':
      return `tries again in ${formatSpan(Math.max(0, refusal.dueAt - now))}`;
    case 'step-parallelism':
      return `at most ${refusal.max} of its tasks may run at once`;
    case 'queue-full':
      return (
        `the queue is full: ${refusal.active} tasks are active, ${refusal.asked} were asked for, ` +
        `${refusal.max} are allowed`
      );
    case 'already-ended':
      return `workload ${refusal.workload} has ended`;
    case 'no-such-workload':
      return `there is no workload ${refusal.workload}`;
    default:
      return assertNever(refusal);
  }
}
