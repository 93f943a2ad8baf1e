import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Measured,
  type Proposal,
  propose,
  type ReplicaUse,
} from '../../src/autoscaling/propose.ts';

/** `50`: a ready replica at 50 %; `unready`; `missing`: ready, and not measured. */
type Replica = number | 'unready' | 'missing';

const uses = (replicas: readonly Replica[]): Measured => ({
  kind: 'use',
  replicas: replicas.map(
    (one): ReplicaUse => ({
      isReady: one !== 'unready',
      use: typeof one === 'number' ? one * 1_000 : undefined,
    }),
  ),
});
const total = (value: number): Measured => ({ kind: 'total', value: value * 1_000 });
const asked = (proposal: Proposal): number | string =>
  proposal.kind === 'asks' ? proposal.replicas : proposal.kind;

/** Of replica_calculator_test.go of Kubernetes, by the names there, with its figures. */
const ofKubernetes: Record<
  string,
  { current: number; want: number; target: number; replicas: readonly Replica[] }
> = {
  ScaleUp: { current: 3, want: 5, target: 30, replicas: [30, 50, 70] },
  ScaleUpUnreadyLessScale: { current: 3, want: 4, target: 30, replicas: ['unready', 50, 70] },
  ScaleUpUnreadyNoScale: { current: 3, want: 3, target: 30, replicas: [40, 'unready', 'unready'] },
  'with those that are not ready, near enough': {
    current: 3,
    want: 3,
    target: 30,
    replicas: ['unready', 48, 48],
  },
  ScaleDown: { current: 5, want: 3, target: 50, replicas: [10, 30, 50, 25, 25] },
  ScaleDownIncludeUnreadyPods: {
    current: 5,
    want: 2,
    target: 50,
    replicas: [10, 30, 50, 'unready', 'unready'],
  },
  ScaleDownExcludeUnscheduledPods: {
    current: 5,
    want: 1,
    target: 50,
    replicas: [10, 'unready', 'unready', 'unready', 'unready'],
  },
  Tolerance: { current: 3, want: 3, target: 100, replicas: [101, 103, 102] },
  MissingMetrics: { current: 4, want: 3, target: 100, replicas: [40, 9.5, 'missing', 'missing'] },
  MissingMetricsNoChangeEq: { current: 2, want: 2, target: 100, replicas: [100, 'missing'] },
  MissingMetricsNoChangeGt: { current: 2, want: 2, target: 100, replicas: [190, 'missing'] },
  MissingMetricsNoChangeLt: { current: 2, want: 2, target: 100, replicas: [60, 'missing'] },
  MissingMetricsUnreadyChange: {
    current: 3,
    want: 3,
    target: 50,
    replicas: ['unready', 45, 'missing'],
  },
  MissingMetricsUnreadyScaleUp: {
    current: 3,
    want: 4,
    target: 50,
    replicas: ['unready', 200, 'missing'],
  },
  MissingMetricsUnreadyScaleDown: {
    current: 4,
    want: 3,
    target: 50,
    replicas: ['unready', 10, 10, 'missing'],
  },
  DuringRollingUpdateWithMaxSurge: {
    current: 2,
    want: 2,
    target: 50,
    replicas: [10, 10, 'missing'],
  },
};

describe('the use of replicas asks for as many as it does in Kubernetes', () => {
  for (const [name, { current, want, target, replicas }] of Object.entries(ofKubernetes)) {
    test(name, () => {
      assert.equal(asked(propose({ target: target * 1_000 }, uses(replicas), current)), want);
    });
  }

  test('the examples of its documentation: 200m of 100m doubles, 50m of 100m halves, 90 of 75 makes 60 of 50', () => {
    const many = (n: number, use: number) => uses(new Array(n).fill(use));
    assert.equal(asked(propose({ target: 100_000 }, many(4, 200), 4)), 8);
    assert.equal(asked(propose({ target: 100_000 }, many(4, 50), 4)), 2);
    assert.equal(asked(propose({ target: 75_000 }, many(50, 90), 50)), 60);
  });
});

const totals: Record<string, { current: number; want: number; target: number; value: number }> = {
  ScaleUpPerPodCMExternal: { current: 3, want: 4, target: 2_150, value: 8_600 },
  ScaleUpCMPerPodObject: { current: 3, want: 4, target: 5_000, value: 20_000 },
  ScaleDownPerPodCMObject: { current: 5, want: 3, target: 2_000, value: 6_000 },
  ScaleDownPerPodCMExternal: { current: 5, want: 3, target: 2_867, value: 8_600 },
  TolerancePerPodCMObject: { current: 4, want: 4, target: 5_000, value: 20_166 },
  TolerancePerPodCMExternal: { current: 3, want: 3, target: 2_900, value: 8_600 },
  'nothing to do': { current: 3, want: 0, target: 50, value: 0 },
  'the first thing to do': { current: 0, want: 1, target: 50, value: 1 },
  'a tenth above the target is near enough': { current: 2, want: 2, target: 50, value: 110 },
  'more than that is not': { current: 2, want: 3, target: 50, value: 110.001 },
  'nor is it when nothing runs': { current: 0, want: 2, target: 50, value: 51 },
};

describe('a number for the whole asks for one replica for each target of it', () => {
  for (const [name, { current, want, target, value }] of Object.entries(totals)) {
    test(name, () => {
      assert.equal(asked(propose({ target: target * 1_000 }, total(value), current)), want);
    });
  }
});

test('what is not known asks for nothing, and says why', () => {
  const { kind, ...rest } = propose({ target: 1 }, { kind: 'unknown', why: 'no answer' }, 3);
  assert.deepEqual([kind, rest], ['unknown', { why: 'no answer' }]);
  assert.equal(asked(propose({ target: 70_000 }, uses(['missing', 'unready']), 2)), 'unknown');
  assert.equal(asked(propose({ target: 70_000 }, uses([]), 0)), 'silent');
});

const replica = fc.oneof(
  fc.integer({ min: 0, max: 1_000 }),
  fc.constantFrom('unready' as const, 'missing' as const),
);

test('what is missing or not ready never turns a step round, and makes none larger', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.constantFrom('unready' as const, 'missing' as const), { maxLength: 8 }),
      fc.integer({ min: 1, max: 200 }),
      (measured, others, target) => {
        const current = measured.length + others.length;
        const sum = measured.reduce((all, one) => all + one, 0);
        const said = propose({ target: target * 1_000 }, uses([...measured, ...others]), current);
        assert.ok(said.kind === 'asks');
        const wanted = target * measured.length;
        if (sum >= wanted) assert.ok(said.replicas >= current);
        if (sum <= wanted) assert.ok(said.replicas <= current);
        // As if those that are not known took as large a part of the load.
        const atMost = Math.max(current, Math.ceil((sum / wanted) * current));
        assert.ok(said.replicas <= atMost, `${said.replicas} of at most ${atMost}`);
      },
    ),
  );
});

test('it is a whole number within what all of it could ask for, and the same again', () => {
  fc.assert(
    fc.property(
      fc.array(replica, { maxLength: 20 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 0, max: 20 }),
      (replicas, target, current) => {
        const measured = uses(replicas);
        const said = propose({ target: target * 1_000 }, measured, current);
        assert.deepEqual(propose({ target: target * 1_000 }, measured, current), said);
        if (said.kind !== 'asks') return;
        assert.ok(Number.isSafeInteger(said.replicas) && said.replicas >= 0);
        assert.ok(said.replicas <= Math.max(current, 20 * 1_000));
      },
    ),
  );
});
