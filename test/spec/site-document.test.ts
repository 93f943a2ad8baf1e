import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNLIMITED } from '../../src/base/units.ts';
import { defaultScheduling, type QueueConfig } from '../../src/model/scheduling-config.ts';
import { isSiteDocument } from '../../src/spec/site-document.ts';
import { node, Site } from '../builders/site.ts';
import { reported, schedulingOf, written } from '../builders/site-text.ts';

const GIB = 1024 ** 3;
const HOUR = 3_600_000;

test('a document that says nothing is the default', () => {
  const nothing = written('scheduling: {}');
  assert.deepEqual(nothing, defaultScheduling);
});

/** The tree of the advanced fair-share scheduler, in the words of its source. */
const productionResearchBestEffort = `
queues:
  root:
    weight: 1.0
    max_resources: total_resources
    children:
      production:
        weight: 0.6
        priority: 100
        preemption: enabled
        children:
          ml_serving: {weight: 0.7, sla_latency_ms: 50}
          batch_inference: {weight: 0.3, sla_latency_ms: 1000}
      research:
        weight: 0.3
        priority: 50
        preemption: disabled
        children:
          model_training: {weight: 0.8}
          experimentation: {weight: 0.2}
      best_effort:
        weight: 0.1
        priority: 10
        preemption: always
`;

test('production, research and best effort share as their tree is written', () => {
  const site = new Site(schedulingOf(productionResearchBestEffort), node('n', { cpu: 100_000 }));
  const names = [
    'ml_serving',
    'batch_inference',
    'model_training',
    'experimentation',
    'best_effort',
  ];
  for (const queue of names) assert.equal(site.submit({ queue, count: 200 }), undefined);
  site.pass();
  assert.deepEqual(site.held('queue'), {
    ml_serving: 42,
    batch_inference: 18,
    model_training: 24,
    experimentation: 6,
    best_effort: 10,
  });
  const { root } = schedulingOf(productionResearchBestEffort);
  const said = root.children.map(({ weight, priority, reclaim }) => [weight, priority, reclaim]);
  assert.deepEqual(said, [
    [6, 100, 'enabled'],
    [3, 50, 'disabled'],
    [1, 10, 'always'],
  ]);
});

/** The blocks of the resource guide, one after the other. */
const vocabulary: Record<string, string> = {
  'priority with classes': `
scheduling:
  strategy: "priority"
  classes:
    critical: {priority: 100, preemptible: false, guaranteed_resources: {cpu: 2, memory: "4Gi"}}`,
  'fair, with quotas and shares': `
scheduling:
  strategy: "fair"
  config:
    user_quotas:
      default: {cpu_hours: 100, memory_gb_hours: 1000, gpu_hours: 10}
      premium: {cpu_hours: 500, memory_gb_hours: 5000, gpu_hours: 50}
    team_shares: {research: 0.4, production: 0.5, development: 0.1}`,
  'queues with sizes': `
queues:
  configuration:
    default: {max_size: 1000, overflow_policy: "reject"}
    high_priority: {max_size: 100, guaranteed_processing: true}
    batch: {max_size: 10000, batch_size: 100, processing_interval: 60}`,
  'users and teams': `
multi_tenancy:
  enabled: true
  user_limits:
    default:
      concurrent_pipelines: 5
      daily_executions: 100
      storage_quota: "10Gi"
      cost_budget: {daily: 10.00, monthly: 200.00}
  team_limits:
    research:
      concurrent_pipelines: 50
      storage_quota: "1Ti"
      dedicated_resources: {cpu: 16, memory: "64Gi", gpu: 4}`,
  tenants: `
multi_tenancy:
  isolation_level: "namespace"
  resource_allocation: {method: "fair_share", oversubscription_ratio: 1.5}
  tenant_limits:
    compute: {cpu_cores_per_tenant: 4, memory_per_tenant: "16Gi"}
    quotas: {storage_per_tenant: "100Gi", monthly_compute_hours: 1000, monthly_gpu_hours: 100}`,
  reservations: `
reservations:
  - name: "production_reserve"
    resources: {cpu: 8, memory: "32Gi", gpu: 2}
    duration: "always"
    pipelines: ["production_*"]
  - name: "scheduled_batch"
    resources: {cpu: 16, memory: "64Gi"}
    schedule: {start: "22:00", end: "06:00", timezone: "UTC"}`,
  'other blocks of the source': `
qos: {classes: {guaranteed: {resource_guarantee: 100%}}}
autoscaling: {enabled: true}
scheduling: {}`,
};
describe('the vocabulary is taken as it is written', () => {
  for (const [name, text] of Object.entries(vocabulary)) {
    test(name, () => {
      assert.ok(isSiteDocument(text, { fileName: 'site.yaml' }));
      written(text);
    });
  }
});

