import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Measured } from '../../src/autoscaling/propose.ts';
import { type ScalingDecision, ServiceScaling } from '../../src/autoscaling/service-scaling.ts';
import { Wishes } from '../../src/autoscaling/wishes.ts';
import { type TimeMs, timeMs } from '../../src/base/units.ts';
import type { AutoscalingTerms } from '../../src/model/autoscaling.ts';
import { cpu, depth, memory, scalingTerms } from '../builders/autoscaling.ts';
import { span } from '../builders/service.ts';

const LOOK_MS = 5_000;

const at = (percent: number, replicas: number): Measured => ({
  kind: 'use',
  replicas: new Array(replicas).fill({ isReady: true, use: Math.round(percent * 1_000) }),
});
const waiting = (tasks: number): Measured => ({ kind: 'total', value: tasks * 1_000 });
const unknown: Measured = { kind: 'unknown', why: 'no answer' };

/** A service that gets what is decided at once, looked at every five seconds. */
class Course {
  replicas: number;
  now = 1_000_000;
  changedAt: TimeMs | undefined;
  readonly steps: { readonly s: number; readonly to: number }[] = [];
  readonly #scaling = new ServiceScaling();
  readonly #terms: AutoscalingTerms;
  readonly #began = this.now;

  constructor(terms: AutoscalingTerms, replicas: number) {
    this.#terms = terms;
    this.replicas = replicas;
  }

