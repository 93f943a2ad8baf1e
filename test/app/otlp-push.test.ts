import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { OtlpPush } from '../../src/app/otlp-push.ts';
import { OtlpQueue } from '../../src/app/otlp-queue.ts';
import { spanMs, type TimeMs } from '../../src/base/units.ts';
import type { Trace } from '../../src/cli/trace.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { OtlpConfig } from '../../src/model/otlp-config.ts';
import { families } from '../../src/telemetry/families.ts';
import type { Sent } from '../../src/telemetry/otlp/answers.ts';
import { checkedMetrics, checkedTraces, otlpReceiver } from '../builders/otlp-receiver.ts';

const NOW = 1_700_000_000_000;
const bounded = { timeout: 30_000 };

const config = (endpoint: string, more: Partial<OtlpConfig> = {}): OtlpConfig => ({
  endpoint,
  headers: {},
  intervalMs: spanMs(60_000),
  timeoutMs: spanMs(5_000),
  gzip: true,
  metrics: true,
  traces: true,
  ...more,
});

function open(t: TestContext, own: OtlpConfig) {
  const said: string[] = [];
  let tasks = 3;
  const push = new OtlpPush({
    config: own,
    origin: { version: '1', attributes: { 'host.name': 'h' } },
    beginnings: { machine: NOW - 2_000, daemon: NOW - 1_000 },
    traceOf: (id) => (id === 'forgotten' ? undefined : trace(id)),
    now: () => NOW as TimeMs,
    log: (_, sentence) => said.push(sentence),
  });
  push.begin({
    families: () => families,
    latest: () => [
      { name: 'berth_tasks', labels: { state: 'running' }, value: tasks, at: NOW as TimeMs },
    ],
  });
  t.after(() => push.close());
  const counted = (name: string) =>
    push.latest(name).map(({ labels, value }) => [...Object.values(labels), value]);
  const setTasks = (count: number): void => {
    tasks = count;
  };
  return { push, said, counted, setTasks };
}

const trace = (workload: string): Trace => ({
  workload,
  name: 'p',
  tenant: 't',
  from: NOW - 500,
  to: NOW,
  spans: [
    {
      id: 'workload',
      parent: undefined,
      kind: 'workload',
      name: 'p',
      from: NOW - 500,
      to: NOW,
      isOpen: false,
      attributes: { 'berth.workload': workload },
    },
    {
      id: 'step a',
      parent: 'workload',
      kind: 'step',
      name: 'a',
      from: NOW - 400,
      to: NOW,
      isOpen: false,
      failure: 'it broke',
      attributes: { 'berth.tasks': 2 },
    },
  ],
  critical: [],
  stages: [],
});

const ended = (...ids: readonly string[]): Event[] =>
  ids.map((workload) => ({
    kind: 'workload-ended',
    workload: workload as WorkloadId,
    state: 'succeeded',
    at: NOW as TimeMs,
  })) as Event[];

test(
  'metrics and traces come zipped, with headers of the site and of the file',
  bounded,
  async (t) => {
    const collector = await otlpReceiver(t);
    const folder = mkdtempSync(join(tmpdir(), 'berth-otlp-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const headersFile = join(folder, 'headers');
    writeFileSync(headersFile, 'Authorization: Bearer secret-1\n', { mode: 0o600 });
    const own = config(collector.url, { headers: { 'x-scope-orgid': 'team' }, headersFile });
    const { push, counted } = open(t, own);
    push.noteEvents(ended('7', '8', 'forgotten'));
    await Promise.all([push.pushMetrics(), push.pushTraces()]);
    const [metrics] = await collector.heard('/v1/metrics', 1);
    const [traces] = await collector.heard('/v1/traces', 1);
    for (const { headers } of [metrics!, traces!]) {
      assert.equal(headers['content-encoding'], 'gzip');
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers.authorization, 'Bearer secret-1');
      assert.equal(headers['x-scope-orgid'], 'team');
    }
    assert.deepEqual(
      checkedMetrics(metrics!.body).metrics.map(({ name }) => name),
      ['berth.tasks'],
    );
    const { spans } = checkedTraces(traces!.body);
    assert.equal(spans.length, 4);
    const [root, step] = spans;
    assert.deepEqual(
      [step!.parentSpanId, step!.traceId, step!.status],
      [root!.spanId, root!.traceId, { code: 2, message: 'it broke' }],
    );
    assert.notEqual(spans[2]!.traceId, root!.traceId);
    await push.settled();
    assert.deepEqual(counted('berth_otlp_sent_total'), [
      ['metrics', 1],
      ['traces', 4],
    ]);
    assert.deepEqual(counted('berth_otlp_dropped_total'), [['traces', 'forgotten', 1]]);
  },
);

test('what may not be compressed is not', bounded, async (t) => {
  const collector = await otlpReceiver(t);
  const { push } = open(t, config(collector.url, { gzip: false }));
  await push.pushMetrics();
  const [asked] = await collector.heard('/v1/metrics', 1);
  assert.equal(asked!.headers['content-encoding'], undefined);
});

test(
  'while the collector refuses for now, what is told waits, and comes in order',
  bounded,
  async (t) => {
    const collector = await otlpReceiver(t);
    collector.answers.push({ status: 503, headers: { 'retry-after': '1' } }, { status: 429 });
    const { push, said, counted, setTasks } = open(t, config(collector.url));
    await push.pushMetrics();
    await push.settled();
    setTasks(4);
    await push.pushMetrics();
    assert.deepEqual(counted('berth_otlp_waiting'), [
      ['metrics', 2],
      ['traces', 0],
    ]);
    const asked = await collector.heard('/v1/metrics', 4);
    const values = asked.map(({ body }) => {
      const [one] = checkedMetrics(body).metrics;
      assert.ok(one !== undefined && 'gauge' in one);
      return one.gauge.dataPoints[0]!.asDouble;
    });
    assert.deepEqual(values, [3, 3, 3, 4]);
    await push.settled();
    assert.deepEqual(counted('berth_otlp_failures_total'), [
      ['metrics', 2],
      ['traces', 0],
    ]);
    assert.deepEqual(counted('berth_otlp_sent_total')[0], ['metrics', 2]);
    assert.deepEqual(said, [
      'what the collector is told of metrics waits: it answered with 503',
      'the collector takes metrics again',
    ]);
  },
);

test(
  'what is wrong is not sent again, and what is taken in part is counted',
  bounded,
  async (t) => {
    const collector = await otlpReceiver(t);
    const { push, said, counted } = open(t, config(collector.url));
    collector.answers.push({ status: 400 });
    await push.pushMetrics();
    await push.settled();
    collector.answers.push({
      status: 200,
      body: { partialSuccess: { rejectedSpans: '1', errorMessage: 'one too many' } },
    });
    push.noteEvents(ended('7'));
    await push.pushTraces();
    await push.settled();
    assert.equal(collector.asked.length, 2);
    assert.deepEqual(counted('berth_otlp_dropped_total'), [
      ['metrics', 'refused', 1],
      ['traces', 'rejected', 1],
    ]);
    assert.deepEqual(counted('berth_otlp_sent_total')[1], ['traces', 1]);
    assert.deepEqual(said, [
      'what the collector is told of metrics was refused: it answered with 400',
      'what the collector is told of traces was taken in part: one too many',
    ]);
  },
);

test('nobody is told a header, nor an address', bounded, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-otlp-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const headersFile = join(folder, 'headers');
  writeFileSync(headersFile, 'authorization: Bearer secret-1\n');
  chmodSync(headersFile, 0o644);
  const collector = await otlpReceiver(t);
  const openly = open(t, config(collector.url, { headersFile }));
  await openly.push.pushMetrics();
  await openly.push.settled();
  assert.equal(collector.asked.length, 0);
  assert.match(openly.said.join(), /others may read .*chmod 600/);
  chmodSync(headersFile, 0o600);
  collector.close();
  const down = open(t, config(collector.url, { headersFile }));
  await down.push.pushMetrics();
  await down.push.settled();
  assert.deepEqual(down.said, [
    'what the collector is told of metrics waits: no answer: ECONNREFUSED',
  ]);
  collector.answers.length = 0;
});