test('what is kept for a class is lent where its tasks could take it back: in one queue', () => {
  const lent = (more: string): unknown => {
    const classes = '{a: {priority: 7, preemptible: true, guaranteed_resources: {cpu: 1}}}';
    return written(`scheduling: {classes: ${classes}}\n${more}`).reservations[0]!.lentBelow;
  };
  assert.equal(lent(''), 7);
  assert.equal(lent('queues: {default: {}, other: {}}\n'), undefined);
  assert.equal(lent('multi_tenancy: {teams: {lab: {members: [ada]}}}\n'), undefined);
});

test('fair: users have quotas per month, those named their own, and teams their shares', () => {
  const { root, quotas } = written(vocabulary['fair, with quotas and shares']!);
  assert.equal(root.children[0]!.order.name, 'fair-share');
  assert.deepEqual(
    root.children[0]!.teams.map(({ name, weight }) => [name, weight]),
    [
      ['research', 4],
      ['production', 5],
      ['development', 1],
    ],
  );
  const [each, premium] = quotas;
  assert.deepEqual(each, {
    name: 'fair: each user, per month',
    each: true,
    except: ['premium'],
    limit: { cpu: 100 * 3_600_000, memory: Math.floor((1e12 * 3600) / 1024 ** 2), gpu: 36_000_000 },
    window: { kind: 'periods', every: 'month', timeZone: 'UTC' },
    whenExhausted: 'wait',
  });
  assert.deepEqual([premium!.tenant, premium!.each], ['premium', false]);
});

test('who has a quota of his own is not held to that of the others', () => {
  const site = new Site(
    schedulingOf(
      'multi_tenancy: {users: {default: {quotas: [{per: day, cpu_hours: 1}]}, ada: {quotas: [{per: day, cpu_hours: 3}]}}}',
    ),
    node('n', { cpu: 10_000 }),
  );
  for (const tenant of ['ada', 'bob']) site.submit({ tenant, count: 5, wallMs: HOUR });
  site.pass();
  assert.deepEqual(site.held('tenant'), { ada: 3, bob: 1 });
});

test('users and teams: what one may hold, and what is kept for the other', () => {
  const { root, submissions } = written(vocabulary['users and teams']!);
  const only = root.children[0]!;
  assert.deepEqual(
    submissions?.map(({ name, active, submitted }) => [name, active, submitted?.max]),
    [
      ['each user', 5, 100],
      ['team research', 50, undefined],
    ],
  );
  assert.deepEqual(only.teams[0]!.dedicated, { cpu: 16_000, memory: 64 * GIB, gpu: 4_000 });
  const tenants = written(vocabulary['tenants']!);
  const queue = tenants.root.children[0]!;
  assert.deepEqual(queue.tenants.byDefault.limit, { cpu: 4_000, memory: 16 * GIB, gpu: UNLIMITED });
  assert.deepEqual([queue.order.name, queue.oversubscription], ['fair-share', 15_000]);
  assert.deepEqual(tenants.quotas[0]!.limit, {
    cpu: 1_000 * 3_600_000,
    memory: UNLIMITED,
    gpu: 100 * 3_600_000,
  });
});

