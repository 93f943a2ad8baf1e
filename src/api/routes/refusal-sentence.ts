import { assertNever } from '../../base/assert.ts';
import type { Refusal } from '../../model/refusal.ts';

/** A refusal in words for people: what is lacking and where, and what would change it. */
export function refusalSentence(refusal: Refusal): {
  readonly sentence: string;
  readonly change: string | null;
} {
  switch (refusal.code) {
    case 'never-fits': {
      const { step, resource, node } = refusal;
      const largest = amountOf(resource, refusal.largest);
      const where =
        node === undefined ? 'no node has any' : `the largest node, ${node}, has ${largest}`;
      return {
        sentence: `Step ${step} asks ${amountOf(resource, refusal.asked)}; ${where}.`,
        change:
          node === undefined
            ? `Add a node with ${resource}, or do not ask for it.`
            : `Ask at most ${largest}, or add a larger node.`,
      };
    }
    case 'insufficient': {
      const { resource, asked, free, node } = refusal;
      const where = node === undefined ? 'the best node' : node;
      return {
        sentence: `Asks ${amountOf(resource, asked)}; ${where} has ${amountOf(resource, free)} free.`,
        change: `It starts when ${amountOf(resource, asked - free)} more are free on one node${
          free > 0 ? `; with at most ${amountOf(resource, free)} it could start now` : ''
        }.`,
      };
    }
    case 'no-nodes':
      return { sentence: 'No node has joined yet.', change: 'It starts when a node joins.' };
    case 'waits-for-steps':
      return {
        sentence: `Waits for ${listOf(refusal.steps)}.`,
        change: `It starts when ${listOf(refusal.steps)} ${refusal.steps.length === 1 ? 'has' : 'have'} succeeded.`,
      };
    case 'waits-to-retry':
      return {
        sentence: `Its last attempt failed; the next is due at ${new Date(refusal.dueAt).toISOString()}.`,
        change: 'It starts when that time has come and there is room.',
      };
    case 'step-parallelism':
      return {
        sentence: `Its step runs at most ${refusal.max} tasks at once.`,
        change: 'It starts when a task of the step ends; or raise the parallelism of the step.',
      };
    case 'queue-full':
      return {
        sentence: `${refusal.waiting} tasks wait already; the queue holds ${refusal.max}.`,
        change: 'Submit again when some have started.',
      };
    case 'already-ended':
      return { sentence: `Workload ${refusal.workload} has ended.`, change: null };
    case 'no-such-workload':
      return { sentence: `There is no workload ${refusal.workload}.`, change: null };
    default:
      return assertNever(refusal);
  }
}

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function amountOf(resource: string, amount: number): string {
  if (resource === 'cpu') return counted(amount / 1_000, 'CPU');
  if (resource === 'gpu') return counted(amount / 1_000, 'GPU');
  if (resource !== 'memory') return `${amount} ${resource}`;
  let n = amount;
  let unit = 0;
  while (n >= 1_024 && unit < binary.length - 1) {
    n /= 1_024;
    unit++;
  }
  return `${Number(n.toFixed(1))} ${binary[unit]} of memory`;
}

const counted = (n: number, noun: string): string =>
  `${Number(n.toFixed(3))} ${noun}${n === 1 ? '' : 's'}`;

function listOf(names: readonly string[]): string {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length < 2
    ? (shown[0] ?? '')
    : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
