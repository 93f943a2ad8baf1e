import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import type { Issue } from '../../src/spec/issue.ts';
import { wholeWeights } from '../../src/spec/site-fields.ts';
import { parse, reported } from '../builders/site-text.ts';

const cases: Record<string, { text: string; want: readonly string[] }> = {
  'names of all registries are known': {
    text: 'scheduling:\n  policy: fiffo\n  placement: {best_fot: 1, fgd: 0}\n  backfill: eazy\ntime_zone: Europe/Berln\n',
    want: [
      '2:11 error: scheduling.policy: no order is called "fiffo"; expected fifo, priority, fair-share, multifactor, drf, weighted-drf, edf, lottery, stride, las, sjf, largest-first - did you mean "fifo"?',
      '3:33 error: scheduling.placement.fgd: "0" is nothing; expected more than 0',
      '4:13 error: scheduling.backfill: "eazy" cannot be used here; expected none, easy, easy-shortest-first, conservative - did you mean "easy"?',
      '5:12 error: time_zone: no time zone is called "Europe/Berln"; expected a name such as Europe/Berlin or UTC - did you mean "Europe/Berlin"?',
    ],
  },
  'a scorer that is none': {
    text: 'scheduling: {placement: {best_fot: 1}}\n',
    want: [
      '1:26 error: scheduling.placement.best_fot: no scorer is called "best_fot"; expected first-fit, best-fit, worst-fit, dot-product, gpu-clustering, gpu-packing, gpu-best-fit, fgd, fill-plan, tetris, l2-norm, spread, preferred, rack-nearness, zone-nearness, numa-nearness, nvlink-nearness, power, price, co-location, adaptive, learned - did you mean "best-fit"?',
    ],
  },
  'queues and backfill together': {
    text: 'scheduling:\n  policy: drf\n  backfill: easy\nqueues:\n  a:\nquotas: [{name: q, cpu_hours: 1}]\nmulti_tenancy: {}\n',
    want: [
      '2:3 error: scheduling.policy: the policy drf cannot be together with the backfill of line 3; expected `backfill: none`, or one queue by priority',
      '4:1 error: queues: queues cannot be together with the backfill of line 3; expected `backfill: none`, or one queue by priority',
      '6:1 error: quotas: quotas cannot be together with the backfill of line 3; expected `backfill: none`, or one queue by priority',
      '7:1 error: multi_tenancy: users and teams cannot be together with the backfill of line 3; expected `backfill: none`, or one queue by priority',
    ],
  },
  'priority classes that are written wrong': {
    text: 'scheduling:\n  classes:\n    a: {}\n    b: {priority: 2000, resource_multiplier: 0}\n    d: {priority: 1, guaranted_resources: {cpu: 1}}\n    "e f": {priority: 1}\n',
    want: [
      '3:5 error: scheduling.classes.a.priority: the key `priority` is missing',
      '4:19 error: scheduling.classes.b.priority: 2000 is out of range; expected at most 1000',
      '4:46 error: scheduling.classes.b.resource_multiplier: "0" is nothing; expected more than 0',
      '5:22 error: scheduling.classes.d.guaranted_resources: unknown key "guaranted_resources" - did you mean "guaranteed_resources"?',
      '6:5 error: scheduling.classes["e f"]: "e f" is not a name; expected a name of letters, digits, _ . and -, beginning with a letter or digit, at most 63',
    ],
  },
  'priority classes that cannot be meant': {
    text: 'scheduling:\n  classes:\n    best_effort: {priority: 1}\n    c: {priority: 1, guaranteed_resources: {}}\n',
    want: [
      '3:5 error: scheduling.classes.best_effort: `best_effort` is a class of service; expected another name: documents say `class` of both kinds',
      '4:44 error: scheduling.classes.c.guaranteed_resources: nothing is kept; expected more than 0',
    ],
  },
  'what is kept for a class, and a reservation of its name': {
    text: 'scheduling: {classes: {a: {priority: 1, guaranteed_resources: {cpu: 1}}}}\nreservations: [{name: class a, resources: {cpu: 1}, tenants: [ada]}]\n',
    want: [
      '1:41 error: scheduling.classes.a.guaranteed_resources: a reservation is called `class a`, and what is kept for the class is, too',
    ],
  },
  'terms of classes of service that are written wrong': {
    text: 'qos:\n  classes:\n    burstable: {preemption_priority: -1}\n    best_effort: {burst_limit: 2, network_priority: higher, eviction_treshold: x}\n',
    want: [
      '3:38 error: qos.classes.burstable.preemption_priority: -1 is out of range; expected at least 0',
      '4:32 error: qos.classes.best_effort.burst_limit: "2" has no unit; expected a percentage such as 50% or 12.5% - did you mean "2%"?',
      '4:53 error: qos.classes.best_effort.network_priority: "higher" cannot be used here; expected high, normal, low - did you mean "high"?',
      '4:61 error: qos.classes.best_effort.eviction_treshold: unknown key "eviction_treshold" - did you mean "eviction_threshold"?',
    ],
  },
  'terms of classes of service that cannot be meant': {
    text: 'qos:\n  classes:\n    guaranteed: {resource_guarantee: 101%}\n    burstable: {burst_limit: 100%}\n',
    want: [
      '3:38 error: qos.classes.guaranteed.resource_guarantee: 101% is more than is asked for; expected at most 100%',
      '4:30 error: qos.classes.burstable.burst_limit: a task that is limited to 100% of what it asks for does not burst; expected more than 100%',
    ],
  },
  'a burst of who is limited to what he asks for': {
    text: 'qos: {classes: {guaranteed: {burst_limit: 200%}}}\n',
    want: [
      '1:30 warning: qos.classes.guaranteed.burst_limit: tasks of this class are limited to what they ask for: it changes nothing',
    ],
  },
  'one name for two queues, wherever they are': {
    text: 'queues:\n  a:\n    children: {c: , d: }\n  b: {queues: {a: , c: }}\n',
    want: [
      '4:16 error: queues.b.queues.a: the queue in line 2 has this name, too; expected a name once in all the tree',
      '4:21 error: queues.b.queues.c: the queue in line 3 has this name, too; expected a name once in all the tree',
    ],
  },
  'a guarantee above the limit': {
    text: 'queues:\n  a:\n    guaranteed: {cpu: 8, memory: 1Gi}\n    limit: {cpu: 4}\n',
    want: ['3:23 error: queues.a.guaranteed.cpu: the guarantee is above the `limit` in line 4'],
  },
  'dedicated and lent, and everything guaranteed': {
    text: 'queues:\n  a: {dedicated_resources: {cpu: 1}, lending_limit: {cpu: 1}}\n  b: {guaranteed: {cpu: unlimited}}\n  c: {guaranteed: {cpu: 1}, dedicated_resources: {cpu: 1}}\n',
    want: [
      '2:38 error: queues.a.lending_limit: what is dedicated is not lent; expected `guaranteed` with it',
      '3:25 error: queues.b.guaranteed.cpu: nobody can be guaranteed everything; expected a finite amount',
      '4:29 error: queues.c.dedicated_resources: `guaranteed` is given in line 4, too, and they are the same thing',
    ],
  },
  'a member of two teams': {
    text: 'queues:\n  a:\n    teams:\n      red: {members: [ada, bob]}\n      blue: {members: [bob]}\n',
    want: [
      '5:24 error: queues.a.teams.blue.members[0]: "bob" is in the team "red" in line 4, too; expected each user in one team',
    ],
  },
  'teams above other queues, and a team that is everybody else': {
    text: 'queues:\n  a: {teams: {x: {members: [ada]}}, children: {b: }}\n  c: {teams: {others: {members: [ada]}}}\n',
    want: [
      '2:7 error: queues.a.teams: teams share a queue in which work waits, and this one has others below; expected teams in those below',
      '3:15 error: queues.c.teams.others: `others` are all who are in no team; expected another name',
    ],
  },
  'quotas of unknown queues, of nothing, of two kinds of tenant': {
    text: 'queues: {train: , batch: }\nquotas:\n  - {name: q, queue: trian, cpu_hours: 1}\n  - {name: q}\n  - {name: r, tenant: ada, each: true, cpu_hours: 1, per: 1s}\n  - {cpu_hours: -1}\n  - {name: t, cpu_hours: 1, per: 2d, time_zone: UTC}\n',
    want: [
      '3:22 error: quotas[0].queue: no queue is called "trian" - did you mean "train"?',
      '4:5 error: quotas[1]: the quota limits nothing; expected `cpu_hours`, `memory_gb_hours` or `gpu_hours`',
      '4:12 error: quotas[1].name: the quota in line 3 has this name, too',
      '5:34 error: quotas[2].each: one tenant, and each of them: only one of both can be meant',
      '5:59 error: quotas[2].per: "1s" is not a period; expected day, month, or a span of a minute and more such as 7d',
      '6:6 error: quotas[3].name: the key `name` is missing',
      '6:17 error: quotas[3].cpu_hours: "-1" is below the range; expected 0 to 1000000000 hours',
      '7:38 error: quotas[4].time_zone: a rolling span has no time zone',
    ],
  },
  'a quota on the only queue there is': {
    text: 'quotas: [{name: q, queue: defalt, cpu_hours: 1}]\n',
    want: ['1:27 error: quotas[0].queue: no queue is called "defalt" - did you mean "default"?'],
  },
  reservations: {
    text: 'reservations:\n  - {name: a, resources: {}, duration: always, tenants: [x]}\n  - {name: a, resources: {cpu: 1}, duration: "22:00-22:00", tenants: [x]}\n  - {name: b, resources: {cpu: 1}, duration: "22:00-25:00", queues: [defaul]}\n  - {name: c, resources: {cpu: 1}, duration: nightly, schedule: {start: "1:00", end: "2:00"}, tenants: [x]}\n',
    want: [
      '2:26 error: reservations[0].resources: nothing is kept; expected more than 0',
      '3:12 error: reservations[1].name: the reservation in line 2 has this name, too',
      '3:46 error: reservations[1].duration: it begins when it ends; expected `always`, or two times of day',
      '4:46 error: reservations[2].duration: "25:00" is not a time of day; expected `always`, or hours such as 22:00-06:00',
      '4:70 error: reservations[2].queues[0]: no queue is called "defaul" - did you mean "default"?',
      '5:46 error: reservations[3].duration: "nightly" is not a time of every day; expected `always`, or hours such as 22:00-06:00',
      '5:55 error: reservations[3].schedule: `duration` is given in line 5, too, and they are the same thing',
    ],
  },
  'a share of the site where an amount must be': {
    text: 'queues: {a: {limit: {cpu: 50%}}, b: {limit: half}}\n',
    want: [
      '1:27 error: queues.a.limit.cpu: "50%" is a share of the site, and queues are held to amounts; expected an amount; a `weight` gives a share',
      '1:45 error: queues.b.limit: neither a map of amounts nor `unlimited`; expected a map of cpu, memory and gpu; a `weight` gives a share of the site',
    ],
  },
  'weights that cannot be compared': {
    text: 'queues: {a: {weight: 10000}, b: {weight: 0.0001}}\n',
    want: [
      '1:1 error: queues: the weights beside each other are too different or too exact; expected whole numbers of at most 100000 once fractions are gone',
    ],
  },
  'two names of one thing': {
    text: 'scheduling: {policy: fifo, strategy: drf}\nqueues: {a: {max_active: 1, max_size: 2}}\n',
    want: [
      '1:28 error: scheduling.strategy: `policy` is given in line 1, too, and they are the same thing',
      '2:29 error: queues.a.max_size: `max_active` is given in line 2, too, and they are the same thing',
    ],
  },
  'overflow of queues': {
    text: 'queues:\n  a: {overflow_policy: spil_to_disk}\n  b: {guaranteed_processing: true, overflow_policy: reject}\n  c: {guaranteed_processing: maybe}\n  d: {guaranteed_processing: true, children: {e: {overflow_policy: reject}}}\n',
    want: [
      '2:24 error: queues.a.overflow_policy: "spil_to_disk" cannot be used here; expected reject, spill-to-disk, compress - did you mean "spill-to-disk"?',
      '3:53 error: queues.b.overflow_policy: the queue guarantees to process what it is given, and this refuses it; expected spill_to_disk, compress, or `guaranteed_processing: false`',
      '4:30 error: queues.c.guaranteed_processing: "maybe" cannot be used here; expected true or false',
      '5:68 error: queues.d.children.e.overflow_policy: the queue guarantees to process what it is given, and this refuses it; expected spill_to_disk, compress, or `guaranteed_processing: false`',
    ],
  },
  'a policy in two places': {
    text: 'scheduling: {policy: drf}\nmulti_tenancy: {resource_allocation: {method: fair_share}}\n',
    want: [
      '2:47 error: multi_tenancy.resource_allocation.method: line 1 says drf, and both are the policy of the site',
    ],
  },
  'a workload': {
    text: 'run: x\nscheduling: {}\nquoats: []\n',
    want: [
      '1:1 error: run: unknown key "run": a workload has it, and a site runs nothing',
      '3:1 error: quoats: unknown key "quoats" - did you mean "quotas"?',
    ],
  },
  'nothing at all': {
    text: '# nothing\n',
    want: [
      '1:1 error: the document has comments only; expected a block such as `scheduling` or `queues`',
    ],
  },
  'no queue, and a queue that is called as all of them': {
    text: 'queues: {root: {children: {a: }}, b: }\n',
    want: [
      '1:10 error: queues.root: `root` is what all queues are in; expected another name, or no other beside it',
    ],
  },
  'a root of nothing': {
    text: 'queues:\n  root: {weight: 2}\n',
    want: ['2:3 error: queues.root: there is no queue; expected at least one in its `children`'],
  },
  'a list of queues': {
    text: 'queues: [a, b]\n',
    want: ['1:9 error: queues: a list cannot be used here; expected a map'],
  },
};
describe('what is wrong is told with its place', () => {
  for (const [name, { text, want }] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(reported(text), want));
  }
});

