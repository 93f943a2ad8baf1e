import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '../../src/analysis/diagnosis/diagnose.ts';
import { type FlowFacts, type FlowName, walkFlow } from '../../src/analysis/diagnosis/flows.ts';
import {
  type Drawn,
  factsOf,
  GIB,
  historyOf,
  host,
  runningTask,
  START,
  uses,
} from './diagnosis-scene.ts';

const MIB = 1024 ** 2;
const SECONDS = 60;
const interval = { from: START, to: START + SECONDS * 1_000 };
const task = runningTask(1, { cpuHeld: 0.5, memoryHeldBytes: 8 * GIB, memoryLimitBytes: 64 * MIB });

function walk(flow: FlowName, drawn: readonly Drawn[], changes: Partial<FlowFacts> = {}) {
  const facts: FlowFacts = {
    ...factsOf([task]),
    pools: [{ name: 'gpus', heldMilli: 1_000, totalMilli: 4_000 }],
    waitingLeases: 0,
    results: { bytes: GIB, maxBytes: 10 * GIB, entries: 40, reused: 30 },
    ...changes,
  };
  const sources = { history: historyOf(drawn, SECONDS) };
  const diagnosis = diagnose(sources, interval, facts);
  return walkFlow(flow, { ...sources, interval }, { facts, diagnosis });
}

const outcomes = (flow: ReturnType<typeof walk>) => flow.steps.map(({ outcome }) => outcome);

test('high CPU: busy, with the one who takes it and what to type', () => {
  const flow = walk('high-cpu', [
    ...host({ cpu_busy_ratio: 0.99, 'pressure_waiting_ratio cpu': 0.9 }),
    ...uses(task, { cpu: 3.5, waits: { cpu: 0.8 } }),
  ]);
  assert.deepEqual(outcomes(flow).slice(0, 2), ['trouble', 'trouble']);
  assert.match(flow.steps[1]!.sentence, /^1\.main\.0\.1 uses 3\.5 CPUs and holds 0\.5 CPUs/);
  assert.equal(flow.remedies[0]!.command, 'berth adjust 1 --step main --cpu 0.5');
});

test('high CPU: one CPU does all the work', () => {
  const flow = walk('high-cpu', host({ 'cpu_core_busy_ratio 0': 0.99 }));
  assert.deepEqual(outcomes(flow), ['fine', 'fine', 'trouble', 'fine', 'fine', 'fine']);
  assert.match(flow.sentence, /^CPU use is high, and this is why: The busiest CPU is 99 % busy/);
});

test('a pool that is full, with callers that wait', () => {
  const full = [{ name: 'gpus', heldMilli: 4_000, totalMilli: 4_000 }];
  const flow = walk('pool', host(), { pools: full, waitingLeases: 2 });
  assert.equal(flow.steps.at(-1)!.outcome, 'trouble');
  assert.match(flow.steps.at(-1)!.sentence, /1 of 1 pools are full \(gpus\); 2 callers wait/);
  assert.equal(flow.remedies.at(-1)!.command, 'berth pool');
});

test('memory that is given out and not used', () => {
  const drawn = [
    ...host(),
    ...uses(task, { memory: 10 * MIB }),
    { name: 'berth_node_memory_held_bytes', value: 15.5 * GIB },
  ];
  const flow = walk('pool', drawn, { waitingTasks: 4 });
  assert.deepEqual(outcomes(flow).slice(0, 3), ['fine', 'trouble', 'trouble']);
});

test('a cache whose results nobody uses again, and a page cache that misses', () => {
  const flow = walk('cache', host({ major_faults_per_second: 800 }), {
    results: { bytes: 9.9 * GIB, maxBytes: 10 * GIB, entries: 40, reused: 2 },
  });
  assert.deepEqual(outcomes(flow), ['trouble', 'trouble', 'trouble', 'fine', 'unknown']);
  assert.equal(flow.remedies.at(-1)!.command, 'berth cache clear');
});

test('of few results nobody can tell, and all is well elsewhere', () => {
  const flow = walk('cache', host(), {
    results: { bytes: 0, maxBytes: GIB, entries: 3, reused: 0 },
  });
  assert.deepEqual(outcomes(flow), ['unknown', 'fine', 'fine', 'fine', 'unknown']);
  assert.equal(flow.sentence, 'Nothing says that caches miss.');
});

test('of what is not measured the answer is unknown', () => {
  for (const flow of ['high-cpu', 'pool', 'cache'] as const) {
    const walked = walk(flow, [], {
      results: { bytes: 0, maxBytes: 0, entries: 0, reused: 0 },
    });
    assert.ok(walked.steps.some(({ outcome }) => outcome === 'unknown'));
    assert.ok(walked.steps.every(({ outcome }) => outcome !== 'trouble'));
  }
});