test('what is dedicated to a team stays idle rather than go to others', () => {
  const site = new Site(
    schedulingOf(
      'multi_tenancy: {teams: {red: {members: [ada], dedicated_resources: {cpu: 4}}, blue: {members: [bob]}}}',
    ),
    node('n', { cpu: 10_000 }),
  );
  site.submit({ tenant: 'bob', count: 20 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { bob: 6 });
  site.submit({ tenant: 'ada', count: 20 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { bob: 6, ada: 4 });
});

test('all keys of a queue', () => {
  const { root } = written(`
scheduling: {policy: drf, half_life: 2d, child_order: usage}
queues:
  a:
    weight: 3
    priority: 7
    guaranteed: {cpu: 2, memory: 1Gi, gpu: 2.5}
    limit: {cpu: 8}
    borrowing_limit: {cpu: 1}
    lending_limit: {gpu: 0}
    reclaim: always
    order: {policy: las, las: {levels_at: [1h, 2h], starvation_factor: 3}}
    fifo: best_effort
    max_running: 4
    max_active: 9
    oversubscription_ratio: 1.5
    tenants: {default: {weight: 2}, ada: {weight: 0.5, max_running: 1}}
  b: {dedicated_resources: {cpu: 1}, order: {ageing_per_hour: 5}, fifo: strict}
`);
  const [a, b] = root.children as [QueueConfig, QueueConfig];
  assert.equal(root.childOrder, 'usage');
  assert.deepEqual(
    {
      weight: a.weight,
      priority: a.priority,
      guaranteed: a.guaranteed,
      limit: a.limit.cpu,
      borrowing: a.borrowingLimit,
      lending: a.lendingLimit,
      reclaim: a.reclaim,
      fifo: a.fifo,
      caps: [a.runningMax, a.activeMax, a.oversubscription],
    },
    {
      weight: 3,
      priority: 7,
      guaranteed: { cpu: 2_000, memory: GIB, gpu: 2_500 },
      limit: 8_000,
      borrowing: { cpu: 1_000, memory: UNLIMITED, gpu: UNLIMITED },
      lending: { cpu: UNLIMITED, memory: UNLIMITED, gpu: 0 },
      reclaim: 'always',
      fifo: 'best-effort',
      caps: [4, 9, 15_000],
    },
  );
  assert.deepEqual(
    [a.order.name, a.order.levelsAtSeconds, a.order.starvationFactor, a.order.halfLifeMs],
    ['las', [3_600, 7_200], 3, 48 * HOUR],
  );
  assert.deepEqual(
    [
      a.tenants.byDefault.weight,
      a.tenants.byName['ada']!.weight,
      a.tenants.byName['ada']!.runningMax,
    ],
    [20, 5, 1],
  );
  assert.deepEqual([b.order.name, b.order.ageingPerHour, b.fifo], ['drf', 5, 'strict']);
  assert.deepEqual([b.guaranteed.cpu, b.lendingLimit.cpu, b.lendingLimit.gpu], [1_000, 0, 0]);
});

test('a full queue: what it does is said of it or further out, and a guarantee never refuses', () => {
  const { root } = written(`
queues:
  plain: {max_size: 1}
  outer:
    overflow_policy: compress
    children: {a: {}, b: {overflow_policy: reject}, c: {guaranteed_processing: true}}
  promised:
    guaranteed_processing: true
    children: {d: {}, e: {overflow_policy: Compress}, f: {guaranteed_processing: false}}
`);
  const leaves = root.children.flatMap((one) => (one.children.length > 0 ? one.children : [one]));
  assert.deepEqual(
    leaves.map(({ name, overflow, guaranteedProcessing }) => [
      name,
      overflow,
      guaranteedProcessing,
    ]),
    [
      ['plain', 'reject', false],
      ['a', 'compress', false],
      ['b', 'reject', false],
      ['c', 'compress', true],
      ['d', 'spill-to-disk', true],
      ['e', 'compress', true],
      ['f', 'reject', false],
    ],
  );
});

test('seats are kept after an hour, after another span, or never', () => {
  for (const [text, after] of [
    ['scheduling: {}', 3_600_000],
    ['scheduling: {keep_seats_after: 90s}', 90_000],
    ['scheduling: {keep_seats_after: never}', undefined],
  ] as const) {
    assert.equal(written(text).keepAfterMs, after);
    assert.equal('keepAfterMs' in written(text), after !== undefined);
  }
});

test('placement, backfill, preemption and the seed', () => {
  const site = written(
    'scheduling: {placement: {best_fit: 1, fgd: 0.5}, preemption: {min_run_time: 5m, per_queue_per_hour: 3, start_promise: {within: 1m, per_second: 2}}, seed: 9}',
  );
  assert.deepEqual(site.scorers, [
    { name: 'best-fit', weight: 10 },
    { name: 'fgd', weight: 5 },
  ]);
  assert.deepEqual(site.preemption, {
    minRunMs: 300_000,
    perQueueHour: 3,
    promise: { withinMs: 60_000, perSecond: 2, maxMs: HOUR },
  });
  assert.equal(site.seed, 9);
  assert.deepEqual(written('scheduling: {backfill: {kind: easy, depth: 7}}').backfill, {
    kind: 'easy',
    depth: 7,
  });
  const { preemption } = written('scheduling: {preemption: true}');
  assert.deepEqual(preemption, { minRunMs: 60_000, perQueueHour: UNLIMITED });
});

test('how GPUs are shared, by model', () => {
  const { gpuSharing } = written(`
scheduling:
  gpu_sharing:
    - {models: [Tesla T4], mode: time-slice}
    - {models: [A30], mode: time-slice, replicas: 8}
    - {mode: mps}
`);
  assert.deepEqual(gpuSharing, [
    { models: ['Tesla T4'], sharing: { kind: 'time-slice', replicas: 4 } },
    { models: ['A30'], sharing: { kind: 'time-slice', replicas: 8 } },
    { models: [], sharing: { kind: 'mps' } },
  ]);
});

test('reservations: parts, hours over midnight, and all queues below one', () => {
  const { reservations } = written(`
time_zone: Asia/Tokyo
queues: {all: {children: {a: , b: {teams: {x: {members: [ada]}}}}}, c: }
reservations:
  - {name: r, resources: {cpu: 1, custom: {licence: 2}}, nodes: 3, duration: "22:00-06:00", queues: [all]}
  - {name: s, resources: {gpu: 1}, tenants: [ada], pipelines: ["p*"]}`);
  assert.deepEqual(reservations, [
    {
      name: 'r',
      selector: { queues: ['a', 'b'] },
      amount: { cpu: 1_000, memory: 0, gpu: 0, custom: [['licence', 2]] },
      parts: 3,
      duration: { kind: 'daily', startMs: 22 * HOUR, endMs: 6 * HOUR, timeZone: 'Asia/Tokyo' },
    },
    {
      name: 's',
      selector: { pipelines: ['p*'], tenants: ['ada'] },
      amount: { cpu: 0, memory: 0, gpu: 1_000, custom: [] },
      parts: 1,
      duration: { kind: 'always' },
    },
  ]);
});

const recognised: Record<string, { text: string; fileName?: string; want: boolean }> = {
  'queues only': { text: 'queues: {a: }', want: true },
  JSON: { text: '{"quotas": []}', fileName: 'a.json', want: true },
  'a workload with a block of the vocabulary': { text: 'run: x\nscheduling: {}', want: false },
  neither: { text: 'name: x', want: false },
  'not YAML': { text: '{{{', want: false },
  'a list': { text: '- queues', want: false },
};
for (const [name, { text, fileName = 'a.yaml', want }] of Object.entries(recognised)) {
  test(`is it a site? ${name}`, () => assert.equal(isSiteDocument(text, { fileName }), want));
}

test('warnings say what is not used, and stand where it is written', () => {
  assert.deepEqual(reported(vocabulary['queues with sizes']!), []);
});

test('submissions: of users, of whoever is not named, and of teams', () => {
  const { submissions } = written(`
time_zone: Asia/Tokyo
multi_tenancy:
  user_limits:
    default: {concurrent_pipelines: 5, daily_executions: 100}
    ana: {concurrent_pipelines: 9}
    bo: {weight: 2}
  team_limits:
    x: {members: [ana], daily_executions: 7}
    y: {members: [bo]}`);
  const window = { kind: 'periods', every: 'day', timeZone: 'Asia/Tokyo' };
  assert.deepEqual(submissions, [
    { name: 'user ana', tenants: ['ana'], each: false, active: 9, submitted: { max: 100, window } },
    { name: 'each user', each: true, except: ['ana'], active: 5, submitted: { max: 100, window } },
    {
      name: 'team x',
      tenants: ['ana'],
      each: false,
      active: UNLIMITED,
      submitted: { max: 7, window },
    },
  ]);
  assert.equal('submissions' in written('multi_tenancy: {user_limits: {bo: {weight: 2}}}'), false);
});

test('a queue counts the workloads in it and below, and others it does not', () => {
  const site = new Site(
    schedulingOf(`
queues:
  lab: {concurrent_pipelines: 3, queues: {train: {concurrent_pipelines: 2}, serve: {}}}
  default: {}`),
    node('n', { cpu: 100_000 }),
  );
  assert.equal(site.submit({ queue: 'train', count: 9 }), undefined);
  assert.equal(site.submit({ queue: 'train' }), undefined);
  const full = { code: 'too-many-active', limit: 'queue train', active: 2, max: 2 };
  assert.deepEqual(site.submit({ queue: 'train' }), full);
  assert.equal(site.submit({ queue: 'serve' }), undefined);
  const all = { code: 'too-many-active', limit: 'queue lab', active: 3, max: 3 };
  assert.deepEqual(site.submit({ queue: 'serve', tenant: 'eve' }), all);
  assert.equal(site.submit({ queue: 'default' }), undefined);
  site.restart();
  assert.deepEqual(site.submit({ queue: 'serve', tenant: 'eve' }), all);
});
