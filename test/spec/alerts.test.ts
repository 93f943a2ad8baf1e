import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCondition } from '../../src/spec/alert-condition.ts';
import { defaultRules } from '../../src/spec/alerts-block.ts';
import { parse, reported } from '../builders/site-text.ts';

const alertsOf = (text: string) => {
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.site.alerts!;
};

const number = (value: number, percent = false) => ({ kind: 'number', value, percent });
const metric = (name: string, at = 0) => ({ kind: 'metric', name, at, matchers: [] });

const amounts: Readonly<Record<string, number>> = {
  '90': 90,
  '0.5': 0.5,
  '1e3': 1_000,
  '1Gi': 2 ** 30,
  '1.5GB': 1.5e9,
  '500M': 500e6,
  '90%': 0.9,
  '5m': 300,
  '250ms': 0.25,
  '2h': 7_200,
  '100Mbps': 12_500_000,
};
for (const [written, value] of Object.entries(amounts)) {
  test(`an amount: ${written}`, () => {
    const parsed = parseCondition(`m > ${written}`);
    assert.ok(parsed.ok);
    const right = number(value, written.endsWith('%'));
    assert.deepEqual(parsed.condition, { kind: 'compare', op: '>', left: metric('m'), right });
  });
}

test('and binds closer than or, products closer than sums, comparisons in between', () => {
  const parsed = parseCondition('not a + 2 * b > 3 or c == 1 and d{x="1", y != "2"} < 4');
  assert.ok(parsed.ok);
  const { condition } = parsed;
  assert.ok(condition.kind === 'or');
  assert.ok(condition.left.kind === 'not' && condition.right.kind === 'and');
  const sum = condition.left.of;
  assert.ok(sum.kind === 'compare' && sum.left.kind === 'arithmetic' && sum.left.op === '+');
  assert.deepEqual(sum.left.right, {
    kind: 'arithmetic',
    op: '*',
    left: number(2),
    right: metric('b', 12),
  });
  const last = condition.right.right;
  assert.ok(last.kind === 'compare' && last.left.kind === 'metric');
  assert.deepEqual(last.left.matchers, [
    { label: 'x', equal: true, value: '1' },
    { label: 'y', equal: false, value: '2' },
  ]);
  assert.deepEqual(
    parsed.metrics.map(({ name, at }) => [name, at]),
    [
      ['a', 4],
      ['b', 12],
      ['c', 21],
      ['d', 32],
    ],
  );
});

const wrong: Readonly<Record<string, readonly [at: number, message: RegExp]>> = {
  '': [0, /too early/],
  cpu_utilization: [15, /nothing is compared/],
  '90': [2, /nothing is compared/],
  'cpu > ': [5, /too early/],
  'cpu > 1 > 2': [8, /does not belong/],
  'cpu = 1': [4, /does not belong/],
  'cpu > 1 and': [11, /too early/],
  'cpu and mem > 1': [4, /joins no number/],
  'cpu > 1 or mem': [11, /joins no number/],
  '(cpu > 1': [8, /too early/],
  '(cpu > 1) + 2 > 3': [10, /not a number/],
  'cpu > 1Qi': [6, /no amount/],
  'avrg(cpu, 5m) > 1': [0, /no function/],
  'sum(cpu, 5m) > 1': [0, /not told over a span/],
  'avg(cpu + 1, 5m) > 1': [4, /only a metric/],
  'avg(cpu, 5) + $x > 1': [14, /not understood/],
  'predict(cpu, 5m) < 0': [15, /out of place/],
  'cpu{x=1} > 2': [6, /quotes/],
  'cpu{x~"a"} > 2': [5, /not understood/],
  'cpu > or': [6, /cannot begin/],
};
for (const [written, [at, message]] of Object.entries(wrong)) {
  test(`no condition: ${JSON.stringify(written)}`, () => {
    const parsed = parseCondition(written);
    assert.ok(!parsed.ok);
    assert.deepEqual(parsed.at, at, parsed.message);
    assert.match(parsed.message, message);
  });
}

test('what is nested without end, or too long, is refused', () => {
  for (const written of [`${'('.repeat(400)}1${')'.repeat(400)} > 1`, `m > ${'1'.repeat(1_000)}`]) {
    assert.ok(!parseCondition(written).ok);
  }
});

test('every default rule can be read, and ends below where it begins', () => {
  const rules = defaultRules();
  assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
  for (const { name, inhibits, resolve, origin } of rules) {
    assert.equal(origin, 'default');
    for (const one of inhibits)
      assert.ok(
        rules.some((rule) => rule.name === one),
        one,
      );
    if (/high|critical$/.test(name)) assert.notEqual(resolve, undefined, name);
  }
  const [critical, high] = rules;
  assert.deepEqual(
    [critical, high].map((rule) => [rule!.name, rule!.text, rule!.severity]),
    [
      ['cpu_critical', 'cpu_utilization > 95', 'critical'],
      ['cpu_high', 'cpu_utilization > 85', 'warning'],
    ],
  );
});

const FULL = `
monitoring:
  resources:
    default_alerts: [cpu_high]
    alerts:
      - name: hot
        condition: cpu_utilization > 90
        duration: 300
        resolve: cpu_utilization < 80
        keep_firing: 2m
        severity: Critical
        labels: {team: ops}
        actions: [scale_up, {scale_up: {replicas: 2, service: web}}, {command: [echo, hi]}]
        cooldown: 10m
        inhibits: [cpu_high]
        notify: [ops]
        escalate:
          - after: 15m
            notify: [boss]
  notify:
    - {name: ops, type: alertmanager, url: "http://127.0.0.1:9093"}
    - {name: boss, type: pagerduty, routing_key_file: /k, only_named: true, severity: critical}
  silences:
    - {matches: {alert: hot}, until: 2026-12-24T18:00Z, comment: feast}
`;

