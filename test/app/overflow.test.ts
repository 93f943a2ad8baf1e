import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { endedBy } from '../builders/engine-bench.ts';
import {
  entered,
  type House,
  house,
  houseAt,
  openHouse,
  said,
  settle,
  submitTo,
} from '../builders/overflow-house.ts';
import { type Ask, config, node, queueConfig, specOf } from '../builders/site.ts';
import { scratch } from '../store/scratch.ts';

const ada = 'ada' as TenantId;
const scheduling = config([
  queueConfig('plain', { activeMax: 2, overflow: 'spill-to-disk' }),
  queueConfig('packed', { activeMax: 2, overflow: 'compress' }),
]);

type Changes = Partial<Parameters<typeof house>[1]>;
const make = (file: string, changes: Changes = {}) => house(file, { scheduling, ...changes });
const open = (t: TestContext, file: string, changes: Changes = {}) =>
  openHouse(t, file, { scheduling, ...changes });
const submit = (to: House, ask: Ask = {}) => submitTo(to, { queue: 'plain', ...ask });

test('what waits is let in in order as there is room, and its row goes', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const a = await open(t, file);
  const outcomes: string[] = [];
  for (let i = 0; i < 6; i++) outcomes.push(said(await submit(a)));
  assert.deepEqual(outcomes.slice(1, 4), ['accepted 2', 'spilled 3', 'spilled 4']);
  assert.deepEqual(
    a.overflow.places(['6', '4', '1'] as WorkloadId[]).map((one) => [one.workload, one.ahead]),
    [
      ['4', 1],
      ['6', 3],
    ],
  );
  assert.equal(a.overflow.places(['6'] as WorkloadId[])[0]!.reason?.code, 'queue-cap');
  await settle(a);
  assert.deepEqual(entered(a), ['1', '2', '3', '4', '5', '6']);
  assert.deepEqual([a.engine.state.spilled.size, a.overflow.byQueue()], [0, []]);
});

test('whenever the daemon dies, what was answered is let in once, in order', async (t) => {
  let [crashes, onDisk] = [0, 0];
  for (let batch = 1; ; batch++) {
    for (const isDurable of [false, true]) {
      const dir = scratch(t);
      const file = join(dir, 'a', 'spilled.db');
      mkdirSync(join(dir, 'a'));
      let appended = 0;
      let died: (() => void) | undefined;
      const death = new Promise<void>((resolve) => {
        died = resolve;
      });
      const first = make(file, {
        dies: (durable) => {
          if (++appended < batch) return false;
          if (isDurable && appended === batch) durable();
          died?.();
          return true;
        },
      });
      const answered: string[] = [];
      const life = (async () => {
        await first.loop.send({ kind: 'join-node', node: node('n', { cpu: 100_000 }) });
        const asking = [1, 2, 3, 4, 5, 6, 7, 8].map(async (n) => {
          const outcome = await submit(first, { queue: n % 2 === 0 ? 'plain' : 'packed' });
          if (outcome.kind !== 'refused') answered.push(outcome.id);
        });
        await settle(first);
        await Promise.all(asking);
        await settle(first);
        return 'lived' as const;
      })();
      const end = await Promise.race([life, death]);
      // What the process wrote is what is left, whatever it had in its head.
      await turn();
      if (end === 'lived') {
        await first.loop.close();
        await first.overflow.close();
        assert.equal(answered.length, 8);
        t.diagnostic(
          `${crashes} of ${crashes} deaths survived, ${onDisk} of them with something on disk`,
        );
        assert.ok(crashes > 10 && onDisk > 3);
        return;
      }
      crashes++;
      const copy = join(dir, 'b');
      cpSync(join(dir, 'a'), copy, { recursive: true });
      const second = await open(t, join(copy, 'spilled.db'), { journal: first.journal });
      if (second.engine.state.spilled.size > 0) onDisk++;
      await settle(second);
      const ids = entered(second);
      assert.equal(new Set(ids).size, ids.length, 'nothing is let in twice');
      assert.deepEqual(
        answered.filter((id) => !ids.includes(id)),
        [],
        'nothing is lost',
      );
      for (const queue of ['plain', 'packed']) {
        const mine = second.journal.flatMap((e) =>
          e.kind === 'workload-submitted' && e.spec.queue === queue ? [Number(e.workload)] : [],
        );
        assert.deepEqual(
          mine,
          mine.toSorted((x, y) => x - y),
          'in order',
        );
      }
      assert.deepEqual(second.overflow.byQueue(), [], 'no row is left');
      assert.equal(second.engine.state.spilled.size, 0);
    }
  }
});