/** Every key of a site, with a value that is right. */
const complete = {
  time_zone: 'Europe/Berlin',
  scheduling: {
    policy: 'multifactor',
    ageing_per_hour: 1,
    half_life: '7d',
    multifactor: { age: 1, age_max: '1d', fair_share: 2, size: 3, priority: 4 },
    las: { levels_at: ['1h', '2h'], starvation_factor: 2 },
    child_order: 'priority',
    placement: { 'best-fit': 1, fgd: 2 },
    backfill: { kind: 'none', depth: 10 },
    preemption: {
      min_run_time: '1m',
      per_queue_per_hour: 3,
      start_promise: { within: '1m', per_second: 1, max: '1h' },
    },
    seed: 3,
    config: {
      user_quotas: { default: { cpu_hours: 1 }, ada: { gpu_hours: 2 } },
      team_shares: { red: 0.4 },
    },
  },
  queues: {
    default: {
      weight: 2,
      priority: 1,
      guaranteed: { cpu: 1, memory: '1Gi', gpu: 1 },
      limit: { cpu: 2, memory: '2Gi', gpu: 2 },
      borrowing_limit: { cpu: 1 },
      lending_limit: { cpu: 1 },
      reclaim: 'enabled',
      order: { policy: 'fifo', ageing_per_hour: 1 },
      fifo: 'strict',
      max_running: 1,
      max_active: 1,
      oversubscription_ratio: 1.5,
      tenants: { default: { weight: 1, limit: { cpu: 1 }, max_running: 1, max_active: 1 } },
      teams: { red: { weight: 1, members: ['ada'], limit: { cpu: 1 }, max_running: 1 } },
      overflow_policy: 'compress',
      guaranteed_processing: true,
    },
    inner: { child_order: 'usage', children: { a: { weight: 0.5 }, b: { weight: 0.5 } } },
  },
  multi_tenancy: {
    enabled: true,
    users: {
      default: { weight: 1, max_active: 2, quotas: [{ per: 'day', cpu_hours: 1 }] },
      ada: { max_running: 2, limit: { memory: '1Gi' } },
    },
    teams: { blue: { weight: 1, members: ['bob'], dedicated_resources: { cpu: 1 } } },
    resource_allocation: { method: 'multifactor', oversubscription_ratio: 2 },
    tenant_limits: {
      compute: { cpu_cores_per_tenant: 1, memory_per_tenant: '1Gi', gpus_per_tenant: 1 },
      quotas: { monthly_compute_hours: 1, monthly_gpu_hours: 1 },
    },
  },
  quotas: [
    {
      name: 'q',
      queue: 'inner',
      tenant: 'ada',
      per: 'day',
      time_zone: 'Asia/Tokyo',
      cpu_hours: 1,
      memory_gb_hours: 2,
      gpu_hours: 3,
      when_exhausted: 'refuse',
    },
    { name: 'r', each: true, per: '7d', gpu_hours: 0.5 },
  ],
  reservations: [
    {
      name: 'night',
      resources: { cpu: 1, memory: '1Gi', gpu: 1, custom: { licence: 1 } },
      parts: 2,
      pipelines: ['p*'],
      queues: ['inner'],
      tenants: ['ada'],
      duration: '22:00-06:00',
      time_zone: 'UTC',
    },
    {
      name: 'day',
      resources: { cpu: 1 },
      tenants: ['x'],
      schedule: { start: '1:00', end: '2:00', timezone: 'UTC' },
    },
  ],
};

