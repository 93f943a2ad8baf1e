import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TimeMs } from '../../src/base/units.ts';
import { alertHouse } from '../builders/alert-house.ts';
import { parse } from '../builders/site-text.ts';
import { skipSystem } from '../builders/system-suite.ts';

const PROGRAM = 'prometheus-alertmanager';
const skip =
  skipSystem ||
  (spawnSync(PROGRAM, ['--version']).error === undefined ? false : `there is no ${PROGRAM}`);
const real = { skip, timeout: 120_000 };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 30_000;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A real Alertmanager by itself, without a cluster; it can be ended and begun again on its port. */
async function alertmanager(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-alertmanager-'));
  const config = join(folder, 'config.yml');
  writeFileSync(config, 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    const ended = child;
    child = undefined;
    if (ended === undefined) return;
    const gone = new Promise((resolve) => ended.once('exit', resolve));
    ended.kill('SIGKILL');
    await gone;
  };
  const begin = async (): Promise<void> => {
    child = spawn(
      PROGRAM,
      [
        `--config.file=${config}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    await until('it is ready', async () => ((await fetch(`${url}/-/ready`)).ok ? true : undefined));
  };
  t.after(async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  });
  /** What it has, those that ended not among them. */
  const alerts = async () =>
    (await (await fetch(`${url}/api/v2/alerts`)).json()) as {
      labels: Record<string, string>;
      annotations: Record<string, string>;
      status: { state: string };
    }[];
  return { url, begin, end, alerts };
}

/** Alertmanager goes by its own clock: what ended three minutes ago has ended, what was heard of then still fires. */
const sinceAWhile = (): TimeMs => (Date.now() - 180_000) as TimeMs;

const isTold = (last: { what: string; outcome: string } | undefined): boolean =>
  last?.what === 'resolved' && last.outcome === 'delivered';

const siteOf = (url: string) => {
  const parsed = parse(
    `monitoring:
  resources:
    default_alerts: false
    alerts: [{name: memory_pressure, condition: memory_available < 1Gi, severity: critical, keep_firing: 0, labels: {team: ops}, summary: run less}]
  notify: [{name: am, type: alertmanager, url: "${url}"}]
`,
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.site.alerts;
};

test('a real Alertmanager has what fires, and knows when it ends', real, async (t) => {
  const am = await alertmanager(t);
  await am.begin();
  const house = alertHouse(t, siteOf(am.url));
  house.clock.at = sinceAWhile();
  house.metrics.set('berth_node_memory_available_bytes', 2 ** 29);
  await house.pass(6_000);
  const [fired] = await until('it fires there', async () => {
    const found = await am.alerts();
    return found.length > 0 ? found : undefined;
  });
  assert.deepEqual(fired!.labels, {
    alertname: 'memory_pressure',
    severity: 'critical',
    site: 'lab',
    team: 'ops',
  });
  assert.equal(fired!.annotations['summary'], 'run less');
  assert.match(fired!.annotations['description']!, /memory_available < 1Gi: 512.* now/);
  assert.equal(fired!.status.state, 'active');
  // A repeat each minute keeps it there, and is the same alert.
  await house.pass(70_000);
  assert.equal((await am.alerts()).length, 1);
  house.metrics.set('berth_node_memory_available_bytes', 2 ** 33);
  await house.pass(30_000);
  await until('it has ended there', async () =>
    (await am.alerts()).length === 0 ? true : undefined,
  );
});

test('while it is down notices wait, and come when it is there', real, async (t) => {
  const am = await alertmanager(t);
  const house = alertHouse(t, siteOf(am.url));
  house.clock.at = sinceAWhile();
  house.metrics.set('berth_node_memory_available_bytes', 2 ** 29);
  await house.pass(6_000);
  const outcome = () => house.alerts.list(undefined).alerts[0]!.told[0]!.outcome;
  await until('it is known to wait', async () =>
    /waits: no answer: ECONNREFUSED/.test(outcome()) ? true : undefined,
  );
  await am.begin();
  await until('it came', async () => ((await am.alerts()).length === 1 ? true : undefined));
  await until('that is known', async () => (outcome() === 'delivered' ? true : undefined));
  // It ends while Alertmanager is away, which hears of it when it is back.
  await am.end();
  house.metrics.set('berth_node_memory_available_bytes', 2 ** 33);
  await house.pass(40_000);
  await am.begin();
  house.alerts.look();
  await until('it has ended there', async () =>
    isTold(house.alerts.list(undefined).alerts[0]!.told.at(-1)) && (await am.alerts()).length === 0
      ? true
      : undefined,
  );
});
