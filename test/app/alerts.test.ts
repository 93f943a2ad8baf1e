import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AlertConfig } from '../../src/model/alert-rule.ts';
import { alertHouse } from '../builders/alert-house.ts';
import { scalingTerms } from '../builders/autoscaling.ts';
import { service } from '../builders/service.ts';
import { parse } from '../builders/site-text.ts';
import { resources, step, workload } from '../builders/workload.ts';

const MINUTE = 60_000;
const bounded = { timeout: 60_000 };

function configOf(text: string): AlertConfig {
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.site.alerts!;
}

const site = (alerts: string, notify = '[]'): AlertConfig =>
  configOf(
    `monitoring: {resources: {default_alerts: false, alerts: [${alerts}]}, notify: ${notify}}\n`,
  );

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-told-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** A receiver that answers as it is told to. */
async function listen(t: TestContext) {
  const asked: Asked[] = [];
  const answer = { status: 200 };
  const server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece) => {
      text += String(piece);
    });
    request.on('end', () => {
      const { authorization } = request.headers;
      asked.push({ path: request.url!, authorization, body: JSON.parse(text) });
      response.writeHead(answer.status).end();
      server.emit('asked');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  /** Resolves once so many came. */
  const heard = async (count: number): Promise<readonly Asked[]> => {
    while (asked.length < count) await once(server, 'asked');
    return asked;
  };
  return { url: `http://127.0.0.1:${port}`, asked, answer, heard };
}

test('scale_up: a service that is autoscaled gets a replica more, within its bounds', async (t) => {
  const house = alertHouse(
    t,
    site(
      '{name: busy, condition: cpu_utilization > 90, duration: 300, action: scale_up, cooldown: 0}',
    ),
  );
  const id = await house.submit(service(2, { autoscaling: scalingTerms({ maxReplicas: 3 }) }));
  const replicas = () => house.engine.state.workload(id)!.service!.replicas;
  house.metrics.set('berth_node_cpu_busy_ratio', 0.95);
  await house.pass(299_000);
  assert.equal(replicas(), 2);
  await house.pass(10_000);
  assert.equal(replicas(), 3);
  const { scalings } = house.engine.state.workload(id)!.service!;
  assert.match(scalings.at(-1)!.reason!, /alert busy: cpu_utilization > 90/);
  // It goes on, and does it no second time; the next episode finds no room.
  await house.pass(10 * MINUTE);
  assert.equal(replicas(), 3);
  house.metrics.set('berth_node_cpu_busy_ratio', 0.5);
  await house.pass(2 * MINUTE);
  house.metrics.set('berth_node_cpu_busy_ratio', 0.95);
  await house.pass(6 * MINUTE);
  const { alerts } = house.alerts.list(undefined);
  assert.deepEqual(
    alerts.map(({ state, acted }) => [state, acted.map(({ outcome }) => outcome)]),
    [
      ['firing', [`refused: web (${id}) has 3 replicas, and may have no more`]],
      ['resolved', [`web (${id}) has 3 replicas instead of 2`]],
    ],
  );
  assert.ok(house.logged.some((line) => line.includes('scale_up: web')));
});

const refused: Readonly<Record<string, readonly [action: string, want: RegExp]>> = {
  'a service that is not autoscaled': ['scale_up', /web \(1\) is not autoscaled/],
  'a service that there is not': ['{scale_up: {service: api}}', /no service api runs/],
  'nobody to evict': ['evict_low_priority', /nothing runs that may be evicted/],
  'a program that there is not': ['{command: [/nowhere/x]}', /cannot be started: ENOENT/],
  'a program that fails': ['{command: [sh, -c, "echo no >&2; exit 3"]}', /ended with 3: no/],
  'a program that hangs': ['{command: [sleep, "60"], timeout: 100ms}', /more than 100 ms/],
};
for (const [what, [action, want]] of Object.entries(refused)) {
  test(`refused, and said why: ${what}`, bounded, async (t) => {
    const house = alertHouse(t, site(`{name: a, condition: m > 1, action: ${action}}`));
    const spec = service(1);
    const [only] = spec.steps;
    await house.submit({ ...spec, steps: [{ ...only!, qos: 'guaranteed' }] });
    house.metrics.set('m', 2);
    await house.pass(1_000);
    const [alert] = house.alerts.list(undefined).alerts;
    assert.match(alert!.acted[0]!.outcome, want);
  });
}

test('evict_low_priority: the one that gives way first is stopped, once', async (t) => {
  const house = alertHouse(
    t,
    site('{name: memory, condition: memory_available < 1Gi, action: evict_low_priority}'),
  );
  const job = (name: string, priority: number) => ({
    ...workload(name, step('run', { request: resources({ cpu: 1_000 }) })),
    priority,
  });
  await house.submit(job('important', 10));
  const low = await house.submit(job('low', 1));
  house.metrics.set('berth_node_memory_available_bytes', 2 ** 31);
  await house.pass(MINUTE);
  const stopped = () =>
    [...house.engine.state.runningAttempts()].filter(({ stop }) => stop !== undefined);
  assert.equal(stopped().length, 0);
  house.metrics.set('berth_node_memory_available_bytes', 2 ** 29);
  await house.pass(MINUTE);
  assert.deepEqual(
    stopped().map(({ id, stop }) => [id, stop]),
    [[`${low}.run.0.1`, 'evicted']],
  );
  const [alert] = house.alerts.list(undefined).alerts;
  assert.deepEqual(
    alert!.acted.map(({ outcome }) => outcome),
    [`evicted ${low}.run.0.1`],
  );
  const { eviction } = house.engine.state.live.lastEviction('n' as never)!;
  assert.equal(eviction.threshold, 'alert memory: memory_available < 1Gi');
});

test('pause_low_priority freezes its workload', async (t) => {
  const house = alertHouse(t, site('{name: a, condition: m > 1, action: pause_low_priority}'));
  const id = await house.submit(workload('w', step('run')));
  house.metrics.set('m', 2);
  await house.pass(1_000);
  const [attempt] = house.engine.state.runningAttempts();
  assert.equal(attempt!.live?.pausedBy, 'alerts');
  const [alert] = house.alerts.list(undefined).alerts;
  assert.match(alert!.acted[0]!.outcome, new RegExp(`^paused ${id}`));
});

test('a program is given the alert on stdin', bounded, async (t) => {
  const out = join(folderOf(t), 'told.json');
  const house = alertHouse(
    t,
    site(`{name: a, condition: m > 1, action: {command: [tee, "${out}"]}}`),
  );
  house.metrics.set('m', 2, { d: 'x' });
  await house.pass(1_000);
  const told = JSON.parse(readFileSync(out, 'utf8'));
  assert.deepEqual(
    [told.rule, told.state, told.labels, told.value],
    ['a', 'firing', { d: 'x' }, 2],
  );
});

test(
  'a webhook hears that it fires and that it ended; a token comes from its file',
  bounded,
  async (t) => {
    const ear = await listen(t);
    const secret = join(folderOf(t), 'token');
    writeFileSync(secret, 'hush\n', { mode: 0o600 });
    const house = alertHouse(
      t,
      site(
        '{name: a, condition: m > 1, keep_firing: 0, summary: look}',
        `[{name: hook, type: webhook, url: "${ear.url}/x", token_file: "${secret}"}]`,
      ),
    );
    house.metrics.set('m', 2, { tenant: 'ana' });
    await house.pass(10_000);
    await ear.heard(1);
    house.metrics.set('m', 0, { tenant: 'ana' });
    await house.pass(MINUTE);
    const [first, second] = await ear.heard(2);
    assert.equal(first!.path, '/x');
    assert.equal(first!.authorization, 'Bearer hush');
    const { alerts, ...notice } = first!.body as { alerts: Record<string, unknown>[] };
    assert.deepEqual(notice, {
      version: 1,
      site: 'lab',
      receiver: 'hook',
      at: house.clock.at - 70_000 + 6_000,
    });
    const { rule, what, state, sentence, labels, summary } = alerts[0]!;
    assert.deepEqual(
      { rule, what, state, sentence, labels, summary },
      {
        rule: 'a',
        what: 'firing',
        state: 'firing',
        sentence: 'm > 1 for tenant ana: 2 now, for 5s',
        labels: { tenant: 'ana' },
        summary: 'look',
      },
    );
    const [ended] = (second!.body as { alerts: Record<string, unknown>[] }).alerts;
    assert.deepEqual([ended!['what'], ended!['state']], ['resolved', 'resolved']);
  },
);

test(
  'a receiver that is down is told later, and what waited survives a restart',
  bounded,
  async (t) => {
    const ear = await listen(t);
    ear.answer.status = 503;
    const house = alertHouse(
      t,
      site('{name: a, condition: m > 1}', `[{name: hook, type: webhook, url: "${ear.url}"}]`),
    );
    house.metrics.set('m', 2);
    await house.pass(10_000);
    await ear.heard(1);
    while (house.alerts.list(undefined).alerts[0]!.told[0]!.outcome === 'queued') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(house.alerts.list(undefined).alerts[0]!.told[0]!.outcome, /waits: .* 503/);
    house.restart();
    ear.answer.status = 200;
    const before = ear.asked.length;
    await house.pass(1_000);
    await ear.heard(before + 1);
    while (house.alerts.list(undefined).alerts[0]!.told[0]!.outcome !== 'delivered') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    // And not a third time.
    house.restart();
    await house.pass(5 * MINUTE);
    assert.equal(house.alerts.list(undefined).alerts[0]!.told.length, 1);
  },
);

test('a secret that others may read is not used, and nothing of it is told', bounded, async (t) => {
  const ear = await listen(t);
  const secret = join(folderOf(t), 'url');
  writeFileSync(secret, `${ear.url}/very-secret\n`);
  chmodSync(secret, 0o644);
  const told = alertHouse(
    t,
    site('{name: a, condition: m > 1}', `[{name: chat, type: slack, url_file: "${secret}"}]`),
  );
  told.metrics.set('m', 2);
  await told.pass(10_000);
  const outcome = () => told.alerts.list(undefined).alerts[0]!.told[0]!.outcome;
  while (outcome() === 'queued') await new Promise((resolve) => setImmediate(resolve));
  assert.match(outcome(), /chmod 600/);
  chmodSync(secret, 0o600);
  await ear.heard(1);
  assert.deepEqual(ear.asked[0], {
    path: '/very-secret',
    authorization: undefined,
    body: { text: '*lab*\nFIRES: a (warning): m &gt; 1: 2 now, for 5s' },
  });
  assert.doesNotMatch(told.logged.join('\n'), /very-secret|127\.0\.0\.1/);
});

test('PagerDuty: one event an alert, with the same key when it ends', bounded, async (t) => {
  const ear = await listen(t);
  const key = join(folderOf(t), 'key');
  writeFileSync(key, 'routing\n', { mode: 0o600 });
  const house = alertHouse(
    t,
    site(
      '{name: a, condition: m > 1, severity: critical, keep_firing: 0}',
      `[{name: pd, type: pagerduty, url: "${ear.url}", routing_key_file: "${key}"}]`,
    ),
  );
  house.metrics.set('m', 2);
  await house.pass(10_000);
  await ear.heard(1);
  house.metrics.set('m', 0);
  await house.pass(MINUTE);
  const bodies = (await ear.heard(2)).map(({ body }) => body as Record<string, unknown>);
  assert.deepEqual(
    bodies.map((one) => [one['event_action'], one['dedup_key'], one['routing_key']]),
    [
      ['trigger', 'berth lab a1', 'routing'],
      ['resolve', 'berth lab a1', 'routing'],
    ],
  );
  assert.equal((bodies[0]!['payload'] as Record<string, unknown>)['severity'], 'critical');
});

test('a receiver that says no for good is told of no more than once', bounded, async (t) => {
  const ear = await listen(t);
  ear.answer.status = 400;
  const house = alertHouse(
    t,
    site('{name: a, condition: m > 1}', `[{name: hook, type: webhook, url: "${ear.url}"}]`),
  );
  house.metrics.set('m', 2);
  await house.pass(10_000);
  await ear.heard(1);
  const outcome = () => house.alerts.list(undefined).alerts[0]!.told[0]!.outcome;
  while (outcome() === 'queued') await new Promise((resolve) => setImmediate(resolve));
  assert.match(outcome(), /not delivered: it answered with 400/);
  await house.pass(10 * MINUTE);
  assert.equal(ear.asked.length, 1);
});

test('silences are kept over a restart, and end when somebody or time says so', async (t) => {
  const house = alertHouse(t, site('{name: a, condition: m > 1}'));
  house.metrics.set('m', 2);
  await house.pass(1_000);
  const made = house.alerts.silence(
    { matches: { alert: 'a' }, for_ms: MINUTE, comment: 'c' },
    'ana',
  );
  assert.deepEqual([made.id, made.by], ['s1', 'ana']);
  assert.equal(statSync(join(house.folder, 'alerts.json')).mode & 0o777, 0o600);
  house.restart();
  assert.equal(house.alerts.list(undefined).alerts[0]!.muted_by, 'silence s1');
  await house.pass(2 * MINUTE);
  assert.equal(house.alerts.list(undefined).alerts[0]!.muted_by, null);
  const { id } = house.alerts.silence(
    { matches: { alert: 'a' }, for_ms: MINUTE, comment: '' },
    'ana',
  );
  assert.equal(id, 's2');
  assert.deepEqual([house.alerts.unsilence(id), house.alerts.unsilence(id)], [true, false]);
});

test('a file that is damaged is said, and begun anew', async (t) => {
  const house = alertHouse(t, site('{name: a, condition: m > 1}'));
  writeFileSync(join(house.folder, 'alerts.json'), '{"version": 1, "state"');
  house.restart();
  assert.ok(house.logged.some((line) => line.includes('begun anew')));
  house.metrics.set('m', 2);
  await house.pass(1_000);
  assert.equal(house.alerts.list(undefined).alerts.length, 1);
});

test('a state folder that is gone keeps nobody from looking; a silence is refused', async (t) => {
  const house = alertHouse(t, site('{name: a, condition: m > 1}'));
  rmSync(house.folder, { recursive: true });
  house.metrics.set('m', 2);
  await house.pass(10_000);
  assert.equal(house.alerts.list(undefined).alerts[0]!.state, 'firing');
  assert.throws(() =>
    house.alerts.silence({ matches: { alert: 'a' }, for_ms: MINUTE, comment: '' }, 'ana'),
  );
  assert.deepEqual(house.alerts.list(undefined).silences, []);
});

test('who sees only his own sees no alert on a task of somebody else', async (t) => {
  const house = alertHouse(t, site('{name: a, condition: m > 1}'));
  house.metrics.set('m', 2, { tenant: 'ana' });
  house.metrics.set('m', 2, { tenant: 'bob' });
  house.metrics.set('m', 2);
  await house.pass(1_000);
  const seen = (only?: string) =>
    house.alerts
      .list(only)
      .alerts.map(({ labels }) => labels['tenant'] ?? 'all')
      .sort();
  assert.deepEqual(seen('ana'), ['all', 'ana']);
  assert.deepEqual(seen(), ['all', 'ana', 'bob']);
});

test('who sees only his own sees no alert on jobs of a user that somebody else is', async (t) => {
  const house = alertHouse(t, site('{name: a, condition: ml_jobs_total > 1}'));
  house.metrics.set('ml_jobs_total', 2, { status: 'failed', user: 'ana' });
  house.metrics.set('ml_jobs_total', 2, { status: 'failed', user: 'bob' });
  await house.pass(1_000);
  const users = house.alerts.list('ana').alerts.map(({ labels }) => labels['user']);
  assert.deepEqual(users, ['ana']);
});

test('who sees only his own finds out nothing of others by a replay', (t) => {
  const house = alertHouse(t, undefined);
  house.clock.at = (60 * MINUTE) as never;
  const points = Array.from({ length: 60 }, (_, i) => [i * MINUTE, 7] as const);
  house.metrics.keep('berth_tenant_cpu_used', points, { tenant: 'bob' });
  for (const condition of ['sum(berth_tenant_cpu_used) > 6', 'berth_tenant_cpu_used > 6']) {
    const asked = { condition, span: '1h' };
    assert.equal(house.alerts.replay(asked, 'bob').total, 1);
    const { total, notices, missing } = house.alerts.replay(asked, 'ana');
    assert.deepEqual([total, notices, missing], [0, 0, ['berth_tenant_cpu_used']]);
  }
});

test('a replay tells when it would have fired, for how long, and how often people were told', (t) => {
  const house = alertHouse(
    t,
    site('{name: busy, condition: cpu_utilization > 90, duration: 2m, keep_firing: 0}'),
  );
  const hour = 60 * MINUTE;
  house.clock.at = (24 * hour) as never;
  const start = 23 * hour;
  house.metrics.keep(
    'berth_node_cpu_busy_ratio',
    Array.from({ length: 60 }, (_, i) => [
      start + i * MINUTE,
      (i >= 10 && i < 20) || (i >= 40 && i < 41) ? 0.95 : 0.5,
    ]),
  );
  const asked = { rule: 'busy', span: '24h' };
  const replay = house.alerts.replay(asked, undefined);
  assert.deepEqual(
    replay.alerts.map((one) => [one.since, one.fired_at, one.resolved_at]),
    [[start + 10 * MINUTE, start + 12 * MINUTE, start + 20 * MINUTE]],
  );
  const { total, notices, firing_ms, interval_ms, missing } = replay;
  assert.deepEqual([total, notices, firing_ms, interval_ms], [1, 2, 8 * MINUTE, MINUTE]);
  assert.deepEqual(missing, []);
  // Nothing of that is an alert of now.
  assert.deepEqual(house.alerts.list(undefined).alerts, []);
  const typed = { condition: 'cpu_utilization > 90 and gone > 1', span: '24h' };
  assert.deepEqual(house.alerts.replay(typed, undefined).missing, ['gone']);
  // A condition ends when it does not hold, for the minute that a rule keeps firing; that of CPUs says nothing of it.
  const points = [0, 1, 2, 3, 4, 5].map((i) => [start + i * MINUTE, i < 2 ? 5 : 0] as const);
  house.metrics.keep('m', points);
  const [own] = house.alerts.replay({ condition: 'm > 1', span: '24h' }, undefined).alerts;
  assert.equal(own!.resolved_at, start + 2 * MINUTE);
  const shorter = house.alerts.replay({ ...asked, duration: '0s' }, undefined);
  assert.equal(shorter.total, 2);
  for (const wrong of [
    { rule: 'nobody', span: '24h' },
    { condition: 'cpu >', span: '24h' },
    { span: '24h' },
    { rule: 'busy', span: 'long' },
    { rule: 'busy', span: '24h', duration: 'x' },
  ]) {
    assert.throws(() => house.alerts.replay(wrong, undefined), { code: 'USAGE' });
  }
});

test('a look reads what many rules are told from once', (t) => {
  const house = alertHouse(t, undefined);
  const read: string[] = [];
  const latest = house.metrics.latest.bind(house.metrics);
  house.metrics.latest = (name) => {
    read.push(name!);
    return latest(name);
  };
  house.alerts.look();
  assert.ok(read.includes('berth_node_cpu_busy_ratio'));
  assert.deepEqual(read.toSorted(), [...new Set(read)].sort());
});

test('without a site document the rules that come with Berth hold', async (t) => {
  const house = alertHouse(t, undefined);
  house.metrics.set('berth_node_cpu_busy_ratio', 0.99);
  await house.pass(6 * MINUTE);
  const { alerts, rules } = house.alerts.list(undefined);
  assert.deepEqual(
    alerts.map(({ rule, muted_by }) => [rule, muted_by]),
    [
      ['cpu_critical', null],
      ['cpu_high', 'cpu_critical fires'],
    ],
  );
  const gpu = rules.find(({ name }) => name === 'gpu_hot');
  assert.match(gpu!.problem ?? '', /nobody measures berth_gpu_temperature_celsius/);
});
