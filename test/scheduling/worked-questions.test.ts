import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import { latePenalty } from '../../src/scheduling/eviction-cost.ts';
import {
  conflicts,
  dominates,
  type Measured,
  normalise,
  paretoSet,
  weightedScore,
} from '../../src/scheduling/objectives.ts';
import { decidePreemption } from '../../src/scheduling/preemption.ts';
import { node, resources } from '../builders/workload.ts';
import { asking, Cluster, HOUR } from './cluster.ts';

/** The worked questions that concern scheduling, with the answers that `docs/corrections/scheduling.md` explains. */

test('Q5: a switch of 2.1 ms in slices of 100 ms costs 2.1 %, and half of that in slices of 200 ms', () => {
  const lost = (sliceMs: number, switchMs: number) => switchMs / sliceMs;
  assert.equal(lost(100, 2.1).toFixed(4), '0.0210');
  assert.equal(lost(200, 2.1).toFixed(4), '0.0105');
});

const choice = (changes: Partial<Measured>): Measured => ({
  completionMs: 100,
  utilisation: 0.5,
  share: 0.2,
  shareAfter: 0.3,
  fairShare: 0.5,
  ...changes,
});

test('Q6: each objective is brought to 0 … 1 before the weights .4, .3, .3 apply', () => {
  const [fast, slow] = normalise([choice({}), choice({ completionMs: 300 })]);
  assert.deepEqual(fast, { completion: 1, utilisation: 0.5, fairness: 0.55 });
  assert.equal(slow?.completion, 0);
  assert.equal(weightedScore(fast!).toFixed(3), '0.715');
});

test('Q6: coming nearer to a fair share is better than going away from it on either side', () => {
  const [poor, rich, even] = normalise([
    choice({ share: 0.2, shareAfter: 0.3 }),
    choice({ share: 0.7, shareAfter: 0.8 }),
    choice({ share: 0.5, shareAfter: 0.5 }),
  ]);
  assert.ok(poor!.fairness > even!.fairness && even!.fairness > rich!.fairness);
});

test('Q6: what conflicts is said, and the Pareto set leaves the choice to whoever decides', () => {
  const choices = [
    { completion: 1, utilisation: 0, fairness: 0.5 },
    { completion: 0, utilisation: 1, fairness: 0.5 },
    { completion: 0, utilisation: 0.9, fairness: 0.5 },
  ];
  assert.deepEqual(paretoSet(choices), [0, 1]);
  assert.ok(dominates(choices[1]!, choices[2]!));
  assert.deepEqual(conflicts(choices), [['completion', 'utilisation']]);
  assert.deepEqual(
    paretoSet([choices[0]!, choices[0]!]),
    [0, 1],
    'equals do not exclude each other',
  );
});

test('Scenario 3: the promise of 30 minutes is broken already after 2 hours, so 11 tasks stop, not 16', () => {
  const nodes = Array.from({ length: 25 }, (_, i) => node(`n${i}`, { gpus: 4 }));
  const cluster = new Cluster(...nodes);
  const four = resources({ cpu: 0, memory: 0, gpu: 4000 });
  for (let i = 0; i < 20; i++) {
    cluster.run(`n${i}`, four, { estimateMs: spanMs(3 * HOUR) }, i * 60_000);
  }
  const promise = { withinMs: spanMs(1_800_000), perSecond: 1_000, maxMs: spanMs(4 * HOUR) };
  assert.equal(latePenalty(promise, spanMs(2 * HOUR)), 5_400_000);
  const options = { minRunMs: spanMs(0), perQueueHour: 100, promise };
  const verdict = decidePreemption(cluster.table, cluster.occupancy, asking(four, 16, { options }));
  assert.ok(verdict.kind === 'preempt');
  const { victims, chosen, options: scores } = verdict.preemption;
  assert.equal(victims.length, 11);
  // Nobody has a checkpoint, so those that ran least lose least; the oldest would lose most.
  const total = (name: string) => scores.find(({ strategy }) => strategy === name)!.total;
  assert.equal(chosen, 'least-cost');
  assert.ok(total('least-cost') < total('preempt_oldest'));
  assert.ok(total('least-cost') < total('wait_for_completion'));
});
