import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { whatIfRequestSchema } from '../../src/api/contract/what-if-documents.ts';
import { policyNames } from '../../src/simulation/policies.ts';
import { quoted } from '../../web/src/shell-words.ts';
import {
  changeWords,
  isLookedAt,
  policySuggestions,
  type WhatIfPlace,
  whatIfCommand,
  whatIfHref,
  whatIfKinds,
  whatIfPlace,
  whatIfRequest,
  whatIfWindows,
  withChange,
} from '../../web/src/what-if-place.ts';
import {
  caveats,
  jobCounts,
  jobDifference,
  lossSentences,
  whatIfSentence,
} from '../../web/src/what-if-words.ts';
import { whatIfAnswer, whatIfGroup, whatIfJob } from '../builders/what-if.ts';

const NOW = 1_795_000_000_000;
const read = (href: string): WhatIfPlace =>
  whatIfPlace(new URLSearchParams(href.split('?')[1] ?? ''));

const place = fc.record({
  changes: fc
    .array(fc.record({ kind: fc.constantFrom(...whatIfKinds), text: fc.string({ maxLength: 12 }) }))
    .map((all) => all.reduce(withChange, [])),
  window: fc.option(fc.constantFrom(...whatIfWindows), { nil: undefined }),
});

test('the address gives the question back', () => {
  fc.assert(
    fc.property(place, (at) => {
      const back = read(whatIfHref(at));
      assert.deepEqual(whatIfRequest(back), whatIfRequest(at));
      assert.equal(whatIfHref(read(whatIfHref(back))), whatIfHref(back));
    }),
  );
});

test('what is asked is what the route takes, however often a knob is turned', () => {
  const ids = Array.from({ length: 40 }, (_, i) => ({ kind: 'cancel', text: `${i}` }) as const);
  const changes = [
    { kind: 'policy', text: 'sjf' },
    { kind: 'set', text: 'queues.train.weight=3' },
    { kind: 'policy', text: ' fair_share ' },
    { kind: 'set', text: 'queues.train.weight=4=5' },
    { kind: 'lose', text: 'n1' },
    { kind: 'lose', text: 'n1' },
    { kind: 'add', text: '  ' },
    ...ids,
  ] as const;
  const asked = whatIfRequest({ changes: changes.reduce(withChange, []), window: '7d' });
  assert.deepEqual(whatIfRequestSchema.parse(asked), asked);
  assert.deepEqual(
    [asked.policy, asked.set, asked.lose_nodes, asked.add_nodes, asked.cancel.length],
    ['fair_share', ['queues.train.weight=4=5'], ['n1'], [], 32],
  );
  assert.equal(read('#/what-if?window=9y').window, undefined);
});

test('the command is quoted as a shell takes it', () => {
  const table = [
    ['queues.train.weight=9', 'queues.train.weight=9'],
    ['queues.sweep.limit={cpu: 4}', "'queues.sweep.limit={cpu: 4}'"],
    ["$(rm -rf ~)'s", "'$(rm -rf ~)'\\''s'"],
    ['', "''"],
    ['a\nb', "'a\nb'"],
  ] as const;
  for (const [word, text] of table) assert.equal(quoted(word), text);
  const at = read('#/what-if?set=quotas[GPU-hours of ada].gpu_hours%3D&add=like%3Dn1&window=24h');
  assert.equal(
    whatIfCommand(at),
    "berth whatif --set 'quotas[GPU-hours of ada].gpu_hours=' --add-node like=n1 --window 24h",
  );
});

test('each change says what it is', () => {
  const table = [
    ['set', 'queues.train.weight=3', 'queues.train.weight is 3'],
    ['set', 'queues.train.limit=', 'queues.train.limit not set'],
    ['set', 'nonsense', 'set nonsense'],
    ['policy', 'sjf', 'policy sjf'],
    ['add', 'like=n1', '1 node more like n1'],
    ['add', 'like=n1,count=3', '3 nodes more like n1'],
    ['add', 'cpu=32,memory=128Gi', 'a node more: cpu=32,memory=128Gi'],
    ['lose', 'n2', 'without node n2'],
    ['cancel', '12', 'without job 12'],
  ] as const;
  for (const [kind, text, said] of table) assert.equal(changeWords({ kind, text }), said);
});

