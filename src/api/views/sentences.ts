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
    case 'gang-never-fits':
      return (
        `step ${refusal.step} can never start: its ${refusal.needed} tasks start together, and ` +
        `${refusal.room} of them fit on empty nodes` +
        (refusal.topology === undefined ? '' : ` of one ${refusal.topology}`)
      );
    case 'gang-no-room':
      return (
        `its ${refusal.needed} tasks start together, and ${refusal.room} of them fit ` +
        (refusal.topology === undefined ? 'now' : `in one ${refusal.topology} now`)
      );
    case 'gang-incomplete':
      return `its tasks start together: ${refusal.ready} of ${refusal.needed} are ready`;
    case 'waits-for-victims':
      return `waits for ${refusal.victims.join(', ')} to stop`;
    case 'waits-for-completion':
      return refusal.until === undefined
        ? 'waits for tasks that were told to stop'
        : `nobody is stopped for it: it can start in ${formatSpan(Math.max(0, refusal.until - now))}`;
    case 'reserved':
      return `would fit on ${refusal.node}, where what is free is kept for ${refusal.by}`;
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