  look(...measured: readonly Measured[]): ScalingDecision {
    const { now, replicas, changedAt } = this;
    const scene = { at: timeMs(now), terms: this.#terms, replicas, changedAt, measured };
    const decision = this.#scaling.look(scene);
    if (decision.to !== replicas) {
      this.replicas = decision.to;
      this.changedAt = timeMs(now);
      this.steps.push({ s: (now - this.#began) / 1_000, to: decision.to });
    }
    return decision;
  }

  /** With a load that so many replicas bear at their target, for so long. */
  bear(load: number | (() => number), ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += LOOK_MS) {
      const all = typeof load === 'number' ? load : load();
      this.look(at((all * 70) / Math.max(1, this.replicas), this.replicas));
    }
  }
}

test('up by two in sixty seconds, from the first look on, until the load is borne', () => {
  const course = new Course(scalingTerms(), 2);
  course.bear(9, 600_000);
  assert.deepEqual(course.steps, [
    { s: 0, to: 4 },
    { s: 60, to: 6 },
    { s: 120, to: 8 },
    { s: 180, to: 9 },
  ]);
});

test('down by one in three hundred seconds, once less was asked for as long as that', () => {
  const course = new Course(scalingTerms(), 6);
  course.bear(6, 600_000);
  course.bear(3, 1_500_000);
  assert.deepEqual(course.steps, [
    { s: 900, to: 5 },
    { s: 1_200, to: 4 },
    { s: 1_500, to: 3 },
  ]);
});

test('a short dip takes nothing away', () => {
  const course = new Course(scalingTerms(), 6);
  course.bear(6, 600_000);
  course.bear(1, 295_000);
  course.bear(6, 600_000);
  assert.deepEqual(course.steps, []);
});

test('never fewer than the minimum, never more than the maximum', () => {
  const course = new Course(scalingTerms(), 2);
  course.bear(1_000, 3_600_000);
  assert.equal(course.replicas, 20);
  course.bear(0, 3 * 3_600_000);
  assert.equal(course.replicas, 2);
});

const two = scalingTerms({ metrics: [cpu(70), memory(80), depth(50)] });
const reasons: Record<
  string,
  {
    terms?: AutoscalingTerms;
    replicas?: number;
    measured: readonly Measured[];
    to: number;
    reason: string;
  }
> = {
  'the largest counts': {
    terms: two,
    measured: [at(91, 4), at(40, 4), waiting(120)],
    to: 6,
    reason: 'cpu at 91 % of 70 % asks 6',
  },
  'a step is bounded': {
    measured: [at(140, 4)],
    to: 6,
    reason: 'cpu at 140 % of 70 % asks 8; bounded by +2 in 60 s',
  },
  'near enough is let be': { measured: [at(75, 4)], to: 4, reason: 'cpu at 75 % of 70 % asks 4' },
  'a queue': {
    terms: two,
    measured: [at(10, 4), at(10, 4), waiting(290)],
    to: 6,
    reason: 'queue_depth at 290 of 50 a replica asks 6',
  },
  'the maximum holds': {
    terms: scalingTerms({ maxReplicas: 5 }),
    measured: [at(140, 4)],
    to: 5,
    reason: 'cpu at 140 % of 70 % asks 8; bounded by max_replicas 5',
  },
  'the minimum holds': {
    replicas: 2,
    measured: [at(1, 2)],
    to: 2,
    reason: 'cpu at 1 % of 70 % asks 1; bounded by min_replicas 2',
  },
  'too few are corrected at once': {
    replicas: 0,
    measured: [at(0, 0)],
    to: 2,
    reason: 'fewer than min_replicas 2',
  },
  'too many, too': {
    replicas: 30,
    measured: [at(70, 30)],
    to: 20,
    reason: 'more than max_replicas 20',
  },
  'what is not known takes nothing away': {
    terms: two,
    measured: [at(10, 4), unknown, waiting(0)],
    to: 4,
    reason: 'cpu at 10 % of 70 % asks 1; memory is unknown (no answer): nothing is taken away',
  },
  'but it hinders no step up': {
    terms: two,
    measured: [unknown, at(10, 4), waiting(500)],
    to: 6,
    reason:
      'queue_depth at 500 of 50 a replica asks 10; cpu is unknown (no answer); bounded by +2 in 60 s',
  },
  'nothing is known': {
    measured: [unknown],
    to: 4,
    reason: 'cpu is unknown (no answer): nothing is taken away',
  },
  'too early to take anything away': {
    measured: [at(10, 4)],
    to: 4,
    reason: 'cpu at 10 % of 70 % asks 1; bounded by min_replicas 2; bounded by -1 in 300 s',
  },
};

describe('each decision says why', () => {
  for (const [name, { terms, replicas = 4, measured, to, reason }] of Object.entries(reasons)) {
    test(name, () => {
      const said = new Course(terms ?? scalingTerms(), replicas).look(...measured);
      assert.deepEqual([said.to, said.reason], [to, reason]);
    });
  }

  test('a step that waits says until when', () => {
    const course = new Course(scalingTerms(), 2);
    course.look(at(140, 2));
    course.now += 20_000;
    const { to, heldUntil, reason } = course.look(at(140, 4));
    assert.deepEqual([to, heldUntil! - course.now], [4, 40_000]);
    assert.equal(reason, 'cpu at 140 % of 70 % asks 8; bounded by +2 in 60 s');
    course.now = heldUntil! - 1;
    assert.equal(course.look(at(140, 4)).to, 4);
    course.now++;
    assert.equal(course.look(at(140, 4)).to, 6);
  });

  test('a dip that is too short says what was asked for', () => {
    const course = new Course(scalingTerms(), 6);
    course.bear(6, 600_000);
    const { reason } = course.look(at(35, 6));
    assert.equal(
      reason,
      'cpu at 35 % of 70 % asks 3; but up to 6 were asked for in the last 300 s',
    );
  });
});

test('what was missing for a moment counts as asking for what is there: the wait begins anew', () => {
  const course = new Course(scalingTerms(), 6);
  for (; course.now < 1_290_000; course.now += LOOK_MS) course.look(at(20, 6));
  course.look(unknown);
  for (; course.now < 1_590_000; course.now += LOOK_MS) course.look(at(20, 6));
  assert.deepEqual(course.steps, []);
  course.now += LOOK_MS;
  course.look(at(20, 6));
  assert.equal(course.replicas, 5);
});

describe('to zero and back', () => {
  const terms = scalingTerms({ metrics: [cpu(70), depth(50)], minReplicas: 0 });

  test('the last replica goes when nothing waits, and the first comes at once when something does', () => {
    const course = new Course(terms, 1);
    for (let s = 0; s <= 300; s += 5, course.now += LOOK_MS) course.look(at(5, 1), waiting(0));
    assert.deepEqual(course.steps, [{ s: 300, to: 0 }]);
    const { to, reason } = course.look(at(0, 0), waiting(120));
    assert.deepEqual(
      [to, reason],
      [2, 'queue_depth at 120 of 50 a replica asks 3; bounded by +2 in 60 s'],
    );
  });

  test('not while something waits, nor while nobody knows, nor while it is too busy for one', () => {
    for (const measured of [
      [at(5, 1), waiting(1)],
      [at(5, 1), unknown],
      [at(150, 1), waiting(0)],
    ]) {
      const course = new Course(terms, 1);
      for (let s = 0; s <= 900; s += 5, course.now += LOOK_MS) course.look(...measured);
      assert.ok(course.replicas >= 1, JSON.stringify(measured));
    }
  });

  test('nothing runs and nothing is known: nothing is begun', () => {
    assert.equal(new Course(terms, 0).look(at(0, 0), unknown).to, 0);
  });
});

test('the largest wish of a window is what one that keeps them all would find', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 120 }), fc.nat(20)), { maxLength: 60 }),
      (list) => {
        const wishes = new Wishes();
        let now = 0;
        let all: { at: number; replicas: number }[] = [];
        for (const [wait, replicas] of list) {
          if (wait >= 100) all = [];
          now += wait;
          all.push({ at: now, replicas });
          wishes.note(timeMs(now), replicas, span(100));
          const known = all.filter((one) => one.at >= now - 100);
          assert.equal(wishes.most, Math.max(...known.map((one) => one.replicas)));
          assert.equal(wishes.since, all[0]!.at);
        }
      },
    ),
  );
});

