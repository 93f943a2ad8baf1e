import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueueName, TenantId } from '../../src/model/ids.ts';
import { entitled, overGuarantee, QueueTree } from '../../src/scheduling/queue-tree.ts';
import { bp, productionResearchBestEffort } from '../builders/seed-tree.ts';
import {
  type Ask,
  config,
  guarantee,
  limit,
  node,
  order,
  queueConfig,
  Site,
} from '../builders/site.ts';

const q = queueConfig;
const GIB = 1024 ** 3;

/** One node on which each queue is asked for more than there is. */
function shared(children: Parameters<typeof config>[0], cpus: number, asks: readonly Ask[]): Site {
  const site = new Site(config(children), node('n', { cpu: cpus * 1000 }));
  for (const ask of asks) site.submit(ask);
  site.pass();
  return site;
}
const greedy = (...queues: string[]): Ask[] => queues.map((queue) => ({ queue, count: 200 }));

test('production, research and best effort share 60 : 30 : 10, and their children in turn', () => {
  const all = ['ml_serving', 'batch_inference', 'model_training', 'experimentation', 'best_effort'];
  const site = shared(productionResearchBestEffort, 100, greedy(...all));
  assert.deepEqual(site.held('queue'), {
    ml_serving: 42,
    batch_inference: 18,
    model_training: 24,
    experimentation: 6,
    best_effort: 10,
  });
});

test('weights count among those that want something only: an idle queue lends its part', () => {
  const site = shared(productionResearchBestEffort, 70, greedy('ml_serving', 'best_effort'));
  assert.deepEqual(site.held('queue'), { ml_serving: 60, best_effort: 10 });
});

test('a queue that grows idle is out of the share, and back in it when it wants something', () => {
  const site = shared([q('a'), q('b')], 10, greedy('a'));
  assert.deepEqual(site.held('queue'), { a: 10 });
  site.submit({ queue: 'b', count: 100 });
  for (const id of [...site.running.keys()].slice(0, 5)) site.end(id);
  site.pass();
  assert.deepEqual(site.held('queue'), { a: 5, b: 5 });
});

/** Hierarchical DRF, Bhattacharya et al. 2013: n1 wants CPU; n2 has a child for CPU and one for GPUs. */
const hdrf = [q('n1'), q('n2', { children: [q('n2.1'), q('n2.2')] })];

test('hierarchical DRF does not starve: a child with a resource to itself does not count against its sibling', () => {
  const site = new Site(config(hdrf), node('n', { cpu: 24_000, gpus: 8 }));
  site.submit({ queue: 'n2.2', cpu: 0, gpu: 1, count: 100 });
  site.pass();
  site.submit({ queue: 'n1', count: 100 });
  site.submit({ queue: 'n2.1', count: 100 });
  site.pass();
  assert.deepEqual(site.held('queue'), { 'n2.2': 8, n1: 12, 'n2.1': 12 });
});

test('hierarchical DRF does not block: a child that can start nothing does not make its parent look poor', () => {
  const site = new Site(config(hdrf), node('n', { cpu: 24_000, gpus: 8 }));
  site.submit({ queue: 'n2.2', cpu: 0, gpu: 1 });
  site.submit({ queue: 'n1' });
  site.pass();
  site.submit({ queue: 'n2.2', cpu: 24 });
  site.pass();
  site.submit({ queue: 'n1', count: 100 });
  site.submit({ queue: 'n2.1', count: 100 });
  site.pass();
  const held = site.held('queue');
  assert.deepEqual([held['n1'], held['n2.1']], [12, 12]);
});

test('a guarantee comes before shares, and what it does not use is lent', () => {
  const queues = [q('a', { guaranteed: guarantee({ cpu: 6 }) }), q('b')];
  assert.deepEqual(shared(queues, 8, greedy('b')).held('queue'), { b: 8 }, 'lent');
  assert.deepEqual(shared(queues, 8, greedy('b', 'a')).held('queue'), { a: 6, b: 2 });
});

test('idle guarantees are borrowable while their owner waits for what is not there: kueue#4809', () => {
  const queues = [q('owner', { guaranteed: guarantee({ cpu: 6 }) }), q('b')];
  const site = new Site(config(queues), node('n', { cpu: 8000 }), node('m', { cpu: 8000 }));
  site.submit({ queue: 'b', count: 2 });
  site.pass();
  site.submit({ queue: 'owner', cpu: 8 });
  site.submit({ queue: 'owner', cpu: 8 });
  site.submit({ queue: 'b', count: 100 });
  site.pass();
  assert.equal(site.held('queue')['b'], 8, 'the second of the owner fits nowhere');
});

