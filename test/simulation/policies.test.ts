import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defaultScheduling,
  queueConfig,
  type SchedulingConfig,
} from '../../src/model/scheduling-config.ts';
import { engineFor, policyNamed, policyNames } from '../../src/simulation/policies.ts';
import { job, playTrace } from '../builders/simulation.ts';

const twoQueues: SchedulingConfig = {
  ...defaultScheduling,
  root: queueConfig('root', { children: [queueConfig('default'), queueConfig('night')] }),
};

/** What a name comes to, in words. */
function said(name: string, base?: SchedulingConfig): string {
  const policy = policyNamed(name, base);
  if ('why' in policy) return policy.why;
  const { root, scorers, backfill, plan } = policy.config;
  const orders = [root, ...root.children].map(({ order, fifo }) => `${order.name} ${fifo}`);
  const sum = scorers.map((scorer) => `${scorer.weight} × ${scorer.name}`).join(' + ');
  return [...new Set(orders), sum, backfill.kind, ...(plan ? [plan] : [])].join(', ');
}

const tables: Record<string, { name: string; base?: SchedulingConfig; want: string }> = {
  'first come, first served is strict': {
    name: 'fcfs',
    want: 'fifo strict, 1 × best-fit, none',
  },
  'backfill leaves the order as it is': {
    name: 'easy',
    want: 'priority best-effort, 1 × best-fit, easy',
  },
  'shortest first': {
    name: 'easy-sjbf',
    want: 'priority best-effort, 1 × best-fit, easy-shortest-first',
  },
  'a scorer takes the place of those of the site, and the next one is added to it': {
    name: 'fgd+tetris',
    want: 'priority best-effort, 1 × fgd + 1 × tetris, none',
  },
  'an order goes into every queue': {
    name: 'drf',
    base: twoQueues,
    want: 'drf best-effort, 1 × best-fit, none',
  },
  'a strategy has an order and scorers': {
    name: 'balanced',
    want: 'multifactor best-effort, 4 × best-fit + 3 × tetris + 3 × spread, none',
  },
  'and a plan': {
    name: 'optimal',
    want: 'priority best-effort, 1 × fill-plan, none, optimal',
  },
  'what is said later goes before the strategy': {
    name: 'greedy+sjf+conservative',
    want: 'sjf best-effort, 1 × first-fit, conservative',
  },
  'adaptive is a strategy when it stands first, and else a scorer': {
    name: 'fifo+adaptive',
    want: 'fifo best-effort, 1 × adaptive, none',
  },
  'a strategy stands first': {
    name: 'easy+balanced',
    want: 'balanced is a strategy: it stands first.',
  },
  'an unknown name tells the nearest': {
    name: 'fair-shore',
    want: 'No policy is called fair-shore; fair-share?',
  },
  'so does an unknown part': {
    name: 'fifo+esy',
    want: 'No policy is called esy; easy?',
  },
  'a name of every object is no policy': {
    name: 'constructor',
    want: 'No policy is called constructor.',
  },
  'backfill needs an order of all that wait': {
    name: 'lottery+easy',
    want: 'lottery+easy: lottery tells only who is first, and backfill looks beyond.',
  },
  'backfill over several queues is refused': {
    name: 'easy',
    base: twoQueues,
    want: 'easy: backfill is for a site of one queue; this one has 2.',
  },
};

for (const [sentence, { name, base, want }] of Object.entries(tables)) {
  test(sentence, () => assert.equal(said(name, base), want));
}

test('every name that people are told runs jobs to their end', () => {
  for (const name of policyNames) {
    const policy = policyNamed(name);
    assert.ok('config' in policy, name);
    const jobs = [job('a', 0, 5, { cpu: 3 }), job('b', 1, 5, { cpu: 3 }), job('c', 2, 2)];
    const { end } = playTrace({ jobs, engine: engineFor(policy.config) });
    assert.deepEqual([name, end.unended, end.refused], [name, 0, 0]);
  }
});
