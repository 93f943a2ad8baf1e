import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, spanMs, timeMs } from '../../src/base/units.ts';
import { OperationError } from '../../src/model/errors.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { makeEventCodec } from '../../src/store/event-codec.ts';
import { eventForms } from '../../src/store/event-schema.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { arbitraryEvent } from './arbitrary-event.ts';
import { countMarkedBatches, markedBatch, retired } from './events.ts';
import { scratch } from './scratch.ts';

const failsWith =
  (code: string, message = /./) =>
  (error: unknown) =>
    error instanceof OperationError && error.code === code && message.test(error.message);

const forever = { at: timeMs(0), keepMs: spanMs(0), keepBytes: bytes(0) };

test('batches of any events come back in order, also after the file was closed', async (t) => {
  const dir = scratch(t);
  let run = 0;
  const batches = fc.array(fc.array(arbitraryEvent, { maxLength: 5 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(batches, async (batches) => {
      const file = join(dir, `${run++}.db`);
      {
        using journal = openJournal({ file });
        for (const batch of batches) await journal.append(batch);
      }
      using journal = openJournal({ file });
      const want = batches.flat().map((event, index) => ({ sequence: index + 1, event }));
      assert.deepEqual([...journal.readFrom(1)], want);
      assert.equal(journal.lastSequence, want.length);
    }),
    { numRuns: 15 },
  );
});

test('reading begins in the middle, and more events than one page come back', async (t) => {
  using journal = openJournal({ file: join(scratch(t), 'journal.db') });
  await journal.append(Array.from({ length: 1500 }, (_, i) => retired(i + 1)));
  const read = [...journal.readFrom(300)];
  assert.equal(read.length, 1201);
  assert.deepEqual(read[0], { sequence: 300, event: retired(300) });
  assert.deepEqual(read.at(-1), { sequence: 1500, event: retired(1500) });
  assert.deepEqual([...journal.readFrom(1501)], []);
});

test('appends made before the first resolves keep their order and share one fate', async (t) => {
  using journal = openJournal({ file: join(scratch(t), 'journal.db') });
  await Promise.all([1, 2, 3].map((batch) => journal.append(markedBatch(batch, batch))));
  assert.equal(
    countMarkedBatches(
      [...journal.readFrom(1)].map((e) => e.event),
      1,
    ),
    3,
  );

  const unreadable = { ...retired(9), at: Number.NaN } as Event;
  const joined = await Promise.allSettled([
    journal.append(markedBatch(4, 2)),
    journal.append([unreadable]),
  ]);
  assert.deepEqual(
    joined.map((outcome) => outcome.status),
    ['rejected', 'rejected'],
  );
  assert.equal(journal.lastSequence, 6);
  await journal.append(markedBatch(4, 2));
  assert.equal(
    countMarkedBatches(
      [...journal.readFrom(1)].map((e) => e.event),
      1,
    ),
    4,
  );
});

test('closing writes what still waits', async (t) => {
  const file = join(scratch(t), 'journal.db');
  const journal = openJournal({ file });
  const appended = journal.append([retired(1)]);
  journal.close();
  await appended;
  using again = openJournal({ file });
  assert.equal(again.lastSequence, 1);
});

test('the history of one workload is read by itself', async (t) => {
  using journal = openJournal({ file: join(scratch(t), 'journal.db') });
  for (let i = 0; i < 300; i++) await journal.append([...markedBatch(7, 1), ...markedBatch(70, 2)]);
  const history = [...journal.readWorkload('7' as WorkloadId)];
  assert.equal(history.length, 300);
  assert.deepEqual(history[1], { sequence: 4, event: markedBatch(7, 1)[0] });
  assert.deepEqual([...journal.readWorkload('0' as WorkloadId)], []);
});

test('a second opening of the same file is refused while the first lasts', async (t) => {
  const file = join(scratch(t), 'journal.db');
  {
    using journal = openJournal({ file });
    await journal.append([retired(1)]);
    assert.throws(() => openJournal({ file }), failsWith('STATE_UNWRITABLE', /another process/));
  }
  using journal = openJournal({ file });
  assert.equal(journal.lastSequence, 1);
});

test('a row of an old version is read through its upcaster, and one of a newer Berth is named', async (t) => {
  const file = join(scratch(t), 'journal.db');
  {
    using journal = openJournal({ file });
    await journal.append([retired(1), retired(2)]);
  }
  const newer = {
    ...eventForms,
    'workload-retired': { ...eventForms['workload-retired'], version: 2 },
  };
  const codec = makeEventCodec(newer, [
    { kind: 'workload-retired', from: 1, upcast: (body) => ({ ...body, at: 2000 }) },
  ]);
  {
    using journal = openJournal({ file, codec });
    await journal.append([retired(3)]);
    assert.deepEqual(
      [...journal.readFrom(1)].map(({ event }) => event.at),
      [2000, 2000, 1000],
    );
  }
  using journal = openJournal({ file });
  assert.throws(
    () => [...journal.readFrom(1)],
    failsWith('STATE_NEWER', /'workload-retired', version 2/),
  );
  assert.equal(journal.readFrom(1).next().value?.sequence, 1);
});

test('rows that were tampered with or lost are named by their sequence', async (t) => {
  const file = join(scratch(t), 'journal.db');
  const reading = (change: string) => {
    {
      using db = new DatabaseSync(file);
      db.exec(change);
    }
    using journal = openJournal({ file });
    return [...journal.readFrom(1)];
  };
  {
    using journal = openJournal({ file });
    await journal.append([1, 2, 3, 4].map((n) => retired(n)));
  }
  assert.throws(
    () => reading(`update events set body = '{"at":' where sequence = 3`),
    failsWith('STATE_CORRUPT', /event 3 /),
  );
  assert.throws(
    () => reading('delete from events where sequence = 2'),
    failsWith('STATE_CORRUPT', /lacks event 2:/),
  );
  assert.throws(
    () => reading('delete from events where sequence < 4'),
    failsWith('STATE_CORRUPT', /lacks event 1:/),
  );
});

const unusable: Record<string, { make: (file: string) => void; code: string; message: RegExp }> = {
  'a text file': {
    make: (file) =>
      writeFileSync(file, 'not a database, but quite long enough for one: '.repeat(9)),
    code: 'STATE_CORRUPT',
    message: /not a journal of Berth: it is not a database; it was left as it is/,
  },
  'a few bytes': {
    make: (file) => writeFileSync(file, 'SQLite format 3\0'),
    code: 'STATE_CORRUPT',
    message: /not a database/,
  },
  "another program's database": {
    make: (file) => {
      using db = new DatabaseSync(file);
      db.exec('create table cats (name text)');
    },
    code: 'STATE_CORRUPT',
    message: /another program/,
  },
  'a journal of a newer Berth': {
    make: (file) => {
      openJournal({ file }).close();
      using db = new DatabaseSync(file);
      db.exec('pragma user_version = 9');
    },
    code: 'STATE_NEWER',
    message: /has version 9; this Berth knows versions up to 1/,
  },
  'a journal cut short': {
    make: (file) => {
      openJournal({ file }).close();
      truncateSync(file, 8192);
    },
    code: 'STATE_CORRUPT',
    message: /damaged or cut short/,
  },
  'a journal with a page overwritten': {
    make: (file) => {
      openJournal({ file }).close();
      const content = readFileSync(file);
      writeFileSync(file, content.fill(0xa5, 4096));
    },
    code: 'STATE_CORRUPT',
    message: /damaged or cut short/,
  },
};
for (const [name, tc] of Object.entries(unusable)) {
  test(`refused and left as it is: ${name}`, (t) => {
    const file = join(scratch(t), 'journal.db');
    tc.make(file);
    const before = readFileSync(file);
    assert.throws(() => openJournal({ file }), failsWith(tc.code, tc.message));
    assert.deepEqual(readFileSync(file), before);
  });
}

test('an empty file, as a crash at birth leaves it, becomes a journal', (t) => {
  const file = join(scratch(t), 'journal.db');
  writeFileSync(file, '');
  openJournal({ file }).close();
  openJournal({ file }).close();
});

test('a folder that is not there is said to be so', (t) => {
  const file = join(scratch(t), 'nowhere', 'journal.db');
  assert.throws(() => openJournal({ file }), failsWith('STATE_UNWRITABLE', /nowhere/));
});

test('the last two snapshots are kept, and a damaged one is passed over for the one before', async (t) => {
  const file = join(scratch(t), 'journal.db');
  const state = (n: number) => `{"n":${n},"text":"${'été '.repeat(5000)}"}`;
  {
    using journal = openJournal({ file });
    await journal.append([1, 2, 3].map((n) => retired(n)));
    assert.equal(journal.latestSnapshot(), undefined);
    for (const n of [1, 2, 3]) await journal.writeSnapshot(n, state(n));
    assert.deepEqual(journal.latestSnapshot(), { sequence: 3, body: state(3), passedOver: [] });
  }
  assert.ok(statSync(file).size < 60_000, 'stored compressed');
  const after = (change: string) => {
    {
      using db = new DatabaseSync(file);
      db.exec(change);
    }
    using journal = openJournal({ file });
    return journal.latestSnapshot();
  };
  assert.deepEqual(after('update snapshots set body = substr(body, 1, 10) where sequence = 3'), {
    sequence: 2,
    body: state(2),
    passedOver: [3],
  });
  assert.equal(after(`update snapshots set checksum = x'00'`), undefined);
});

test('a snapshot of events that are not durable is a bug', async (t) => {
  using journal = openJournal({ file: join(scratch(t), 'journal.db') });
  await assert.rejects(journal.writeSnapshot(1, '{}'), /not durable/);
});

const pruned: Record<
  string,
  { snapshots: number[]; keepMs: number; keepBytes: number; first: number }
> = {
  'nothing without a snapshot': { snapshots: [], keepMs: 0, keepBytes: 0, first: 1 },
  'nothing with one, which may turn out damaged': {
    snapshots: [80],
    keepMs: 0,
    keepBytes: 0,
    first: 1,
  },
  'never past the older of two': { snapshots: [40, 80], keepMs: 0, keepBytes: 0, first: 41 },
  'by age alone': { snapshots: [60, 80], keepMs: 75, keepBytes: 1e9, first: 25 },
  'by size alone': { snapshots: [60, 80], keepMs: 1e9, keepBytes: 56 * 71, first: 30 },
  'whichever comes first': { snapshots: [60, 80], keepMs: 75, keepBytes: 56 * 71, first: 30 },
};
for (const [name, tc] of Object.entries(pruned)) {
  test(`pruned: ${name}`, async (t) => {
    using journal = openJournal({ file: join(scratch(t), 'journal.db') });
    // 100 events of 56 bytes, one a millisecond.
    const events = Array.from({ length: 100 }, (_, i) => retired(10_000 + i, 1001 + i));
    assert.equal(Buffer.byteLength(JSON.stringify(events[0])), 56);
    await journal.append(events);
    for (const sequence of tc.snapshots) await journal.writeSnapshot(sequence, '{}');
    const policy = { at: timeMs(1100), keepMs: spanMs(tc.keepMs), keepBytes: bytes(tc.keepBytes) };
    assert.deepEqual(journal.prune(policy), { removed: tc.first - 1, more: false });
    assert.equal([...journal.readFrom(tc.first)].length, 101 - tc.first);
    if (tc.first > 1) {
      assert.throws(() => [...journal.readFrom(tc.first - 1)], failsWith('STATE_CORRUPT'));
    }
  });
}

test('pruning a long history takes bounded steps, gives the space back and goes on counting', async (t) => {
  const file = join(scratch(t), 'journal.db');
  {
    using journal = openJournal({ file });
    await journal.append(Array.from({ length: 25_000 }, (_, i) => retired(i)));
    for (const n of [24_999, 25_000]) await journal.writeSnapshot(n, '{}');
  }
  const full = statSync(file).size;
  {
    using journal = openJournal({ file });
    const steps = [1, 2, 3].map(() => journal.prune(forever));
    assert.deepEqual(
      steps.map((step) => step.removed),
      [10_000, 10_000, 4_999],
    );
    assert.deepEqual(
      steps.map((step) => step.more),
      [true, true, false],
    );
  }
  assert.ok(statSync(file).size < full / 4, 'the file shrinks');
  using journal = openJournal({ file });
  await journal.append([retired(1)]);
  assert.equal(journal.lastSequence, 25_001);
});
