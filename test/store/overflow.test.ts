import assert from 'node:assert/strict';
import { chmodSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { OperationError } from '../../src/model/errors.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import { openOverflow, packSpilled, type SpilledEvent } from '../../src/store/io/overflow.ts';
import { specOf } from '../builders/site.ts';
import { scratch } from './scratch.ts';

const event = (id: number, queue = 'q'): SpilledEvent => ({
  kind: 'workload-submitted',
  at: timeMs(1_000 + id),
  workload: String(id) as WorkloadId,
  tenant: 'ada' as TenantId,
  spec: { ...specOf({ queue, count: 2 }), source: `name: job\n${'# padding\n'.repeat(50)}` },
});
const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof OperationError && error.code === code && message.test(error.message);

test('what was kept is there after another opening, word for word, plain or packed', async (t) => {
  const file = join(scratch(t), 'overflow', 'spilled.db');
  const first = openOverflow(file);
  const added = [1, 2, 3].map((id) =>
    first.add(
      event(id, id === 3 ? 'packed' : 'q'),
      packSpilled(event(id, id === 3 ? 'packed' : 'q'), id === 3 ? 'compress' : 'spill-to-disk'),
    ),
  );
  await Promise.all(added);
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  for (const part of ['', '-wal'])
    assert.equal(mode(`${file}${part}`), '600', `for its owner: ${part}`);
  assert.equal(mode(join(file, '..')), '700');
  first.close();
  const second = openOverflow(file);
  t.after(() => second.close());
  assert.deepEqual(second.ids(), ['1', '2', '3']);
  assert.deepEqual(second.read('2' as WorkloadId), event(2));
  assert.deepEqual(second.read('3' as WorkloadId), event(3, 'packed'));
  assert.equal(second.read('4' as WorkloadId), undefined);
  assert.deepEqual(second.find('2' as WorkloadId), {
    workload: '2',
    at: 1_002,
    tenant: 'ada',
    queue: 'q',
    name: 'w',
    kind: 'job',
    priority: 0,
    tasks: 2,
  });
  const [packed, plain] = second.byQueue();
  assert.deepEqual([plain!.submissions, plain!.oldestAt], [2, 1_001]);
  assert.equal(plain!.plainBytes, plain!.keptBytes);
  assert.ok(packed!.keptBytes < packed!.plainBytes / 2, 'compressed to less than half');
  assert.deepEqual(second.use, { rows: 3, bytes: plain!.keptBytes + packed!.keptBytes });
  t.diagnostic(`a document of ${packed!.plainBytes} bytes is kept as ${packed!.keptBytes}`);
});

test('a plain document can be read with sqlite', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const store = openOverflow(file);
  await store.add(event(7), packSpilled(event(7), 'spill-to-disk'));
  store.close();
  const db = new DatabaseSync(file, { readOnly: true });
  t.after(() => db.close());
  const row = db.prepare("select json_extract(body, '$.spec.source') as source from spilled").get();
  assert.equal(row!['source'], event(7).spec.source);
});

test('what is removed is gone, and gives back what it took', async (t) => {
  const store = openOverflow(join(scratch(t), 'spilled.db'));
  t.after(() => store.close());
  for (const id of [1, 2]) await store.add(event(id), packSpilled(event(id), 'compress'));
  store.remove(['1', '9'] as WorkloadId[]);
  assert.deepEqual(store.ids(), ['2']);
  store.remove(['1', '2'] as WorkloadId[]);
  assert.deepEqual(store.use, { rows: 0, bytes: 0 });
});

test('the same id is not kept twice, and those who share its transaction are told, too', async (t) => {
  const store = openOverflow(join(scratch(t), 'spilled.db'));
  t.after(() => store.close());
  const packed = packSpilled(event(1), 'spill-to-disk');
  await store.add(event(1), packed);
  const told = await Promise.allSettled([store.add(event(1), packed), store.add(event(2), packed)]);
  assert.deepEqual(
    told.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual([store.ids(), store.use.rows], [['1'], 1]);
});

test('a document that is damaged is said to be, and the others are read', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const store = openOverflow(file);
  for (const id of [1, 2, 3]) await store.add(event(id), packSpilled(event(id), 'compress'));
  store.close();
  const db = new DatabaseSync(file);
  db.exec(
    "update spilled set body = x'00' where id = 1; update spilled set version = 99 where id = 2",
  );
  db.close();
  const again = openOverflow(file);
  t.after(() => again.close());
  assert.throws(() => again.read('1' as WorkloadId), failsWith('STATE_CORRUPT', /submission 1 /));
  assert.throws(() => again.read('2' as WorkloadId), failsWith('STATE_NEWER', /version 99/));
  assert.deepEqual(again.read('3' as WorkloadId), event(3));
});

const files: Record<
  string,
  { readonly make: (file: string) => void; readonly want: [string, RegExp] }
> = {
  'another database': {
    make: (file) => {
      const db = new DatabaseSync(file);
      db.exec('create table theirs (x)');
      db.close();
    },
    want: ['STATE_CORRUPT', /belongs to another program/],
  },
  'no database': {
    make: (file) => writeFileSync(file, 'a letter to somebody '.repeat(100)),
    want: ['STATE_CORRUPT', /not a database/],
  },
  'of a later Berth': {
    make: (file) => {
      openOverflow(file).close();
      const db = new DatabaseSync(file);
      db.exec('pragma user_version = 7');
      db.close();
    },
    want: ['STATE_NEWER', /version 7/],
  },
};
for (const [name, { make, want }] of Object.entries(files)) {
  test(`a file that is ${name} is left as it is`, (t) => {
    const file = join(scratch(t), 'spilled.db');
    make(file);
    assert.throws(() => openOverflow(file), failsWith(...want));
  });
}

test('a file whose daemon died when it had a page and no name yet is begun again', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const db = new DatabaseSync(file);
  // This alone writes the first page.
  db.exec('pragma auto_vacuum = incremental');
  db.close();
  assert.equal(statSync(file).size, 4_096);
  const overflow = openOverflow(file);
  await overflow.add(event(1), packSpilled(event(1), 'spill-to-disk'));
  overflow.close();
  const again = openOverflow(file);
  t.after(() => again.close());
  assert.deepEqual(again.ids(), ['1']);
});

test('a file that died before its first transaction is begun again', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  const store = openOverflow(file);
  await store.add(event(1), packSpilled(event(1), 'compress'));
  store.close();
  assert.equal((statSync(file).mode & 0o777).toString(8), '600');
  truncateSync(file, 5_000);
  assert.throws(() => openOverflow(file).read('1' as WorkloadId), failsWith('STATE_CORRUPT', /./));
});
