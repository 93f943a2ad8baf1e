import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDaemonLog } from '../../src/app/daemon-log.ts';
import { openMonitoringFiles } from '../../src/app/monitoring-files.ts';
import { openDaemonLogs } from '../../src/cli/io/daemon-log.ts';
import { OperationError } from '../../src/model/errors.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-log-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const openIn = (state: string) => openDaemonLog(join(state, 'logs', 'daemon.log'), () => {});

test('a line has its moment, level, component and what was thrown', async (t) => {
  const state = folder(t);
  const log = openIn(state);
  log('api', 'two\nlines "quoted"');
  log('engine', 'it failed', new Error('why'));
  const { lines } = await openDaemonLogs(state).open();
  assert.deepEqual(
    lines.map(({ level, component, message }) => [level, component, message]),
    [
      ['info', 'api', 'two\nlines "quoted"'],
      ['error', 'engine', 'it failed'],
    ],
  );
  assert.match(lines[1]!.error!, /^Error: why\n/);
  assert.ok(Math.abs(Date.parse(lines[0]!.at) - Date.now()) < 60_000);
  assert.equal(statSync(join(state, 'logs', 'daemon.log')).mode & 0o777, 0o600);
});

test('what is no line, or from before there were levels, does no harm', async (t) => {
  const state = folder(t);
  mkdirSync(join(state, 'logs'));
  const file = join(state, 'logs', 'daemon.log');
  appendFileSync(
    file,
    'noise\n{"at":1}\n{"at":"2026-01-01T00:00:00.000Z","component":"api","message":"ä","error":"x"}\n{"at":"2026',
  );
  const { lines } = await openDaemonLogs(state).open();
  assert.deepEqual(lines, [
    { at: '2026-01-01T00:00:00.000Z', level: 'error', component: 'api', message: 'ä', error: 'x' },
  ]);
});

test('it is bounded, and whoever follows misses no line when it begins anew', async (t) => {
  const state = folder(t);
  const log = openIn(state);
  log('a', 'first');
  const { lines, after } = await openDaemonLogs(state).open();
  assert.equal(lines.length, 1);
  const ending = new AbortController();
  const heard: number[] = [];
  const LINES = 3_000;
  const following = (async () => {
    for await (const line of after(ending.signal)) {
      heard.push(Number(line.message.split(' ')[0]));
      if (heard.length === LINES) ending.abort();
    }
  })();
  const filler = 'x'.repeat(4_096);
  for (let i = 0; i < LINES; i++) {
    log('b', `${i} ${filler}`);
    // It has the file open that is then moved away.
    while (i === LINES / 2 && heard.length <= i)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await following;
  assert.deepEqual(
    heard,
    Array.from({ length: LINES }, (_, i) => i),
  );
  const sizes = readdirSync(join(state, 'logs')).map(
    (name) => statSync(join(state, 'logs', name)).size,
  );
  assert.deepEqual(readdirSync(join(state, 'logs')).sort(), ['daemon.log', 'daemon.log.1']);
  assert.ok(Math.max(...sizes) < 9 * 1024 ** 2, String(sizes));
});

test('where no daemon ever was there is no log, which is said', async (t) => {
  await assert.rejects(
    openDaemonLogs(folder(t)).open(),
    (error) => error instanceof OperationError && error.code === 'NOT_FOUND',
  );
});

test('the dashboard and the rules are written where somebody wants them', async (t) => {
  const dir = folder(t);
  const files = await openMonitoringFiles(dir).export('new/folder');
  assert.deepEqual(
    files,
    ['berth-dashboard.json', 'berth-rules.yml', 'prometheus.yml'].map((name) =>
      join(dir, 'new', 'folder', name),
    ),
  );
  for (const file of files) assert.ok(readFileSync(file, 'utf8').includes('berth'));
});
