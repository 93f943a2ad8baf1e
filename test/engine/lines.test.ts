import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noConstraints } from '../../src/model/constraints.ts';
import { benchWith } from '../builders/engine-bench.ts';
import { node, step, workload } from '../builders/workload.ts';

/** A node with one seat, and 20 tasks of which the first four have shown that they are short. */
function quick(changes: Parameters<typeof step>[1] = {}, on = node('n', { cpu: 1000 })) {
  const b = benchWith({ lineMs: 100 }, on);
  b.submit(workload('w', step('s', { count: 20, ...changes })));
  const said: string[] = [];
  for (let i = 0; i < 4; i++) {
    b.wait(10);
    said.push(...b.end(`1.s.${i}.1`));
  }
  return { b, said };
}

test('whoever runs short tasks is told what comes next, for 100 ms of work', () => {
  const { b, said } = quick();
  const line = said.at(-1)!.split(' ');
  assert.deepEqual(line.slice(0, 3), ['line', '1.s.4.1', '1.s.5.1']);
  assert.ok(line.length - 2 <= 10, 'of 10 ms each, at most ten');
  assert.equal(b.end('1.s.4.1')[0], 'ended 1.s.4.1 succeeded');
  const running = [...b.engine.state.runningAttempts()].map(({ id }) => id);
  assert.deepEqual(running, ['1.s.5.1'], 'the next has its place, and nobody else');
});

test('behind one that failed nobody begins, and it costs no retry', () => {
  const { b, said } = quick();
  const waiting = said.at(-1)!.split(' ').slice(2);
  const after = b.end('1.s.4.1', 'failed');
  for (const id of waiting) assert.ok(after.includes(`ended ${id} unstarted`), id);
});

test('nobody stands in line while somebody else waits, who has his turn after the line', () => {
  const { b } = quick();
  b.submit({ ...workload('other', step('o')), priority: 1 });
  for (let i = 4; i < 14; i++) {
    const said = b.end(`1.s.${i}.1`);
    if (said.some((line) => line.startsWith('placed 2.o.0.1'))) return;
    assert.ok(!said.some((line) => line.startsWith('line')), `${said}`);
  }
  assert.fail('the other had its turn by the end of the line');
});

const near = { kind: 'near', values: [], topology: 'node', maxSkew: 1, weight: 0 } as const;
for (const [why, changes] of [
  ['whose place depends on who else runs', { constraints: { ...noConstraints, company: [near] } }],
  ['that start together', { gangMin: 1 }],
] as const) {
  test(`tasks ${why} stand in no line`, () => {
    const { said } = quick(changes);
    assert.deepEqual(
      said.filter((line) => line.startsWith('line')),
      [],
    );
  });
}

test('on a node that is drained nobody is put in line', () => {
  const { b, said } = quick();
  assert.ok(said.some((line) => line.startsWith('line')));
  b.join({ ...node('n', { cpu: 1000 }), closed: 'drained' });
  for (let i = 4; i < 20; i++) {
    b.wait(10);
    const more = b.end(`1.s.${i}.1`);
    assert.ok(!more.some((line) => line.startsWith('line')), `${more}`);
  }
});

test('of a line that broke the oldest goes first, whoever makes room before all are back', () => {
  const b = benchWith({ lineMs: 100 }, node('n', { cpu: 2000 }));
  b.submit(workload('w', step('s', { count: 20, maxParallel: 2 })));
  const said: string[] = [];
  for (let i = 0; i < 4; i++) {
    b.wait(1);
    said.push(...b.end(`1.s.${i}.1`));
  }
  const lines = said.filter((line) => line.startsWith('line')).map((line) => line.split(' '));
  const behind = lines[0]![1];
  const waiting = lines.flatMap(([, , ...ids]) => ids);
  const [alone] = [...b.engine.state.runningAttempts()].filter(
    ({ id, next }) => id !== behind && next === undefined,
  );
  assert.ok(alone !== undefined && waiting.length === 14, `${said}`);
  b.order(behind!, 'preempted');
  // The launcher tells of the last of the line first, and of all in one moment.
  const ends = [
    [waiting.at(-1)!, 'unstarted'],
    [behind!, 'preempted'],
    [alone.id, 'succeeded'],
  ] as const;
  const after = b.endAll(ends);
  const placed = after.filter((line) => line.startsWith('placed'));
  const again = [behind!, waiting[0]!].map((id) => `placed ${id.replace(/1$/, '2')} on n`);
  assert.deepEqual(placed, again);
});
