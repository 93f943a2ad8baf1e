import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalSentence } from '../../src/api/routes/refusal-sentence.ts';
import type { Refusal } from '../../src/model/refusal.ts';

const GIB = 1_073_741_824;
const cases: Record<string, { of: unknown; want: [string, string | null] }> = {
  'more GPUs than any node has': {
    of: {
      code: 'never-fits',
      step: 'fit',
      resource: 'gpu',
      asked: 9_000,
      largest: 8_000,
      node: 'a',
    },
    want: [
      'Step fit asks 9 GPUs; the largest node, a, has 8 GPUs.',
      'Ask at most 8 GPUs, or add a larger node.',
    ],
  },
  'a resource that no node has': {
    of: {
      code: 'never-fits',
      step: 'fit',
      resource: 'licence',
      asked: 2,
      largest: 0,
      node: undefined,
    },
    want: [
      'Step fit asks 2 licence; no node has any.',
      'Add a node with licence, or do not ask for it.',
    ],
  },
  'memory that is not free': {
    of: { code: 'insufficient', resource: 'memory', asked: 12 * GIB, free: 4.5 * GIB, node: 'a' },
    want: [
      'Asks 12 GiB of memory; a has 4.5 GiB of memory free.',
      'It starts when 7.5 GiB of memory more are free on one node; with at most 4.5 GiB of memory it could start now.',
    ],
  },
  'CPU of which nothing is free': {
    of: { code: 'insufficient', resource: 'cpu', asked: 1_000, free: 0, node: undefined },
    want: [
      'Asks 1 CPU; the best node has 0 CPUs free.',
      'It starts when 1 CPU more are free on one node.',
    ],
  },
  'many steps before it': {
    of: { code: 'waits-for-steps', steps: ['a', 'b', 'c', 'd', 'e'] },
    want: ['Waits for a, b, c and 2 more.', 'It starts when a, b, c and 2 more have succeeded.'],
  },
  'a retry that is not due': {
    of: { code: 'waits-to-retry', dueAt: 1_795_000_000_000 },
    want: [
      'Its last attempt failed; the next is due at 2026-11-18T11:06:40.000Z.',
      'It starts when that time has come and there is room.',
    ],
  },
  'a full queue': {
    of: { code: 'queue-full', waiting: 100, max: 100 },
    want: ['100 tasks wait already; the queue holds 100.', 'Submit again when some have started.'],
  },
  'one that has ended': {
    of: { code: 'already-ended', workload: '3' },
    want: ['Workload 3 has ended.', null],
  },
};
for (const [name, { of, want }] of Object.entries(cases)) {
  test(`refusal in words: ${name}`, () => {
    const { sentence, change } = refusalSentence(of as Refusal);
    assert.deepEqual([sentence, change], want);
  });
}
