import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import type { QueueName, TaskId, TenantId } from '../../src/model/ids.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import type { Candidate } from '../../src/scheduling/scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { Shapes } from '../../src/scheduling/shape.ts';
import { node, resources } from '../builders/workload.ts';

const sizes = [500, 1000, 1500, 9000].map((cpu) => resources({ cpu, memory: 0 }));
const tasks = fc.uniqueArray(
  fc.record({
    priority: fc.integer({ min: -2, max: 2 }),
    age: fc.integer({ min: 1, max: 5 }),
    stepIndex: fc.nat(3),
    index: fc.nat(3),
    shape: fc.nat(3),
  }),
  { selector: ({ age, stepIndex, index }) => `${age}/${stepIndex}/${index}`, maxLength: 40 },
);

function setUp(
  drawn: readonly {
    age: number;
    stepIndex: number;
    index: number;
    priority: number;
    shape: number;
  }[],
) {
  const table = new NodeTable();
  const shapes = new Shapes();
  for (const size of sizes) shapes.intern(size);
  table.join(node('n', { cpu: 8000 }));
  const scheduler = new PriorityScheduler({ table, shapes }, firstFit);
  const candidates: Candidate[] = drawn.map((task) => ({
    ...task,
    id: `${task.age}.s${task.stepIndex}.${task.index}` as TaskId,
    tenant: 't' as TenantId,
    queue: 'default' as QueueName,
    submittedAt: timeMs(0),
    estimateMs: undefined,
    deadlineAt: undefined,
    waitingSince: timeMs(0),
    attained: { cpu: 0, gpu: 0 },
  }));
  for (const candidate of candidates) scheduler.enqueue(candidate);
  return { table, scheduler, candidates };
}

/** The rule, said once more: priority down, then age, step and index up. */
const inOrder = (all: readonly Candidate[]): Candidate[] =>
  all.toSorted(
    (a, b) =>
      b.priority - a.priority || a.age - b.age || a.stepIndex - b.stepIndex || a.index - b.index,
  );

test('tasks go in the order of a sorted array; those that cannot fit, and those that left, are passed over', () => {
  fc.assert(
    fc.property(tasks, fc.array(fc.nat()), (drawn, leaving) => {
      const { table, scheduler, candidates } = setUp(drawn);
      const left = new Set(leaving.map((i) => candidates[i % Math.max(1, candidates.length)]));
      for (const task of left) if (task !== undefined) scheduler.withdraw(task);
      const free = { cpu: 8000 };
      const want: string[] = [];
      for (const task of inOrder(candidates)) {
        if (left.has(task) || sizes[task.shape]!.cpu > free.cpu) continue;
        free.cpu -= sizes[task.shape]!.cpu;
        want.push(task.id);
      }
      const got: string[] = [];
      for (let choice = scheduler.next(); choice !== undefined; choice = scheduler.next()) {
        const { task, row } = choice;
        got.push(task.id);
        table.take(row, sizes[task.shape]!, []);
        scheduler.placed({
          attempt: `${task.id}.1` as never,
          task,
          row,
          held: sizes[task.shape]!,
          gpus: [],
          placedAt: timeMs(0),
        });
      }
      assert.deepEqual(got, want);
    }),
    { numRuns: 500 },
  );
});

test('a task that waits again is there once', () => {
  const { scheduler, candidates } = setUp([
    { priority: 0, age: 1, stepIndex: 0, index: 0, shape: 0 },
  ]);
  const task = candidates[0]!;
  scheduler.withdraw(task);
  scheduler.enqueue(task);
  assert.equal(scheduler.next()?.task, task);
  scheduler.placed({
    attempt: 'a' as never,
    task,
    row: 0,
    held: sizes[0]!,
    gpus: [],
    placedAt: timeMs(0),
  });
  assert.equal(scheduler.next(), undefined);
});