test('limits, borrowing limits and lending limits hold', () => {
  const cases: Record<string, { queues: Parameters<typeof config>[0]; want: object }> = {
    limit: { queues: [q('a', { limit: limit({ cpu: 3 }) }), q('b')], want: { a: 3, b: 7 } },
    'borrowing limit': {
      queues: [
        q('a', { guaranteed: guarantee({ cpu: 2 }), borrowingLimit: limit({ cpu: 1 }) }),
        q('b', { limit: limit({ cpu: 1 }) }),
      ],
      want: { a: 3, b: 1 },
    },
    'lending limit': {
      queues: [
        q('a', {
          guaranteed: guarantee({ cpu: 6 }),
          lendingLimit: limit({ cpu: 1 }),
          limit: limit({ cpu: 0 }),
        }),
        q('b'),
      ],
      want: { b: 5 },
    },
    'a limit of a parent': {
      queues: [q('p', { limit: limit({ cpu: 4 }), children: [q('a'), q('b')] })],
      want: { a: 2, b: 2 },
    },
    oversubscription: {
      queues: [q('a', { limit: limit({ cpu: 4 }), oversubscription: bp(15_000) }), q('b')],
      want: { a: 5, b: 5 },
    },
  };
  for (const [name, { queues, want }] of Object.entries(cases)) {
    const site = new Site(config(queues), node('n', { cpu: 10_000 }));
    // The case of lending asks for nothing of the owner.
    for (const ask of greedy('a', 'b')) site.submit(ask);
    site.pass();
    assert.deepEqual(site.held('queue'), want, name);
  }
});

test('dedicated resources stay with their owner inside a parent that others may fill', () => {
  const kept = { guaranteed: guarantee({ cpu: 4 }), lendingLimit: limit({ cpu: 0 }) };
  const queues = [q('p', { children: [q('owner', kept), q('b')] }), q('c')];
  const site = shared(queues, 10, greedy('b', 'c'));
  assert.deepEqual(site.held('queue'), { b: 3, c: 3 });
  const refusal = site.why(1);
  assert.equal(refusal?.code, 'kept-for-others');
  site.submit({ queue: 'owner', count: 10 });
  site.pass();
  assert.equal(site.held('queue')['owner'], 4);
  const ofB = [...site.running].find(([, { queue }]) => queue === 'b');
  site.end(ofB![0]);
  assert.equal(site.pass().length, 1, 'the owner has what is kept for it');
});

test('no oversubscription by two levels of borrowing', () => {
  const queues = [
    q('p', {
      limit: limit({ cpu: 6 }),
      children: [
        q('a', { guaranteed: guarantee({ cpu: 3 }) }),
        q('b', { guaranteed: guarantee({ cpu: 3 }) }),
      ],
    }),
    q('c'),
  ];
  const site = shared(queues, 10, greedy('a', 'b', 'c'));
  assert.deepEqual(site.held('queue'), { a: 3, b: 3, c: 4 });
});

test('strict FIFO blocks its own queue, not the others: kueue#8309', () => {
  const queues = [q('strict', { fifo: 'strict' }), q('other')];
  const site = shared(queues, 2, [
    { queue: 'strict', cpu: 1 },
    { queue: 'strict', cpu: 2 },
    { queue: 'strict', cpu: 1 },
    { queue: 'other', cpu: 1 },
  ]);
  assert.deepEqual(site.held('queue'), { strict: 1, other: 1 });
  assert.equal(site.why(2)?.code, 'insufficient');
  assert.deepEqual(site.why(3), { code: 'behind', task: '2.s.0', queue: 'strict' });
});

test('true FIFO on request: nobody overtakes in a strict queue: volcano#4690', () => {
  const site = shared([q('s', { fifo: 'strict', order: order('fifo') })], 2, [
    { queue: 's' },
    { queue: 's', cpu: 2 },
    { queue: 's', priority: 9 },
  ]);
  assert.deepEqual([...site.running.keys()], ['1.s.0.1']);
  site.endAll();
  site.pass();
  assert.deepEqual([...site.running.keys()], ['2.s.0.1']);
});

test('one impossible job does not block the queue: kueue#6947', () => {
  const site = shared([q('a')], 4, [{ queue: 'a', cpu: 4, gpu: 0 }]);
  site.submit({ queue: 'a', cpu: 3, priority: 100 });
  site.endAll();
  site.pass();
  site.submit({ queue: 'a', cpu: 2, priority: 50 });
  site.submit({ queue: 'a', cpu: 1 });
  site.pass();
  assert.deepEqual(
    [...site.running.values()].map(({ cpu }) => cpu),
    [3, 1],
  );
});

test('freed and added capacity wakes what waited: nomad#18645', () => {
  const site = shared([q('a'), q('b')], 1, [{ queue: 'a' }, { queue: 'b' }, { queue: 'a' }]);
  assert.equal(site.running.size, 1);
  site.endAll();
  assert.equal(site.pass().length, 1);
  site.join(node('m', { cpu: 1000 }));
  assert.equal(site.pass().length, 1);
});