test('an id without a document is dropped at the next start, a document without an id removed', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const first = make(file);
  await first.loop.send({ kind: 'join-node', node: node('n', { cpu: 100_000 }) });
  for (let i = 0; i < 5; i++) await submit(first);
  await first.loop.close();
  await first.overflow.close();
  const db = new DatabaseSync(file);
  db.exec('delete from spilled where id = 4');
  db.close();
  // Died after 3 was let in, and before its row was removed.
  const letIn: Event = {
    kind: 'workload-submitted',
    at: houseAt,
    workload: '3' as WorkloadId,
    tenant: ada,
    spec: specOf({ queue: 'plain' }),
  };
  const journal = [...first.journal, letIn];
  const second = await open(t, file, { journal });
  assert.match(second.logged.join(), /1 submissions wait on disk .*; 1 were never on disk/);
  assert.deepEqual(
    second.journal
      .filter(({ kind }) => kind === 'spill-dropped')
      .map((e) => 'workload' in e && e.workload),
    ['4'],
  );
  await settle(second);
  assert.deepEqual(entered(second), ['1', '2', '3', '5']);
});

test('a full overflow refuses and says how full it is; so does one document too many bytes', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const a = await open(t, file, { max: { rows: 2, bytes: 100_000 } });
  for (let i = 0; i < 4; i++) await submit(a);
  const full = await submit(a);
  assert.deepEqual(full.kind === 'refused' && full.refusal, {
    code: 'overflow-full',
    queue: 'plain',
    rows: 2,
    rowsMax: 2,
    bytes: a.overflow.byQueue()[0]!.keptBytes,
    bytesMax: 100_000,
  });
  assert.equal(
    said(await submit(a, { cpu: 10_000 })),
    'never-fits',
    'what is wrong with it goes first',
  );
  await settle(a);
  const huge = { ...specOf({ queue: 'plain', count: 2 }), source: 'x'.repeat(100_000) };
  await a.overflow.submit(huge, ada);
  assert.equal(said(await a.overflow.submit(huge, ada)), 'overflow-full');
  await turn();
  assert.equal(a.engine.state.spilled.size, 0, 'and its id is dropped');
});

test('one that cannot be read is said once, holds nobody up, and can be cancelled', async (t) => {
  const file = join(scratch(t), 'spilled.db');
  const first = make(file);
  await first.loop.send({ kind: 'join-node', node: node('n', { cpu: 100_000 }) });
  for (let i = 0; i < 5; i++) await submit(first);
  await first.loop.close();
  await first.overflow.close();
  const db = new DatabaseSync(file);
  db.exec("update spilled set body = 'nonsense' where id = 3");
  db.close();
  const second = await open(t, file, { journal: first.journal });
  await settle(second);
  assert.deepEqual(entered(second), ['1', '2', '4', '5']);
  assert.equal(second.logged.filter((line) => line.includes('submission 3')).length, 1);
  assert.deepEqual(
    [...second.engine.state.spilled.values()].map(({ workload }) => workload),
    ['3'],
  );
  await second.overflow.cancel('3' as WorkloadId, ada);
  assert.equal(second.engine.state.spilled.size, 0);
});

test('one that is cancelled while it waits is there as a cancelled workload, and those behind it move up', async (t) => {
  const a = await open(t, join(scratch(t), 'spilled.db'));
  for (let i = 0; i < 5; i++) await submit(a);
  await a.overflow.cancel('4' as WorkloadId, 'bo' as TenantId);
  const cancelled = a.engine.state.workload('4' as WorkloadId)!;
  assert.deepEqual([cancelled.state, cancelled.cancelledBy], ['cancelled', 'bo']);
  assert.equal(a.overflow.places(['5'] as WorkloadId[])[0]!.ahead, 1);
  await a.overflow.cancel('1' as WorkloadId, ada);
  assert.equal(a.engine.state.workload('1' as WorkloadId)!.state, 'active', 'only what waits here');
  await settle(a);
  assert.deepEqual(entered(a).toSorted(), ['1', '2', '3', '4', '5']);
});

test('a tenant whose budget or cap is reached holds up itself and not the others', async (t) => {
  const none = { weight: 1, limit: queueConfig('x').limit, runningMax: Number.MAX_SAFE_INTEGER };
  const tenants = {
    byDefault: { ...none, activeMax: Number.MAX_SAFE_INTEGER },
    byName: { ada: { ...none, activeMax: 1 } },
  };
  const capped = queueConfig('plain', { activeMax: 2, overflow: 'spill-to-disk', tenants });
  const file = join(scratch(t), 'spilled.db');
  const a = await open(t, file, { scheduling: config([capped]) });
  const bo = { tenant: 'bo' };
  for (const ask of [bo, bo, {}, {}, bo]) await submit(a, ask);
  assert.equal(a.engine.state.spilled.size, 3);
  await a.loop.send({
    kind: 'report-ended',
    attempt: '1.s.0.1' as never,
    end: endedBy('succeeded'),
  });
  for (let i = 0; i < 10; i++) await turn();
  await a.loop.send({
    kind: 'report-ended',
    attempt: '2.s.0.1' as never,
    end: endedBy('succeeded'),
  });
  for (let i = 0; i < 10; i++) await turn();
  // 4 is ada's second, and waits for her first; 5 is bo's.
  assert.deepEqual(entered(a), ['1', '2', '3', '5']);
  const [place] = a.overflow.places(['4'] as WorkloadId[]);
  assert.ok(place?.reason?.code === 'queue-cap' && place.reason.tenant === 'ada');
  await settle(a);
  assert.equal(entered(a).length, 5);
});