test('all that a site says of alerts', () => {
  const { rules, receivers, silences } = alertsOf(FULL);
  assert.deepEqual(
    rules.map(({ name, origin }) => [name, origin]),
    [
      ['hot', 'site.yaml:6'],
      ['cpu_high', 'default'],
    ],
  );
  const { condition: _condition, resolve: _resolve, ...hot } = rules[0]!;
  assert.deepEqual(hot, {
    name: 'hot',
    text: 'cpu_utilization > 90',
    durationMs: 300_000,
    keepFiringMs: 120_000,
    severity: 'critical',
    labels: { team: 'ops' },
    actions: [
      { kind: 'scale_up', replicas: 1 },
      { kind: 'scale_up', replicas: 2, service: 'web' },
      { kind: 'command', argv: ['echo', 'hi'], timeoutMs: 30_000 },
    ],
    cooldownMs: 600_000,
    inhibits: ['cpu_high'],
    notify: ['ops'],
    escalation: [{ afterMs: 900_000, notify: ['boss'] }],
    origin: 'site.yaml:6',
  });
  assert.deepEqual(receivers, [
    {
      name: 'ops',
      target: { kind: 'alertmanager', url: { text: 'http://127.0.0.1:9093' } },
      repeatMs: 60_000,
      severity: 'warning',
      onlyNamed: false,
    },
    {
      name: 'boss',
      target: {
        kind: 'pagerduty',
        url: { text: 'https://events.pagerduty.com/v2/enqueue' },
        routingKey: { file: '/k' },
      },
      repeatMs: 14_400_000,
      severity: 'critical',
      onlyNamed: true,
    },
  ]);
  const until = Date.parse('2026-12-24T18:00Z');
  assert.deepEqual(silences, [
    { id: 'site-1', matches: { alert: 'hot' }, until, by: 'site', comment: 'feast' },
  ]);
});

const faults: Readonly<Record<string, readonly [from: string, to: string, want: RegExp]>> = {
  'a condition, at the very character': [
    'condition: cpu_utilization > 90',
    'condition: cpu_utilization > 90 and',
    /^7:43 error: .*too early/,
  ],
  'a condition in quotes': [
    'condition: cpu_utilization > 90',
    'condition: "cpu_utilization >> 90"',
    /^7:38 error: .*'>' cannot begin/,
  ],
  'a function, with what was meant': [
    'condition: cpu_utilization > 90',
    'condition: maxx(cpu_utilization) > 90',
    /^7:20 error: .*'maxx'/,
  ],
  'a metric that nobody measures': [
    'resolve: cpu_utilization < 80',
    'resolve: cpu_utilisation < 80',
    /^9:18 warning: .*cpu_utilisation/,
  ],
  'an unknown action': ['actions: [scale_up,', 'actions: [scale_upp,', /^13:19 error/],
  'an action without anything': ['{command: [echo, hi]}', '{}', /^13:\d+ error: .*nothing/],
  'a rule that is not there': ['inhibits: [cpu_high]', 'inhibits: [cpu_hihg]', /^15:20 error/],
  'a receiver that is not there': ['notify: [ops]', 'notify: [opps]', /^16:18 error/],
  'an escalation to nobody': ['notify: [boss]', 'notify: [bos]', /^19:22 error/],
  'a default rule that is none': ['[cpu_high]\n    alerts', '[cpu]\n    alerts', /^4:22 error/],
  'an address that is none': ['"http://127.0.0.1:9093"', 'nowhere', /^21:\d+ error: .*nowhere/],
  'a key of another kind': [
    'type: alertmanager,',
    'type: alertmanager, command: [a],',
    /^21:39 error: .*alertmanager has no `command`/,
  ],
  'no key for PagerDuty': ['routing_key_file: /k, ', '', /^22:\d+ error/],
  'a moment that is none': ['2026-12-24T18:00Z', 'tomorrow', /^24:\d+ error: .*tomorrow/],
  'a silence of everything': ['{alert: hot}', '{}', /^24:\d+ error: .*everything/],
  'the same name twice': ['name: boss', 'name: ops', /22:14 error/],
};
for (const [what, [from, to, want]] of Object.entries(faults)) {
  test(`told with its place: ${what}`, () => {
    const text = FULL.replace(from, to);
    assert.notEqual(text, FULL);
    assert.ok(
      reported(text).some((line) => want.test(line)),
      reported(text).join('\n'),
    );
  });
}

test('a misspelt metric is told with the one that was meant', () => {
  const text = 'monitoring: {resources: {alerts: [{name: a, condition: memory_availble < 1Gi}]}}\n';
  const parsed = parse(text);
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.warnings.map(({ suggestion }) => suggestion),
    ['memory_available'],
  );
});

test('a rule of the site takes the place of a default one of its name; all of them can be off', () => {
  const own = '{name: cpu_high, condition: cpu_utilization > 50}';
  const site = (more: string) => `monitoring: {resources: {alerts: [${own}]${more}}}\n`;
  const { rules } = alertsOf(site(''));
  assert.deepEqual(
    rules.filter(({ name }) => name === 'cpu_high').map(({ text }) => text),
    ['cpu_utilization > 50'],
  );
  assert.ok(rules.length > 5);
  assert.equal(alertsOf(site(', default_alerts: false')).rules.length, 1);
});
