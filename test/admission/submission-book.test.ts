import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SubmissionBook, type Submitter } from '../../src/admission/submission-book.ts';
import { spanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import type { QueueName, TenantId } from '../../src/model/ids.ts';
import type { SubmissionLimit } from '../../src/model/scheduling-config.ts';

const DAY = 1_000;
const names = ['ana', 'bo', 'cy'] as TenantId[];
const [ana, bo, cy] = names as [TenantId, TenantId, TenantId];
const queues = ['q', 'r'] as QueueName[];
const [q] = queues as [QueueName];
const days = { kind: 'periods', starts: [0, DAY, 2 * DAY, 3 * DAY].map(timeMs) } as const;

const limits: readonly SubmissionLimit[] = [
  { name: 'user ana', tenants: [ana], each: false, active: 1, submitted: { max: 4, window: days } },
  { name: 'each user', each: true, except: [ana], active: 2, submitted: { max: 3, window: days } },
  { name: 'team x', tenants: [ana, bo], each: false, active: 3 },
  { name: 'queue q', queues: [q], each: false, active: 2 },
  {
    name: 'all, rolling',
    each: false,
    active: UNLIMITED,
    submitted: { max: 6, window: { kind: 'rolling', lengthMs: spanMs(2_400) } },
  },
];

test('the first limit that is reached is named, with its figures', () => {
  const book = new SubmissionBook(limits);
  const elsewhere = 'r' as QueueName;
  const of = (tenant: TenantId): Submitter => ({ tenant, queue: elsewhere });
  const submit = (tenant: TenantId, at: number, queue = elsewhere): void => {
    assert.equal(book.refusal({ tenant, queue }, timeMs(at)), undefined);
    book.submitted({ tenant, queue }, timeMs(at));
    book.count({ tenant, queue }, 1);
  };
  submit(ana, 10);
  assert.deepEqual(book.refusal(of(ana), timeMs(20)), {
    code: 'too-many-active',
    limit: 'user ana',
    active: 1,
    max: 1,
  });
  for (let i = 0; i < 3; i++) {
    submit(cy, 30);
    book.count(of(cy), -1);
  }
  const about = {
    code: 'too-many-submitted',
    limit: 'each user',
    tenant: cy,
    submitted: 3,
    max: 3,
  };
  assert.deepEqual(book.refusal(of(cy), timeMs(999)), { ...about, resetsAt: DAY });
  assert.equal(book.refusal(of(cy), timeMs(DAY)), undefined);
  submit(bo, 40);
  submit(bo, 50);
  assert.equal(book.refusal(of(bo), timeMs(60))?.code, 'too-many-active');
});

interface Step {
  readonly kind: 'submit' | 'end';
  readonly tenant: TenantId;
  readonly queue: QueueName;
  readonly after: number;
  readonly saved: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('submit', 'submit', 'end'),
  tenant: fc.constantFrom(...names),
  queue: fc.constantFrom(...queues),
  after: fc.nat(700),
  saved: fc.boolean(),
});

interface Logged extends Submitter {
  readonly at: number;
  ended: boolean;
}

/** The obvious way: every submission is remembered, and counted again each time. */
function oracle(log: readonly Logged[], { tenant, queue }: Submitter, at: number): boolean {
  const of = (...whom: TenantId[]) => log.filter((one) => whom.includes(one.tenant));
  const open = (...whom: TenantId[]) => of(...whom).filter(({ ended }) => !ended).length;
  const day = Math.min(3, Math.floor(at / DAY)) * DAY;
  const today = (...whom: TenantId[]) => of(...whom).filter((one) => one.at >= day).length;
  const slice = 100;
  const from = Math.floor(at / slice) * slice - 23 * slice;
  const rolling = log.filter((one) => Math.floor(one.at / slice) * slice >= from).length;
  if (rolling >= 6) return false;
  if (queue === q && log.filter((one) => one.queue === q && !one.ended).length >= 2) return false;
  if ((tenant === ana || tenant === bo) && open(ana, bo) >= 3) return false;
  if (tenant === ana) return open(ana) < 1 && today(ana) < 4;
  return open(tenant) < 2 && today(tenant) < 3;
}

test('it says what counting every submission again says, also after a restart', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let book = new SubmissionBook(limits);
      const log: Logged[] = [];
      let at = 0;
      for (const { kind, tenant, queue, after, saved } of steps) {
        at += after;
        if (saved) {
          const text = JSON.stringify(book.save());
          book = new SubmissionBook(limits);
          for (const one of log) if (!one.ended) book.count(one, 1);
          book.restore(JSON.parse(text));
        }
        const open = log.find((one) => one.tenant === tenant && !one.ended);
        if (kind === 'end') {
          if (open === undefined) continue;
          open.ended = true;
          book.count(open, -1);
          continue;
        }
        const allowed = book.refusal({ tenant, queue }, timeMs(at)) === undefined;
        assert.equal(allowed, oracle(log, { tenant, queue }, at), `${tenant} at ${at}`);
        if (!allowed) continue;
        log.push({ tenant, queue, at, ended: false });
        book.submitted({ tenant, queue }, timeMs(at));
        book.count({ tenant, queue }, 1);
      }
    }),
    { numRuns: 300 },
  );
});