type Step = string | number;

function pathsOf(value: unknown, path: readonly Step[] = []): (readonly Step[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, child]) =>
    pathsOf(child, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

/** A copy in which `change` was done to the map or list that holds the last step of the path. */
function changed(
  path: readonly Step[],
  change: (holder: Record<Step, unknown>, last: Step) => void,
) {
  const copy = structuredClone(complete);
  let holder: unknown = copy;
  for (const step of path.slice(0, -1)) holder = (holder as Record<Step, unknown>)[step];
  change(holder as Record<Step, unknown>, path.at(-1)!);
  return stringify(copy, { aliasDuplicateObjects: false });
}

const issuesOf = (text: string): readonly Issue[] => {
  const parsed = parse(text);
  return parsed.ok ? [] : parsed.issues;
};

function located(issues: readonly Issue[], text: string, what: string): void {
  const lines = text.split('\n');
  for (const { line, column, endColumn, message } of issues) {
    assert.ok(line >= 1 && line <= lines.length, `${what}: line of ${message}`);
    assert.ok(column >= 1 && endColumn > column, `${what}: columns of ${message}`);
  }
}

const paths = pathsOf(complete);

test('the document with every key is right', () => {
  assert.deepEqual(issuesOf(stringify(complete)), []);
});

test('a wrong type at any place is an error there, and nothing is thrown', () => {
  for (const path of paths) {
    for (const wrong of [{ zzz: [1] }, '\u0007\u202e']) {
      const text = changed(path, (holder, last) => {
        holder[last] = wrong;
      });
      const what = `${path.join('.')} = ${JSON.stringify(wrong)}`;
      const issues = issuesOf(text);
      assert.ok(issues.length > 0, what);
      located(issues, text, what);
      assert.ok(
        issues.some((issue) =>
          path.every((step, i) => issue.path[i] === step || i >= issue.path.length),
        ),
        `${what}: ${issues.map((issue) => issue.path.join('.'))}`,
      );
    }
  }
});

test('nothing at any place is taken or told', () => {
  for (const path of paths) {
    for (const empty of [null, -1.5e300]) {
      const text = changed(path, (holder, last) => {
        holder[last] = empty;
      });
      located(issuesOf(text), text, `${path.join('.')} = ${JSON.stringify(empty)}`);
    }
  }
});

/** Where any name is right: what is below them has no keys that are misspelt. */
const named = [
  'queues',
  'children',
  'tenants',
  'teams',
  'users',
  'user_quotas',
  'team_shares',
  'custom',
  'placement',
];

test('a misspelt key at any place is told, with what was meant where it is near', () => {
  for (const path of paths) {
    const last = path.at(-1)!;
    const isName =
      named.includes(String(path.at(-2))) &&
      path[path.length - 3] !== 'reservations' &&
      path.at(-2) !== 'queues';
    if (typeof last === 'number' || isName || path.at(-2) === 'queues') continue;
    const text = changed(path, (holder, key) => {
      holder[`${key}x`] = holder[key];
      delete holder[key];
    });
    const issues = issuesOf(text);
    const found = issues.find((issue) => issue.path.at(-1) === `${last}x`);
    assert.ok(found, `${path.join('.')}: ${issues.map((issue) => issue.message)}`);
    located(issues, text, path.join('.'));
    if (last.length > 3) assert.equal(found.suggestion, last, path.join('.'));
  }
});

test('whatever a text says, it is parsed or told', () => {
  const keys = paths.flatMap((path) => path.filter((step) => typeof step === 'string'));
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, 1, -1, 0.5, 'a', 'day', '1h', 'default', '22:00-06:00', 'ada'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys, 'x', 'root', 'constructor'), tie('any'), {
        maxKeys: 4,
      }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (document) => {
      const text = stringify(document, { aliasDuplicateObjects: false });
      located(issuesOf(text), text, text);
    }),
    { numRuns: 500 },
  );
});

