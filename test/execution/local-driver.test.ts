import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLocalDriver } from '../../src/execution/io/local/driver.ts';
import { OperationError } from '../../src/model/errors.ts';
import type { Report } from '../../src/runtime/ports.ts';
import { driverContract, timed } from './driver-contract.ts';
import { attemptStart, id, MIB, Rig } from './rig.ts';

driverContract('unprivileged');

test('without cgroups a watchdog holds the memory of the whole tree', timed, async (t) => {
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  assert.equal(rig.driver.enforcement.memory, 'watchdog');
  const half = `perl -e '$x = "a" x (40 << 20); sleep 60'`;
  const end = await rig.run(1, { run: `${half} & ${half}`, memoryLimit: 64 * MIB });
  assert.equal(end.cause, 'oom-killed');
  assert.match(end.message ?? '', /limit of 64 MiB, and the watchdog killed it/);
  assert.ok((end.usage.memoryPeak ?? 0) > 64 * MIB);
  assert.equal(end.enforced.memory, 'watchdog');
  assert.equal(end.enforced.cpu, 'none');
  assert.ok(end.enforced.notes.length > 0);
  assert.deepEqual(rig.taskPids(), []);
});

test('a command that is too long to send is a failed start', timed, async (t) => {
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  const end = await rig.run(1, { run: ['true', 'x'.repeat(5 * MIB)] });
  assert.equal(end.cause, 'start-failed');
  const tooLongForKernel = await rig.run(2, { run: ['true', 'x'.repeat(3 * MIB)] });
  assert.equal(tooLongForKernel.cause, 'start-failed');
  assert.match(tooLongForKernel.message ?? '', /Argument list too long/);
});

test('without perl the driver does not open, and says so', timed, async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const path = process.env['PATH'];
  process.env['PATH'] = stateDir;
  try {
    await assert.rejects(
      openLocalDriver(
        { stateDir, onReport: () => {}, enforcement: 'unprivileged' },
        { warn: () => {} },
      ),
      (error) =>
        error instanceof OperationError &&
        error.code === 'LAUNCHER_FAILED' &&
        /needs perl/.test(error.message),
    );
  } finally {
    process.env['PATH'] = path;
    rmSync(stateDir, { recursive: true });
  }
});

test('a state folder with a long path has its socket elsewhere', timed, async (t) => {
  const rig = new Rig(t, { enforcement: 'unprivileged' });
  const stateDir = join(rig.stateDir, 'd'.repeat(100));
  mkdirSync(stateDir);
  const ended = Promise.withResolvers<Report>();
  const driver = await openLocalDriver(
    {
      stateDir,
      enforcement: 'unprivileged',
      onReport: (r) => r.kind === 'ended' && ended.resolve(r),
    },
    { warn: () => {} },
  );
  driver.start(attemptStart(id(1), { run: ['true'] }));
  assert.equal((await ended.promise).kind, 'ended');
  await driver.close();
});