test('every policy is suggested, and only keys that a what-if looks at', () => {
  assert.deepEqual([...policySuggestions], [...policyNames]);
  assert.deepEqual(
    ['queues.train.weight', 'quotas[0].gpu_hours', 'qos', 'queues_x', 'monitoring.notify'].map(
      isLookedAt,
    ),
    [true, true, true, false, false],
  );
});

test('the sentence says what changes, for whom, and what it costs', () => {
  const answer = whatIfAnswer(NOW);
  const total = (more: Parameters<typeof whatIfGroup>[1]) => ({
    ...answer,
    tenants: [],
    total: whatIfGroup('', more),
  });
  const table = [
    [total({}), '4 jobs would wait as long as now on average.'],
    [total({ wait_after_ms: null }), 'How long 4 jobs would wait is not known.'],
    [total({ wait_after_ms: 600_002 }), '4 jobs would wait under 0.1s more on average.'],
    [
      total({ never_after: 2, charged_after: 250_000 }),
      '4 jobs would wait as long as now on average. 2 jobs would not start at all. It would cost $0.25 more.',
    ],
    [
      total({ never_before: 1 }),
      '4 jobs would wait as long as now on average. 1 job more would start.',
    ],
    [total({ jobs: 0 }), 'No job waits, so no wait changes.'],
    [
      { ...total({ jobs: 0 }), mode: 'window' as const },
      'Nothing was submitted in that time, so no wait changes.',
    ],
  ] as const;
  for (const [document, sentence] of table) assert.equal(whatIfSentence(document), sentence);
  assert.equal(
    whatIfSentence({
      ...whatIfAnswer(NOW, { lose_nodes: ['n1'] }),
      total: whatIfGroup('', { jobs: 0 }),
    }),
    'No job waits, so no wait changes. 2 tasks would start again elsewhere, or wait.',
  );
});

test('a job is earlier or later, starts at all, or is not there', () => {
  const both = whatIfJob('1', [NOW + 60_000, NOW]);
  const table = [
    [both, { ms: -60_000, text: '1m 00s earlier' }],
    [whatIfJob('1', [NOW, NOW + 90_000]), { ms: 90_000, text: '1m 30s later' }],
    [whatIfJob('1', [NOW, null]), { ms: undefined, text: 'does not start' }],
    [whatIfJob('1', [null, NOW]), { ms: undefined, text: 'starts at all' }],
    [
      { ...both, after: null },
      { ms: undefined, text: 'not there' },
    ],
    [
      { ...both, before: null },
      { ms: undefined, text: 'new' },
    ],
    [
      whatIfJob('1', [NOW, NOW], { runs: true, end_change_ms: 5_000 }),
      { ms: 5_000, text: 'ends 5.0s later' },
    ],
  ] as const;
  for (const [job, difference] of table) assert.deepEqual(jobDifference(job), difference);
  assert.equal(jobCounts(whatIfAnswer(NOW)), '1 earlier, 1 later, 1 not at all');
  assert.equal(
    jobCounts({ ...whatIfAnswer(NOW), jobs_total: 2_000 }),
    '1 earlier, 1 later, 1 not at all, of the 4 that change most',
  );
});

test('what is guessed and not known is said, and what becomes of a lost node', () => {
  assert.deepEqual(caveats({ ...whatIfAnswer(NOW), cut: 'horizon' }), [
    'Run times of 1 task are guessed, of 8 known; where nothing at all is known, 1h 00m is assumed.',
    'If those took half as long: mean wait 1m 00s less.',
    'If those took 2 times as long: mean wait would be the same.',
    '1 job here goes by results that are not known yet.',
    'Some has not ended within the 30 days that were looked at.',
    'Of 1 node it is not known how fast it is.',
    'What others are still to submit is not in it.',
  ]);
  const loss = whatIfAnswer(NOW, { lose_nodes: ['n1'] }).node_loss!;
  assert.deepEqual(lossSentences(loss, NOW), [
    '2 tasks run on n1. Some never have a place again.',
    '3 other jobs are delayed.',
    'Late because of it: 7.',
    'chat loses 2 of 3 replicas for 1m 30s.',
  ]);
  assert.deepEqual(lossSentences({ ...loss, lost_total: 0 }, NOW), ['Nothing runs on n1.']);
});
