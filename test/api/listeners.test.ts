import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openServer, type ServerConfig } from '../../src/api/io/server.ts';
import { OperationError } from '../../src/model/errors.ts';
import { leaseSite } from '../builders/lease-site.ts';
import { noAlerts } from '../builders/no-alerts.ts';
import { noDoctor } from '../builders/no-doctor.ts';
import { noExposition } from '../builders/no-exposition.ts';
import { noMetrics } from '../builders/no-metrics.ts';
import { noMoney } from '../builders/no-money.ts';
import { noReports } from '../builders/no-reports.ts';
import { noSettings } from '../builders/no-settings.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { noTransfers } from '../builders/no-transfers.ts';
import { noWhatIf } from '../builders/no-what-if.ts';
import { openSite, parseWords, send } from './open-site.ts';
import { ScenarioSite } from './scenario-site.ts';

const bounded = { timeout: 20_000 };

function configIn(t: TestContext): ServerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'berth-listen-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    site: new ScenarioSite(),
    leases: leaseSite().leases,
    transfers: noTransfers,
    token: 't',
    ...noTokens,
    ...noMoney,
    ...noDoctor,
    ...noMetrics,
    ...noReports,
    ...noWhatIf,
    ...noSettings,
    ...noExposition,
    alerts: noAlerts,
    socketPath: join(folder, 'berth.sock'),
    host: '127.0.0.1',
    port: 0,
    webDir: join(folder, 'web'),
    parse: parseWords,
    log: assert.fail,
  };
}

const withCode = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof OperationError && error.code === code && message.test(error.message);

test('the socket is for its owner only, and goes with the server', bounded, async (t) => {
  const config = configIn(t);
  const before = process.umask();
  const server = await openServer(config);
  assert.equal(statSync(config.socketPath).mode & 0o777, 0o600);
  assert.equal(process.umask(), before);
  await server.close();
  assert.ok(!existsSync(config.socketPath));
});

test('the socket of a process that died is replaced', bounded, async (t) => {
  const config = configIn(t);
  const bind = `require('node:net').createServer().listen(${JSON.stringify(config.socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', bind], { timeout: 10_000 });
  assert.ok(existsSync(config.socketPath), 'left behind');
  const server = await openServer(config);
  t.after(() => server.close());
  const answer = await send({ socketPath: config.socketPath, path: '/healthz' });
  assert.equal(answer.text, 'ok\n');
});

test('the socket of a live daemon is refused, and goes on working', bounded, async (t) => {
  const config = configIn(t);
  const first = await openServer(config);
  t.after(() => first.close());
  await assert.rejects(openServer(config), withCode('DAEMON_RUNNING', /berth\.sock/));
  assert.equal((await send({ socketPath: config.socketPath, path: '/healthz' })).status, 200);
});

test('a file that is in the way is not deleted', bounded, async (t) => {
  const config = configIn(t);
  writeFileSync(config.socketPath, 'mine');
  await assert.rejects(openServer(config), withCode('STATE_UNWRITABLE', /not a socket/));
  assert.ok(existsSync(config.socketPath));
});

test('a folder that is missing is said', bounded, async (t) => {
  const config = configIn(t);
  const socketPath = join(config.webDir, 'no', 'berth.sock');
  await assert.rejects(
    openServer({ ...config, socketPath }),
    withCode('STATE_UNWRITABLE', /Cannot listen/),
  );
});

test('a port in use is named, and the socket is given back', bounded, async (t) => {
  const config = configIn(t);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  await assert.rejects(
    openServer({ ...config, port }),
    withCode('ADDRESS_IN_USE', new RegExp(`Port ${port} of 127`)),
  );
  assert.ok(!existsSync(config.socketPath));
});

test('a request under way is answered before the server is closed', bounded, async (t) => {
  const site = new ScenarioSite();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<undefined>();
  site.log = () => {
    asked.resolve();
    return answer.promise;
  };
  const { ask, server } = await openSite(t, site);
  const answered = ask('GET', '/api/v1/attempts/1.a.0.1/logs/stdout');
  await asked.promise;
  const closed = server.close();
  answer.resolve(undefined);
  assert.equal((await answered).status, 404);
  await closed;
});
