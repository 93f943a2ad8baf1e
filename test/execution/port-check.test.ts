import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import type { LocalDriver } from '../../src/execution/io/local/driver.ts';
import { checkingPorts } from '../../src/execution/io/local/port-check.ts';
import { TaskUses } from '../../src/execution/io/local/task-uses.ts';
import type { AttemptStart, Report } from '../../src/runtime/ports.ts';

const id = '1.web.0.1' as never;

/** A driver that notes what it is told; one report ends the wait. */
function rig() {
  const calls: string[] = [];
  const acted = Promise.withResolvers<Report | undefined>();
  const driver: LocalDriver = {
    launcherPid: undefined,
    cores: undefined as never,
    enforcement: { driver: 'unknown', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
    start: () => {
      calls.push('start');
      acted.resolve(undefined);
    },
    stop: () => calls.push('stop'),
    adjust: () => {},
    pin: () => {},
    pause: () => {},
    resume: () => {},
    adopt: () => {},
    uses: new TaskUses({ memoryOf: () => undefined, pidsOf: () => [], tree: () => undefined }),
    memoryFill: () => undefined,
    known: () => Promise.resolve([]),
    settle: () => {},
    close: () => Promise.resolve(),
  };
  return { calls, acted: acted.promise, checked: checkingPorts(driver, acted.resolve) };
}

const start = (ports?: Record<string, number>): AttemptStart =>
  ({ attempt: id, placement: ports === undefined ? {} : { ports } }) as never;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('what has no ports, or free ones, is started', async () => {
  const without = rig();
  without.checked.start(start());
  assert.deepEqual(without.calls, ['start']);
  const free = rig();
  free.checked.start(start({ http: await freePort() }));
  assert.equal(await free.acted, undefined);
  assert.deepEqual(free.calls, ['start']);
});

test('what would get a port that a stranger has is not started, and says so', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const { checked, acted, calls } = rig();
    checked.start(start({ http: port }));
    const report = await acted;
    assert.ok(report?.kind === 'ended' && report.end.cause === 'start-failed');
    assert.equal(report.end.message, `Port ${port} is taken by somebody else.`);
    assert.ok(!calls.includes('start'));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a stop that comes during the look is not lost', async () => {
  const { checked, acted, calls } = rig();
  checked.start(start({ http: await freePort() }));
  checked.stop(id, 'cancelled', 0 as never);
  const report = await acted;
  assert.ok(report?.kind === 'ended' && report.end.cause === 'cancelled');
  assert.deepEqual(calls, []);
});
