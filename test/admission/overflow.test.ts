import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  HeldBack,
  nextToEnter,
  overflowRefusal,
  type Waiting,
} from '../../src/admission/overflow.ts';
import type { QueueName, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Refusal } from '../../src/model/refusal.ts';

const one = (id: number, queue: string, tenant: string): Waiting => ({
  workload: String(id) as WorkloadId,
  queue: queue as QueueName,
  tenant: tenant as TenantId,
});
const full = (queue: string): Refusal => ({
  code: 'queue-cap',
  queue: queue as QueueName,
  what: 'active',
  count: 2,
  asked: 1,
  max: 2,
});
const waiting = [
  one(1, 'q', 'ada'),
  one(2, 'q', 'bo'),
  one(3, 'q', 'ada'),
  one(4, 'r', 'ada'),
  one(5, 'q', 'bo'),
];
const budget: Refusal = {
  code: 'budget',
  resetsAt: undefined,
  ...({} as Omit<Extract<Refusal, { code: 'budget' }>, 'code' | 'resetsAt'>),
};

const cases: Record<string, { readonly refusal: Refusal; readonly left: readonly number[] }> = {
  'a queue without room holds up all of it': { refusal: full('q'), left: [4] },
  'a cap further up holds up the queue that met it': { refusal: full('root'), left: [4] },
  'the cap of a tenant holds up the tenant there': {
    refusal: { ...full('q'), tenant: 'ada' as TenantId } as Refusal,
    left: [2, 4, 5],
  },
  'so does money': { refusal: budget, left: [2, 4, 5] },
  'what no node holds holds nobody up': {
    refusal: { code: 'no-nodes' },
    left: [2, 3, 4, 5],
  },
};
for (const [name, { refusal, left }] of Object.entries(cases)) {
  test(`after the first was refused: ${name}`, () => {
    const held = new HeldBack();
    held.note(waiting[0]!, refusal);
    const may = waiting.filter((other) => !held.has(other)).map(({ workload }) => Number(workload));
    assert.deepEqual(may, left);
    assert.equal(nextToEnter(waiting, held)?.workload, String(left[0]));
    assert.deepEqual(held.reason(waiting[0]!), refusal);
  });
}

test('one that cannot be read is passed over; one that is still being written is waited for', () => {
  const held = new HeldBack();
  held.passOver(waiting[0]!);
  assert.equal(nextToEnter(waiting, held)?.workload, '2');
  held.holdQueue(waiting[1]!);
  assert.equal(nextToEnter(waiting, held)?.workload, '4');
});

test('the bounds: as much as there may be, and no more', () => {
  const max = { rows: 3, bytes: 100 };
  const ask = (rows: number, bytes: number, more: number) =>
    overflowRefusal('q' as QueueName, { rows, bytes }, { rows: 1, bytes: more }, max)?.code;
  assert.equal(ask(2, 60, 40), undefined);
  assert.equal(ask(3, 0, 1), 'overflow-full');
  assert.equal(ask(2, 60, 41), 'overflow-full');
});

const arbitraryWaiting = fc.array(
  fc.record({ queue: fc.constantFrom('q', 'r'), tenant: fc.constantFrom('ada', 'bo') }),
  { maxLength: 30 },
);

test('a pass over a queue with room for so many lets in the first ones of each tenant that may, in order', () => {
  fc.assert(
    fc.property(
      arbitraryWaiting,
      fc.record({ q: fc.nat(8), r: fc.nat(8) }),
      fc.constantFrom('ada', 'bo', undefined),
      (asked, room, poor) => {
        const left = asked.map(({ queue, tenant }, i) => one(i + 1, queue, tenant));
        const held = new HeldBack();
        const entered: Waiting[] = [];
        for (let next = nextToEnter(left, held); next; next = nextToEnter(left, held)) {
          const queue = next.queue as string as 'q' | 'r';
          if (next.tenant === poor) held.note(next, budget);
          else if (room[queue] === 0) held.note(next, full(queue));
          else {
            room[queue]--;
            entered.push(next);
            left.splice(left.indexOf(next), 1);
          }
        }
        for (const queue of ['q', 'r'] as const) {
          const mine = asked
            .map(({ queue: of, tenant }, i) => ({ id: String(i + 1), of, tenant }))
            .filter(({ of, tenant }) => of === queue && tenant !== poor)
            .map(({ id }) => id);
          const got = entered.filter(({ queue: of }) => of === queue).map((w) => w.workload);
          assert.deepEqual(got, mine.slice(0, got.length), 'the first ones, in order');
          assert.ok(
            got.length === mine.length || room[queue] === 0,
            'as many as there is room for',
          );
        }
      },
    ),
  );
});