test('caps of running tasks: of a queue and of a tenant in it', () => {
  const none = { weight: 1, limit: limit({}), activeMax: Number.MAX_SAFE_INTEGER };
  const tenants = { byDefault: { ...none, runningMax: 2 }, byName: {} };
  const site = new Site(config([q('a', { runningMax: 3, tenants })]), node('n', { cpu: 9000 }));
  site.submit({ queue: 'a', tenant: 'ada', count: 5 });
  site.submit({ queue: 'a', tenant: 'ben', count: 5 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { ada: 2, ben: 1 });
  assert.equal(site.why(1)?.code, 'queue-cap');
  const [first] = site.running.keys();
  site.end(first!);
  assert.equal(site.pass().length, 1);
});

test('a tenant at its cap goes on when one of its tasks ends', () => {
  const one = { weight: 1, limit: limit({}), runningMax: 1, activeMax: 99 };
  const queues = [q('a', { tenants: { byDefault: one, byName: {} } })];
  const site = new Site(config(queues), node('n', { cpu: 9000 }));
  site.submit({ queue: 'a', count: 3 });
  assert.equal(site.pass().length, 1);
  site.endAll();
  assert.equal(site.pass().length, 1);
});

test('per-user limits inside a queue', () => {
  const capped = { weight: 1, limit: limit({ cpu: 2, gib: 4 }), runningMax: 99, activeMax: 99 };
  const queues = [q('a', { tenants: { byDefault: capped, byName: {} } })];
  const site = new Site(config(queues), node('n', { cpu: 9000, memory: 64 * GIB }));
  site.submit({ queue: 'a', tenant: 'ada', gib: 3, count: 2 });
  site.submit({ queue: 'a', tenant: 'ben', count: 5 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { ada: 1, ben: 2 });
  const refusal = site.why(1);
  assert.ok(refusal?.code === 'queue-limit' && refusal.resource === 'memory');
});

test('teams share a queue by weight, and their members share their part', () => {
  const teams = [
    { name: 'vision', weight: 3, members: ['ada', 'ben'] as TenantId[] },
    { name: 'speech', weight: 1, members: ['eve'] as TenantId[] },
  ];
  const site = new Site(
    config([q('lab', { teams, order: order('drf') })]),
    node('n', { cpu: 16_000 }),
  );
  for (const tenant of ['eve', 'ada', 'ben']) site.submit({ queue: 'lab', tenant, count: 50 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { eve: 4, ada: 6, ben: 6 });
});

test('priority among queues where a parent says so', () => {
  const root = q('root', {
    childOrder: 'priority',
    children: [q('low', { priority: 1 }), q('high', { priority: 9 })],
  });
  const site = new Site(config([], { root }), node('n', { cpu: 3000 }));
  for (const ask of greedy('low', 'high')) site.submit(ask);
  site.pass();
  assert.deepEqual(site.held('queue'), { high: 3 });
});

test('a submission is refused by queues with the figures', () => {
  const site = new Site(
    config([q('train', { limit: limit({ cpu: 2 }), activeMax: 3 }), q('serve')]),
    node('n', { cpu: 8000 }),
  );
  assert.deepEqual(site.submit({ queue: 'trian' }), {
    code: 'no-such-queue',
    queue: 'trian',
    near: 'train',
    queues: ['train', 'serve'],
  });
  assert.deepEqual(site.submit({ queue: 'train', cpu: 4 }), {
    code: 'exceeds-queue',
    queue: 'train',
    resource: 'cpu',
    asked: 4000,
    limit: 2000,
  });
  assert.equal(site.submit({ queue: 'train', count: 2 }), undefined);
  assert.deepEqual(site.submit({ queue: 'train', count: 2 }), {
    code: 'queue-cap',
    queue: 'train',
    what: 'active',
    count: 2,
    asked: 2,
    max: 3,
  });
});

test('a queue with children takes nothing itself', () => {
  const site = new Site(config(productionResearchBestEffort), node('n'));
  assert.equal(site.submit({ queue: 'production' })?.code, 'no-such-queue');
});

test('who is over its guarantee, and who may take back', () => {
  const queues = [
    q('owner', { guaranteed: guarantee({ cpu: 6 }) }),
    q('borrower', { guaranteed: guarantee({ cpu: 2 }) }),
    q('firm', { reclaim: 'disabled' }),
  ];
  const tree = new QueueTree(config(queues).root);
  const leaf = (name: string) => tree.leafOf(name as QueueName, 'x' as TenantId)!;
  tree.hold(leaf('borrower'), [5000, 0, 0], 1);
  tree.hold(leaf('firm'), [5000, 0, 0], 1);
  assert.equal(overGuarantee(leaf('borrower')).cpu, 3000);
  assert.equal(overGuarantee(leaf('firm')).cpu, 0);
  assert.deepEqual(entitled(tree), []);
  tree.waits(leaf('owner'), 1);
  assert.deepEqual(
    entitled(tree).map(({ name }) => name),
    ['owner'],
  );
});
