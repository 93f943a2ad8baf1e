import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SpanMs, TimeMs } from '../../src/base/units.ts';
import type { AlertConfig, AlertRule, Receiver } from '../../src/model/alert-rule.ts';
import { parseCondition } from '../../src/spec/alert-condition.ts';
import {
  ACTIVE_MAX,
  type AlertState,
  afterRestart,
  ENDED_MAX,
  type Notice,
  noAlerts,
  withActed,
  withTold,
} from '../../src/telemetry/alerts/alert-state.ts';
import {
  evaluate,
  type Measured,
  SERIES_MAX,
  type WindowSeries,
} from '../../src/telemetry/alerts/evaluate.ts';
import { mutingOf } from '../../src/telemetry/alerts/muting.ts';
import { type Stepped, step } from '../../src/telemetry/alerts/step.ts';
import { type Labels, type Reading, seriesKey } from '../../src/telemetry/metric.ts';

const T0 = 1_000_000_000_000;
const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const conditionOf = (text: string) => {
  const parsed = parseCondition(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.condition;
};

function rule(name: string, text: string, more: Partial<AlertRule> = {}): AlertRule {
  return {
    name,
    text,
    condition: conditionOf(text),
    durationMs: 0 as SpanMs,
    keepFiringMs: 0 as SpanMs,
    severity: 'warning',
    labels: {},
    actions: [],
    cooldownMs: 0 as SpanMs,
    inhibits: [],
    escalation: [],
    origin: 'test',
    ...more,
  };
}

const receiver = (name: string, more: Partial<Receiver> = {}): Receiver => ({
  name,
  target: { kind: 'webhook', url: { text: '' } },
  repeatMs: (4 * HOUR) as SpanMs,
  severity: 'info',
  onlyNamed: false,
  ...more,
});

const config = (rules: readonly AlertRule[], more: Partial<AlertConfig> = {}): AlertConfig => ({
  rules,
  receivers: [receiver('ops')],
  silences: [],
  ...more,
});

type Rows = readonly (readonly [name: string, value: number, labels?: Labels])[];

const measured = (
  at: number,
  rows: Rows,
  windows: Readonly<Record<string, readonly WindowSeries[]>> = {},
): Measured => ({
  at: at as TimeMs,
  latest: (name) =>
    rows.flatMap(([of, value, labels = {}]): Reading[] =>
      of === name ? [{ name, value, labels }] : [],
    ),
  window: (name, spanMs) =>
    (windows[name] ?? []).map(({ labels, points }) => ({
      labels,
      points: points.filter((point) => point.at > at - spanMs && point.at <= at),
    })),
});

/** Plays a config through time, one look a second; `rows` says what is measured so many milliseconds in. */
class Play {
  state: AlertState = noAlerts;
  readonly notices: Notice[] = [];
  readonly orders: Stepped['orders'][number][] = [];
  readonly config: AlertConfig;
  at = T0;

  constructor(played: AlertConfig) {
    this.config = played;
  }

  look(rows: Rows): Stepped {
    const stepped = step(this.config, this.state, measured(this.at, rows));
    this.state = stepped.state;
    this.notices.push(...stepped.notices);
    this.orders.push(...stepped.orders);
    return stepped;
  }

  run(forMs: number, rows: (inMs: number) => Rows, everyMs = SECOND): this {
    const from = this.at;
    for (; this.at < from + forMs; this.at += everyMs) this.look(rows(this.at - T0));
    return this;
  }

  told(): string[] {
    return this.notices.flatMap(({ to, at, items }) =>
      items.map(({ what, alert }) => `${(at - T0) / SECOND} ${to} ${what} ${alert.rule}`),
    );
  }

  states(): string[] {
    return this.state.active.map(({ rule: name, state }) => `${name} ${state}`);
  }
}

const cpu = (percent: number): Rows => [['berth_node_cpu_busy_ratio', percent / 100]];

const truths: Readonly<Record<string, readonly [rows: Rows, want: Record<string, boolean>]>> = {
  'cpu_utilization > 90': [cpu(91), { '': true }],
  'cpu_utilization > 90%': [cpu(89), { '': false }],
  '90% < cpu_utilization': [cpu(91), { '': true }],
  'berth_node_cpu_busy_ratio >= 90%': [cpu(90), { '': true }],
  'memory_available < 1Gi': [[['berth_node_memory_available_bytes', 2 ** 30 - 1]], { '': true }],
  'memory_usage > 85': [
    [
      ['berth_node_memory_used_bytes', 90],
      ['berth_node_memory_total_bytes', 100],
    ],
    { '': true },
  ],
  'm{x="1"} > 2': [
    [
      ['m', 3, { x: '1' }],
      ['m', 3, { x: '2' }],
    ],
    { '{x="1"}': true },
  ],
  'm{x!="1"} > 2': [
    [
      ['m', 3, { x: '1' }],
      ['m', 1, { x: '2' }],
    ],
    { '{x="2"}': false },
  ],
  'a / b > 0.5': [
    [
      ['a', 6, { d: 'x' }],
      ['a', 4, { d: 'y' }],
      ['b', 10, { d: 'x' }],
      ['b', 10, { d: 'y' }],
      ['b', 1, { d: 'z' }],
    ],
    { '{d="x"}': true, '{d="y"}': false },
  ],
  'a > 1 and cpu_utilization > 90': [[['a', 2, { d: 'x' }], ...cpu(95)], { '{d="x"}': true }],
  'a > 1 or b > 1': [
    [
      ['a', 0, { d: 'x' }],
      ['b', 2, { d: 'x' }],
      ['b', 2, { d: 'y' }],
    ],
    { '{d="x"}': true, '{d="y"}': true },
  ],
  'not a > 1': [[['a', 2]], { '': false }],
  'sum(a) == 5': [
    [
      ['a', 2, { d: 'x' }],
      ['a', 3, { d: 'y' }],
    ],
    { '': true },
  ],
  'max(a) - min(a) > avg(a)': [
    [
      ['a', 1, { d: 'x' }],
      ['a', 9, { d: 'y' }],
    ],
    { '': true },
  ],
  'count(a) == 0': [[], { '': true }],
  'a / b > 1': [
    [
      ['a', 1],
      ['b', 0],
    ],
    {},
  ],
  'a > 1': [[], {}],
  '-a < -1': [[['a', 2]], { '': true }],
};
for (const [text, [rows, want]] of Object.entries(truths)) {
  test(`what holds: ${text}, of ${JSON.stringify(rows)}`, () => {
    const found = evaluate(conditionOf(text), measured(T0, rows));
    const byKey = found.map(({ labels, holds }) => [seriesKey('', labels), holds]);
    assert.deepEqual(Object.fromEntries(byKey), want);
  });
}

const points = (values: readonly number[], everyMs: number) =>
  values.map((value, i) => ({
    at: T0 - (values.length - 1 - i) * everyMs,
    mean: value,
    min: value - 1,
    max: value + 1,
  }));

test('over a span: average, extremes, and where a line leads; nothing before half of it is known', () => {
  const windows = { m: [{ labels: { d: 'x' }, points: points([1, 2, 3, 4, 5, 6], MINUTE) }] };
  const value = (text: string) =>
    evaluate(conditionOf(`${text} > 0`), measured(T0, [], windows))[0]?.value;
  assert.equal(value('avg(m, 10m)'), 3.5);
  assert.equal(value('max(m, 10m)'), 7);
  assert.equal(value('min(m, 10m)'), 0);
  assert.equal(value('avg(m, 2m)'), 5.5);
  // One a minute more, for ten minutes.
  assert.ok(Math.abs(value('predict(m, 10m, 10m)')! - 16) < 1e-9);
  assert.equal(value('avg(m, 11m)'), undefined);
});

test('an alias over a span is told from its parts at the same moments', () => {
  const used = points([50, 60, 70], MINUTE);
  const total = points([100, 100], MINUTE);
  const windows = {
    berth_node_memory_used_bytes: [{ labels: {}, points: used }],
    berth_node_memory_total_bytes: [{ labels: {}, points: total }],
  };
  const [found] = evaluate(conditionOf('avg(memory_usage, 2m) > 60'), measured(T0, [], windows));
  assert.equal(found?.value, 65);
});

test('a metric with a million labels is bounded', () => {
  const rows = Array.from({ length: 100_000 }, (_, i): Rows[number] => ['m', 1, { i: String(i) }]);
  assert.equal(evaluate(conditionOf('m > 0'), measured(T0, rows)).length, SERIES_MAX);
  const rules = ['a', 'b', 'c'].map((name) => rule(name, 'm > 0'));
  const play = new Play(config(rules));
  play.look(rows);
  assert.equal(play.state.active.length, ACTIVE_MAX);
  assert.equal(play.state.dropped, 3 * SERIES_MAX - ACTIVE_MAX);
});

test('it fires when it has held for the duration, one for each set of labels', () => {
  const waits = rule('waits', 'm > 1', { durationMs: (5 * SECOND) as SpanMs });
  const play = new Play(config([waits]));
  play.run(4 * SECOND, () => [['m', 2, { d: 'x' }]]);
  assert.deepEqual(play.states(), ['waits pending']);
  // A moment at which it does not hold begins it anew.
  play.run(SECOND, () => [['m', 1, { d: 'x' }]]);
  assert.deepEqual(play.states(), []);
  play.run(6 * SECOND, (inMs) => [
    ['m', 2, { d: 'x' }],
    ['m', inMs < 8 * SECOND ? 0 : 2, { d: 'y' }],
  ]);
  assert.deepEqual(play.states(), ['waits firing', 'waits pending']);
  assert.equal(play.state.active[0]!.firedAt, T0 + 10 * SECOND);
});

test('series of which only some have a label make one alert for each set of labels', () => {
  const rules = config([rule('a', 'm / n > 0')]);
  const rows: Rows = [
    ['m', 1],
    ['m', 2, { x: '1' }],
    ['n', 1, { x: '1' }],
  ];
  let state: AlertState = noAlerts;
  for (const at of [T0, T0 + SECOND, T0 + 2 * SECOND]) {
    state = step(rules, state, measured(at, rows)).state;
    assert.deepEqual(
      state.active.map(({ id, series, value }) => [id, series, value]),
      [['a1', { x: '1' }, 1]],
    );
  }
});

test('hysteresis: it ends when `resolve` holds, and has for `keep_firing` not held', () => {
  const hot = rule('hot', 'cpu_utilization > 85', {
    resolve: conditionOf('cpu_utilization < 80'),
    keepFiringMs: (10 * SECOND) as SpanMs,
  });
  const play = new Play(config([hot]));
  play.run(10 * SECOND, () => cpu(90)).run(60 * SECOND, () => cpu(82));
  assert.deepEqual(play.states(), ['hot firing']);
  play.run(9 * SECOND, () => cpu(70));
  assert.deepEqual(play.states(), ['hot firing']);
  play.run(2 * SECOND, () => cpu(70));
  assert.deepEqual(play.states(), []);
  const [ended] = play.state.ended;
  assert.deepEqual([ended!.state, ended!.resolvedFor], ['resolved', 'ended']);
});

test('85 warns, 95 is critical; while that fires nobody is told of the warning', () => {
  const rules = [
    rule('critical', 'cpu_utilization > 95', { severity: 'critical', inhibits: ['warns'] }),
    rule('warns', 'cpu_utilization > 85'),
  ];
  const play = new Play(config(rules));
  play.run(MINUTE, () => cpu(90)).run(2 * MINUTE, () => cpu(99));
  const muting = mutingOf(play.config, play.state, play.at as TimeMs);
  assert.deepEqual(
    play.state.active.map((alert) => [alert.rule, muting(alert)?.why]),
    [
      ['critical', undefined],
      ['warns', 'critical fires'],
    ],
  );
  play.run(2 * MINUTE, () => cpu(50));
  assert.deepEqual(play.told(), [
    '5 ops firing warns',
    '65 ops firing critical',
    '185 ops resolved warns',
    '185 ops resolved critical',
  ]);
  // At once above 95: of the warning nobody hears anything.
  const at = new Play(config(rules));
  at.run(MINUTE, () => cpu(99)).run(MINUTE, () => cpu(50));
  assert.deepEqual(at.told(), ['5 ops firing critical', '65 ops resolved critical']);
});

test('a rule mutes another only for labels that fit', () => {
  const rules = [
    rule('high', 'm > 5', { inhibits: ['low'] }),
    rule('low', 'm > 1', { durationMs: 0 as SpanMs }),
  ];
  const play = new Play(config(rules));
  play.run(10 * SECOND, () => [
    ['m', 9, { d: 'x' }],
    ['m', 2, { d: 'y' }],
  ]);
  const told = play.notices.flatMap(({ items }) =>
    items.map(({ alert }) => `${alert.rule} ${alert.series['d']}`),
  );
  assert.deepEqual(told.sort(), ['high x', 'low y']);
});

test('a silence keeps from telling, and not from acting; its end tells what still fires', () => {
  const silences = [
    {
      id: 's1',
      matches: { alert: 'a', d: 'x' },
      until: (T0 + MINUTE) as TimeMs,
      by: '',
      comment: '',
    },
  ];
  const acting = rule('a', 'm > 1', { actions: [{ kind: 'evict_low_priority' }] });
  const play = new Play(config([acting], { silences }));
  play.run(30 * SECOND, () => [['m', 2, { d: 'x' }]]);
  assert.deepEqual(play.told(), []);
  assert.equal(play.orders.length, 1);
  play.run(MINUTE, () => [['m', 2, { d: 'x' }]]);
  assert.deepEqual(play.told(), ['65 ops firing a']);
});

test('what goes on is told to others, unless somebody silenced it', () => {
  const escalation = [{ afterMs: (10 * MINUTE) as SpanMs, notify: ['boss'] }];
  const receivers = [receiver('ops'), receiver('boss', { onlyNamed: true })];
  const rules = [rule('a', 'm > 1', { escalation })];
  const play = new Play(config(rules, { receivers }));
  play.run(20 * MINUTE, () => [['m', 2]]).run(MINUTE, () => [['m', 0]]);
  assert.deepEqual(play.told(), [
    '5 ops firing a',
    '605 boss escalation a',
    '1205 ops resolved a',
    '1205 boss resolved a',
  ]);
  const silences = [
    { id: 's1', matches: { alert: 'a' }, until: (T0 + HOUR) as TimeMs, by: '', comment: '' },
  ];
  const known = new Play(config(rules, { receivers, silences }));
  known.run(20 * MINUTE, () => [['m', 2]]);
  assert.deepEqual(known.told(), []);
});

test('who wants only what is severe, or is not named, is not told', () => {
  const receivers = [
    receiver('all'),
    receiver('severe', { severity: 'critical' }),
    receiver('named', { onlyNamed: true }),
  ];
  const rules = [
    rule('w', 'm > 1'),
    rule('c', 'm > 1', { severity: 'critical' }),
    rule('n', 'm > 1', { notify: ['named'] }),
  ];
  const play = new Play(config(rules, { receivers }));
  play.run(10 * SECOND, () => [['m', 2]]);
  assert.deepEqual(
    play
      .told()
      .map((line) => line.slice(2))
      .sort(),
    ['all firing c', 'all firing w', 'named firing n', 'severe firing c'],
  );
});

test('what keeps firing is told again, each `repeat`', () => {
  const receivers = [receiver('ops', { repeatMs: MINUTE as SpanMs })];
  const play = new Play(config([rule('a', 'm > 1')], { receivers }));
  play.run(150 * SECOND, () => [['m', 2]]);
  assert.deepEqual(play.told(), ['5 ops firing a', '65 ops repeat a', '125 ops repeat a']);
  // Only what is new stays with the alert.
  assert.equal(play.state.active[0]!.told.length, 1);
});

test('a storm: 300 series of 3 rules that flap for 6 hours send few notices', () => {
  const rules = ['a', 'b', 'c'].map((name) => rule(name, `${name} > 1`));
  const play = new Play(config(rules));
  const series = Array.from({ length: 100 }, (_, i) => i);
  play.run(
    6 * HOUR,
    (inMs) =>
      rules.flatMap(({ name }) =>
        series.map((i): Rows[number] => [
          name,
          Math.floor(inMs / (7 * SECOND)) % 2 === i % 2 ? 2 : 0,
          { i: String(i) },
        ]),
      ),
    7 * SECOND,
  );
  // 30 s, doubled up to an hour: 7 in the first hour, then one an hour, and all rules in one.
  assert.ok(
    play.notices.length >= 8 && play.notices.length <= 14,
    `${play.notices.length} notices`,
  );
  assert.ok(play.state.ended.length <= ENDED_MAX);
  assert.ok(JSON.stringify(play.state).length < 3_000_000);
  // It is over: the last word is that all have ended, and then the pause is forgotten.
  play.run(3 * HOUR, () => rules.map(({ name }): Rows[number] => [name, 0]), MINUTE);
  assert.deepEqual([play.state.active, play.state.groups], [[], []]);
});

test('what begins and ends within a pause is not told at all', () => {
  const play = new Play(config([rule('a', 'm > 1')]));
  play.run(3 * SECOND, () => [['m', 2]]).run(MINUTE, () => [['m', 0]]);
  assert.deepEqual(play.told(), []);
  assert.equal(play.state.ended.length, 1);
});

test('it acts once an episode, and not more often than the cooldown lets it', () => {
  const acting = rule('a', 'm > 1', {
    actions: [{ kind: 'scale_up', replicas: 1 }],
    cooldownMs: (5 * MINUTE) as SpanMs,
  });
  const play = new Play(config([acting]));
  const acted = () => play.orders.map(({ alert }) => alert.id);
  play.run(20 * MINUTE, () => [['m', 2]]);
  assert.deepEqual(acted(), ['a1']);
  // A new episode soon after has to wait for the cooldown of the first, which is long over here.
  play.run(SECOND, () => [['m', 0]]).run(MINUTE, () => [['m', 2]]);
  assert.deepEqual(acted(), ['a1', 'a2']);
  play.run(SECOND, () => [['m', 0]]).run(2 * MINUTE, () => [['m', 2]]);
  assert.deepEqual(acted(), ['a1', 'a2']);
  play.run(3 * MINUTE, () => [['m', 2]]);
  assert.deepEqual(acted(), ['a1', 'a2', 'a3']);
});

test('a series that is not measured any more: what is pending is forgotten, what fires ends later', () => {
  const rules = [rule('a', 'm > 1'), rule('b', 'm > 1', { durationMs: HOUR as SpanMs })];
  const play = new Play(config(rules));
  play.run(10 * SECOND, () => [['m', 2]]).run(4 * MINUTE, () => []);
  assert.deepEqual(play.states(), ['a firing']);
  play.run(2 * MINUTE, () => []);
  assert.equal(play.state.ended[0]?.resolvedFor, 'unmeasured');
});

test('a rule that is gone ends what it fired', () => {
  const play = new Play(config([rule('a', 'm > 1')]));
  play.run(10 * SECOND, () => [['m', 2]]);
  const { state } = step(config([]), play.state, measured(play.at, [['m', 2]]));
  assert.deepEqual([state.active, state.ended[0]?.resolvedFor], [[], 'no-rule']);
});

test('time in which nobody looked does not count as having held', () => {
  const waits = rule('a', 'm > 1', { durationMs: (5 * MINUTE) as SpanMs });
  const play = new Play(config([waits]));
  play.run(10 * SECOND, () => [['m', 2]]);
  play.at += HOUR;
  play.run(SECOND, () => [['m', 2]]);
  assert.deepEqual(play.states(), ['a pending']);
});

test('after a restart nothing is sent or done anew, and what was under way is told as unknown', () => {
  const acting = rule('a', 'm > 1', { actions: [{ kind: 'scale_up', replicas: 1 }] });
  const play = new Play(config([acting]));
  play.run(10 * SECOND, () => [['m', 2]]);
  assert.equal(play.notices.length, 1);
  const kept = JSON.parse(JSON.stringify(play.state)) as AlertState;
  play.at += 30 * SECOND;
  play.state = afterRestart(kept, play.at as TimeMs);
  play.run(MINUTE, () => [['m', 2]]);
  assert.deepEqual([play.notices.length, play.orders.length], [1, 1]);
  assert.match(play.state.active[0]!.acted[0]!.outcome, /unknown/);
  // A clock that was set back: what is to come is not put off for as long.
  const back = afterRestart(kept, (T0 - HOUR) as TimeMs);
  assert.ok(back.at === T0 - HOUR && back.active[0]!.since === T0 - HOUR);
});

test('what came of it stays with the alert', () => {
  const acting = rule('a', 'm > 1', { actions: [{ kind: 'evict_low_priority' }] });
  const play = new Play(config([acting]));
  play.run(10 * SECOND, () => [['m', 2]]);
  const done = withActed(play.state, 'a1', 0, 'evicted 1.run.0.1');
  const told = withTold(done, play.notices[0]!, 'delivered');
  assert.deepEqual(
    told.active.map(({ acted, told: of }) => [acted[0]!.outcome, of[0]!.outcome]),
    [['evicted 1.run.0.1', 'delivered']],
  );
});

test('property: however it flaps, each receiver hears the two ends in turn, and notices are bounded', () => {
  const spans = fc.array(fc.record({ up: fc.boolean(), ms: fc.integer({ min: 1, max: 400 }) }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(spans, fc.integer({ min: 0, max: 30 }), (parts, keep) => {
      const flapping = rule('a', 'm > 1', { keepFiringMs: (keep * SECOND) as SpanMs });
      const play = new Play(config([flapping]));
      for (const { up, ms } of parts) {
        play.run(ms * SECOND, () => [['m', up ? 2 : 0]], 5 * SECOND);
      }
      play.run(3 * HOUR, () => [['m', 0]], MINUTE);
      const whats = play.notices.flatMap(({ items }) =>
        items.map(({ what, alert }) => `${alert.id} ${what}`),
      );
      // Of every episode: nothing, or that it fires and then that it ended.
      const fired = whats
        .filter((what) => what.endsWith('firing'))
        .map((what) => what.split(' ')[0]);
      const ended = whats.filter((what) => what.endsWith('resolved'));
      assert.equal(new Set(fired).size, fired.length);
      assert.deepEqual(ended.map((what) => what.split(' ')[0]).sort(), [...fired].sort());
      // Two notices are never nearer than 30 seconds.
      for (const [i, { at }] of play.notices.slice(1).entries()) {
        assert.ok(at - play.notices[i]!.at >= 30 * SECOND);
      }
    }),
    { numRuns: 60 },
  );
});
