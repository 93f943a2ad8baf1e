import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { OperationError } from '../../src/model/errors.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { openStateFolder } from '../../src/store/io/state-folder.ts';
import { countMarkedBatches, markedBatch } from '../store/events.ts';

const asked = ['system', 'all'].includes(process.env['BERTH_SUITE'] ?? '');
const skip = !asked
  ? 'mounts file systems; run with --suite system'
  : process.getuid?.() === 0
    ? false
    : 'needs root to mount a small file system';

/** A file system of its own, unmounted whatever happens. */
function smallDisk(t: TestContext, options: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'berth-test', dir]);
  t.after(() => {
    execFileSync('umount', ['--lazy', dir]);
    rmdirSync(dir);
  });
  return dir;
}

const failsWith = (code: string) => (error: unknown) =>
  error instanceof OperationError && error.code === code;

test('a full disk refuses a batch whole; the same batch succeeds once there is space', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const dir = smallDisk(t, 'size=2m');
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(300_000));
  const file = join(dir, 'journal.db');
  let batch = 0;
  {
    using journal = openJournal({ file });
    let refused: unknown;
    for (; refused === undefined; batch++) {
      const before = journal.lastSequence;
      await journal.append(markedBatch(batch, 20)).catch((error: unknown) => {
        refused = error;
        assert.equal(journal.lastSequence, before);
      });
    }
    batch--;
    assert.ok(failsWith('STATE_FULL')(refused), String(refused));
    assert.ok(batch > 50, `only ${batch} batches fit`);
    await assert.rejects(journal.append(markedBatch(batch, 20)), failsWith('STATE_FULL'));
    await assert.rejects(
      journal.writeSnapshot(journal.lastSequence, incompressible(200_000)),
      failsWith('STATE_FULL'),
    );
    assert.equal(countMarkedBatches(events(journal), 0), batch);

    rmSync(join(dir, 'ballast'));
    await journal.append(markedBatch(batch, 20));
    assert.equal(countMarkedBatches(events(journal), 0), batch + 1);
  }
  using journal = openJournal({ file });
  assert.equal(countMarkedBatches(events(journal), 0), batch + 1);
});

test('a file system that may only be read is refused with why', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const dir = smallDisk(t, 'size=2m');
  mkdirSync(join(dir, 'state'));
  openJournal({ file: join(dir, 'state', 'journal.db') }).close();
  execFileSync('mount', ['-o', 'remount,ro', dir]);
  assert.throws(
    () => openJournal({ file: join(dir, 'state', 'journal.db') }),
    failsWith('STATE_UNWRITABLE'),
  );
  await assert.rejects(openStateFolder({ dir: join(dir, 'state') }), failsWith('STATE_UNWRITABLE'));
  await assert.rejects(openStateFolder({ dir: join(dir, 'new') }), failsWith('STATE_UNWRITABLE'));
});

const events = (journal: ReturnType<typeof openJournal>) =>
  [...journal.readFrom(1)].map((entry) => entry.event);

const incompressible = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCharCode(33 + (((i * i * 7919) % 9973) % 90))).join(
    '',
  );