test('no more than one change in a cooldown, never beyond the bounds, whatever is measured', () => {
  const measured = fc.oneof(
    fc.integer({ min: 0, max: 400 }).map((percent) => ({ percent })),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(
      fc.array(measured, { maxLength: 300 }),
      fc.integer({ min: 2, max: 20 }),
      (list, start) => {
        const course = new Course(scalingTerms(), start);
        let lastAt: number | undefined;
        for (const one of list) {
          const before = course.replicas;
          course.look(one === undefined ? unknown : at(one.percent, before));
          const change = course.replicas - before;
          if (change !== 0) {
            const wait = course.now - (lastAt ?? Number.NEGATIVE_INFINITY);
            assert.ok(
              change > 0 ? wait >= 60_000 && change <= 2 : wait >= 300_000 && change === -1,
            );
            assert.ok(change > 0 || one !== undefined, 'nothing is taken away unseen');
            lastAt = course.now;
          }
          assert.ok(course.replicas >= 2 && course.replicas <= 20);
          course.now += LOOK_MS;
        }
      },
    ),
  );
});

test('a steady load with noise within the tolerance comes to rest, and nothing oscillates', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 180 }),
      fc.integer({ min: 2, max: 20 }),
      fc.array(fc.integer({ min: -45, max: 45 }), { minLength: 50, maxLength: 400 }),
      (tenths, start, noise) => {
        const course = new Course(scalingTerms(), start);
        let i = 0;
        // Each value of the noise in turn, in thousandths of the load.
        const load = () => (tenths / 10) * (1 + noise[i++ % noise.length]! / 1_000);
        course.bear(load, 3 * 3_600_000);
        const directions = course.steps.map(({ to }, n) =>
          Math.sign(to - (n === 0 ? start : course.steps[n - 1]!.to)),
        );
        assert.ok(new Set(directions).size <= 1, `up and down: ${JSON.stringify(course.steps)}`);
        const restedAt = course.steps.at(-1)?.s ?? 0;
        assert.ok(restedAt <= 18 * 300 + 300, `no rest: ${JSON.stringify(course.steps)}`);
      },
    ),
    { numRuns: 60 },
  );
});
