import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SubmissionBook } from '../../src/admission/submission-book.ts';
import { spanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { SubmissionLimit } from '../../src/model/scheduling-config.ts';

const DAY = 1_000;
const names = ['ana', 'bo', 'cy'] as TenantId[];
const [ana, bo, cy] = names as [TenantId, TenantId, TenantId];
const days = { kind: 'periods', starts: [0, DAY, 2 * DAY, 3 * DAY].map(timeMs) } as const;

const limits: readonly SubmissionLimit[] = [
  { name: 'user ana', tenants: [ana], each: false, active: 1, submitted: { max: 4, window: days } },
  { name: 'each user', each: true, except: [ana], active: 2, submitted: { max: 3, window: days } },
  { name: 'team x', tenants: [ana, bo], each: false, active: 3 },
  {
    name: 'all, rolling',
    each: false,
    active: UNLIMITED,
    submitted: { max: 6, window: { kind: 'rolling', lengthMs: spanMs(2_400) } },
  },
];

test('the first limit that is reached is named, with its figures', () => {
  const book = new SubmissionBook(limits);
  const submit = (tenant: TenantId, at: number): void => {
    assert.equal(book.refusal(tenant, timeMs(at)), undefined);
    book.submitted(tenant, timeMs(at));
    book.count(tenant, 1);
  };
  submit(ana, 10);
  assert.deepEqual(book.refusal(ana, timeMs(20)), {
    code: 'too-many-active',
    limit: 'user ana',
    active: 1,
    max: 1,
  });
  for (let i = 0; i < 3; i++) {
    submit(cy, 30);
    book.count(cy, -1);
  }
  const about = {
    code: 'too-many-submitted',
    limit: 'each user',
    tenant: cy,
    submitted: 3,
    max: 3,
  };
  assert.deepEqual(book.refusal(cy, timeMs(999)), { ...about, resetsAt: DAY });
  assert.equal(book.refusal(cy, timeMs(DAY)), undefined);
  submit(bo, 40);
  submit(bo, 50);
  assert.equal(book.refusal(bo, timeMs(60))?.code, 'too-many-active');
});

interface Step {
  readonly kind: 'submit' | 'end';
  readonly tenant: TenantId;
  readonly after: number;
  readonly saved: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('submit', 'submit', 'end'),
  tenant: fc.constantFrom(...names),
  after: fc.nat(700),
  saved: fc.boolean(),
});

/** The obvious way: every submission is remembered, and counted again each time. */
function oracle(
  log: readonly { tenant: TenantId; at: number; ended: boolean }[],
  tenant: TenantId,
  at: number,
): boolean {
  const of = (...whom: TenantId[]) => log.filter((one) => whom.includes(one.tenant));
  const open = (...whom: TenantId[]) => of(...whom).filter(({ ended }) => !ended).length;
  const day = Math.min(3, Math.floor(at / DAY)) * DAY;
  const today = (...whom: TenantId[]) => of(...whom).filter((one) => one.at >= day).length;
  const slice = 100;
  const from = Math.floor(at / slice) * slice - 23 * slice;
  const rolling = log.filter((one) => Math.floor(one.at / slice) * slice >= from).length;
  if (rolling >= 6) return false;
  if ((tenant === ana || tenant === bo) && open(ana, bo) >= 3) return false;
  if (tenant === ana) return open(ana) < 1 && today(ana) < 4;
  return open(tenant) < 2 && today(tenant) < 3;
}

test('it says what counting every submission again says, also after a restart', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let book = new SubmissionBook(limits);
      const log: { tenant: TenantId; at: number; ended: boolean }[] = [];
      let at = 0;
      for (const { kind, tenant, after, saved } of steps) {
        at += after;
        if (saved) {
          const text = JSON.stringify(book.save());
          book = new SubmissionBook(limits);
          for (const one of log) if (!one.ended) book.count(one.tenant, 1);
          book.restore(JSON.parse(text));
        }
        const open = log.find((one) => one.tenant === tenant && !one.ended);
        if (kind === 'end') {
          if (open === undefined) continue;
          open.ended = true;
          book.count(tenant, -1);
          continue;
        }
        const allowed = book.refusal(tenant, timeMs(at)) === undefined;
        assert.equal(allowed, oracle(log, tenant, at), `${tenant} at ${at}`);
        if (!allowed) continue;
        log.push({ tenant, at, ended: false });
        book.submitted(tenant, timeMs(at));
        book.count(tenant, 1);
      }
    }),
    { numRuns: 300 },
  );
});
