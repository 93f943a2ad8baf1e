import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deadlineRefusal } from '../../src/admission/deadline.ts';
import { timeMs } from '../../src/base/units.ts';
import { config, node, order, queueConfig, Site } from '../builders/site.ts';

const SECOND = 1000;
const due = (deadlineS: number, cpuS: number) => ({
  deadlineAt: timeMs(deadlineS * SECOND),
  work: { cpu: cpuS * 1000, memory: 0, gpu: 0 },
});
const one = { cpu: 1000, memory: 0, gpu: 0 };

test('a deadline is refused when more is due by then than can be done', () => {
  assert.equal(deadlineRefusal(due(10, 10), [], one, timeMs(0)), undefined);
  assert.deepEqual(deadlineRefusal(due(10, 11), [], one, timeMs(0)), {
    code: 'deadline',
    deadlineAt: 10_000,
    resource: 'cpu',
    due: 11_000,
    possible: 10_000,
  });
});

test('an earlier deadline that would break a later promise is refused with the later one', () => {
  const refusal = deadlineRefusal(due(5, 4), [due(10, 8)], one, timeMs(0));
  assert.ok(refusal?.code === 'deadline' && refusal.deadlineAt === 10_000);
});

test('on one processor the test is exact: EDF meets every deadline that it admits', () => {
  const jobs = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 10 })),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(jobs, (all) => {
      const promised: ReturnType<typeof due>[] = [];
      for (const [deadline, work] of all) {
        const asked = due(deadline, work);
        if (deadlineRefusal(asked, promised, one, timeMs(0)) === undefined) promised.push(asked);
      }
      let now = 0;
      for (const { deadlineAt, work } of promised.sort((a, b) => a.deadlineAt - b.deadlineAt)) {
        now += work.cpu;
        assert.ok(now <= deadlineAt);
      }
    }),
  );
});

test('a submission with a deadline that cannot be kept is refused; the engine counts what it promised', () => {
  const site = new Site(
    config([queueConfig('default', { order: order('edf') })]),
    node('n', { cpu: 1000 }),
  );
  assert.equal(site.submit({ deadlineAt: 10_000, runMs: 6_000 }), undefined);
  const refusal = site.submit({ deadlineAt: 10_000, runMs: 6_000 });
  assert.ok(refusal?.code === 'deadline' && refusal.due === 12_000 && refusal.possible === 10_000);
  assert.equal(site.submit({ deadlineAt: 20_000, runMs: 6_000 }), undefined);
});