test('a collector that hangs costs the time of one request', bounded, async (t) => {
  const collector = await otlpReceiver(t);
  collector.answers.push({ status: 200, hangs: true });
  const { push, said } = open(t, config(collector.url, { timeoutMs: spanMs(100) }));
  await push.pushMetrics();
  await push.settled();
  assert.deepEqual(said, ['what the collector is told of metrics waits: no answer within 100 ms']);
});

test('an ending daemon tells what it has', bounded, async (t) => {
  const collector = await otlpReceiver(t);
  const { push } = open(t, config(collector.url));
  push.noteEvents(ended('7'));
  await push.close();
  assert.deepEqual(collector.asked.map(({ path }) => path).sort(), ['/v1/metrics', '/v1/traces']);
});

test('more waits than may: the oldest go, but for the one on its way, and each is counted', async () => {
  const answers: ((sent: Sent) => void)[] = [];
  const bodies: string[] = [];
  const fates: [string, number][] = [];
  const queue = new OtlpQueue('metrics', {
    send: ({ body }) => {
      bodies.push(body.toString());
      return new Promise((answer) => answers.push(answer));
    },
    onFate: (fate, items) => fates.push([fate, items]),
    onFailure: () => {},
    onTrouble: () => {},
    bytesMax: 6,
  });
  for (const name of ['aa', 'bb', 'cc', 'dd', 'ee']) {
    queue.add({ body: Buffer.from(name), items: name.charCodeAt(0) - 96 });
  }
  assert.deepEqual(fates, [
    ['full', 2],
    ['full', 3],
  ]);
  assert.equal(queue.items, 1 + 4 + 5);
  while (queue.items > 0) {
    answers.shift()!({ ok: true, rejected: 0, why: undefined });
    // Promises alone: nothing is waited for but them.
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
  await queue.settled();
  assert.deepEqual(bodies, ['aa', 'dd', 'ee']);
  assert.deepEqual(fates.slice(2), [
    ['sent', 1],
    ['sent', 4],
    ['sent', 5],
  ]);
});

test('it waits as long as it is told, else twice as long each time, up to a minute', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let next: Sent = { ok: false, again: true, why: 'busy', afterMs: 90_000 };
  let asked = 0;
  const queue = new OtlpQueue('metrics', {
    send: () => {
      asked++;
      return Promise.resolve(next);
    },
    onFate: () => {},
    onFailure: () => {},
    onTrouble: () => {},
  });
  queue.add({ body: Buffer.from('a'), items: 1 });
  await queue.settled();
  t.mock.timers.tick(89_999);
  assert.equal(asked, 1);
  t.mock.timers.tick(1);
  assert.equal(asked, 2);
  next = { ok: false, again: true, why: 'busy' };
  await queue.settled();
  t.mock.timers.tick(90_000);
  await queue.settled();
  // Spread by a fifth, so that many do not come together.
  for (const seconds of [4, 8, 16, 32, 60, 60]) {
    const before: number = asked;
    t.mock.timers.tick(seconds * 800 - 1);
    assert.equal(asked, before, `not before ${seconds * 0.8} s`);
    t.mock.timers.tick(seconds * 400 + 1);
    assert.equal(asked, before + 1, `by ${seconds * 1.2} s`);
    await queue.settled();
  }
  await queue.close();
});