test('lines are counted as editors do, whatever ends them', () => {
  const text = 'queues:\r\n  a: {max_active: 1,\r\n    max_size: 2}\r\n  b: {children: {a: }}\r\n';
  assert.deepEqual(reported(text), [
    '3:5 error: queues.a.max_size: `max_active` is given in line 2, too, and they are the same thing',
    '4:18 error: queues.b.children.a: the queue in line 2 has this name, too; expected a name once in all the tree',
  ]);
});

test('a document that is wrong a thousand times is told in time, and so is one that nests', {
  timeout: 20_000,
}, () => {
  const queues = Array.from(
    { length: 2_000 },
    (_, i) => `  q${i}: {wieght: 1, max_active: 1, max_size: 1}`,
  );
  assert.equal(issuesOf(`queues:\n${queues.join('\n')}\n`).length, 100);
  const quotas = Array.from(
    { length: 2_000 },
    () => '  - {name: q, queue: x, tenant: a, each: true}',
  );
  assert.equal(issuesOf(`quotas:\n${quotas.join('\n')}\n`).length, 100);
  assert.ok(issuesOf(`queues: ${'{a: {children: '.repeat(30)}{}${'}}'.repeat(30)}`).length > 0);
  assert.ok(issuesOf(`queues: ${'{a: {children: '.repeat(500)}{}${'}}'.repeat(500)}`).length > 0);
});

test('weights keep their proportions, as small whole numbers', () => {
  const weight = fc.integer({ min: 1, max: 9_999 });
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 8 }), (written) => {
      const whole = wholeWeights(written as never);
      assert.ok(whole !== undefined);
      const [first] = written as [number];
      for (const [i, one] of whole.entries()) {
        assert.ok(Number.isSafeInteger(one) && one > 0);
        assert.equal(one * first, whole[0]! * written[i]!);
      }
    }),
  );
  assert.deepEqual(wholeWeights([undefined, 5_000] as never), [10, 5]);
});
