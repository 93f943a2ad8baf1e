import { assertNever } from '../../base/assert.ts';
import { formatAmount, formatBytes } from '../../base/format.ts';
import type { Refusal } from '../../model/refusal.ts';

type Full = Extract<
  Refusal,
  { readonly code: 'queue-full' | 'behind-spilled' | 'overflow-full' | 'spilled' }
>;

type OfQueue =
  | Full
  | Extract<
      Refusal,
      {
        readonly code:
          | 'no-such-queue'
          | 'exceeds-queue'
          | 'queue-cap'
          | 'queue-limit'
          | 'kept-for-others';
      }
    >;

/** Of queues: their names, their room, and what they may hold. */
export function queueSentence(refusal: OfQueue): string {
  switch (refusal.code) {
    case 'queue-full':
    case 'behind-spilled':
    case 'overflow-full':
    case 'spilled':
      return fullSentence(refusal);
    case 'no-such-queue':
      return noSuchQueue(refusal);
    case 'exceeds-queue':
      return (
        `can never start in queue ${refusal.queue}: it asks for ` +
        `${formatAmount(refusal.resource, refusal.asked)}, and the limit there is ` +
        formatAmount(refusal.resource, refusal.limit)
      );
    case 'queue-cap':
      return (
        `${inQueue(refusal)} has ${refusal.count} ${refusal.what} ` +
        `${refusal.count === 1 ? 'task' : 'tasks'}, and ${refusal.max} ` +
        `${refusal.max === 1 ? 'is' : 'are'} allowed` +
        (refusal.what === 'active' ? `; ${wereAsked(refusal.asked)}` : '')
      );
    case 'queue-limit':
      return (
        `asks for ${formatAmount(refusal.resource, refusal.asked)}; ${inQueue(refusal)} holds ` +
        `${formatAmount(refusal.resource, refusal.held)} of its limit of ` +
        formatAmount(refusal.resource, refusal.limit)
      );
    case 'kept-for-others':
      return (
        `asks for ${formatAmount(refusal.resource, refusal.asked)}; ` +
        `${formatAmount(refusal.resource, refusal.kept)} of the ` +
        `${formatAmount(refusal.resource, refusal.free)} free in ${refusal.queue} are kept for other queues`
      );
    default:
      return assertNever(refusal);
  }
}

function noSuchQueue({ queue, near, queues }: Extract<Refusal, { code: 'no-such-queue' }>): string {
  const meant = near === undefined ? ';' : `; did you mean ${near}?`;
  return `there is no queue ${queue}${meant} there are ${queues.join(', ')}`;
}

function fullSentence(refusal: Full): string {
  switch (refusal.code) {
    case 'queue-full': {
      const { active, asked, max } = refusal;
      return `the queue is full: ${active} tasks are active, ${wereAsked(asked)}, ${max} are allowed`;
    }
    case 'behind-spilled': {
      const { queue, spilled } = refusal;
      const wait = spilled === 1 ? 'submission waits' : 'submissions wait';
      return `${spilled} ${wait} on disk for queue ${queue}, and this cannot wait behind them`;
    }
    case 'overflow-full': {
      const { queue, rows, rowsMax, bytes, bytesMax } = refusal;
      const kept = `${rows} of at most ${rowsMax} submissions, ${formatBytes(bytes)} of ${formatBytes(bytesMax)}`;
      return `queue ${queue} is full, and so is the overflow on disk: it keeps ${kept}`;
    }
    case 'spilled': {
      const others = refusal.ahead === 1 ? 'one other' : `${refusal.ahead} others`;
      const behind = refusal.ahead === 0 ? '' : ` behind ${others}`;
      return `waits on disk${behind} until queue ${refusal.queue} has room`;
    }
  }
}

const wereAsked = (count: number): string => `${count} ${count === 1 ? 'was' : 'were'} asked for`;

function inQueue(refusal: { queue: string; tenant?: string | undefined }): string {
  const { queue, tenant } = refusal;
  return tenant === undefined ? `queue ${queue}` : `${tenant} in queue ${queue}`;
}
