import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { faster, resized, shaken } from '../../src/simulation/cell.ts';
import type { RunDocument } from '../../src/simulation/measures/run-document.ts';
import { sweepReport } from '../../src/simulation/report/sweep-report.ts';
import { cellsOf, sweepDocument } from '../../src/simulation/sweep.ts';
import type { Trace } from '../../src/simulation/trace.ts';
import { node, step, workload } from '../builders/workload.ts';

const spec = workload('w', step('s'));
const traceAt = (...times: number[]): Trace => ({
  name: 'drawn',
  format: 'swf',
  count: times.length,
  skipped: [],
  jobs: times.map((at, i) => ({
    id: `${i}`,
    at: timeMs(at),
    tenant: 'ada' as TenantId,
    spec,
    runMs: spanMs(1_000),
  })),
});
const timesOf = ({ jobs }: Trace) => [...jobs].map(({ at }) => at as number);

test('at twice the load jobs come in half the time, since the first', () => {
  assert.deepEqual(timesOf(faster(traceAt(100, 200, 1_100), 2)), [100, 150, 600]);
  assert.deepEqual(timesOf(faster(traceAt(100, 200), 1)), [100, 200]);
});

test('a shaken trace has the same jobs in order of time, each at most so far from where it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5_000), { maxLength: 60 }),
      fc.nat(800),
      fc.nat(),
      (drawn, shake, seed) => {
        const trace = traceAt(...drawn.sort((a, b) => a - b));
        const moved = [...shaken(trace, spanMs(shake), seed).jobs];
        assert.deepEqual(
          moved.map(({ id }) => Number(id)).sort((a, b) => a - b),
          drawn.map((_, i) => i),
        );
        for (const [i, { id, at }] of moved.entries()) {
          const apart = Math.abs(at - drawn[Number(id)]!);
          assert.ok(apart <= shake, `${id} moved by ${apart}`);
          assert.ok(i === 0 || moved[i - 1]!.at <= at, 'in order');
        }
        assert.deepEqual([...shaken(trace, spanMs(shake), seed).jobs], moved, 'the same again');
      },
    ),
  );
  const many = traceAt(...Array.from({ length: 50 }, (_, i) => i * 100));
  assert.notDeepEqual(timesOf(shaken(many, spanMs(50), 1)), timesOf(shaken(many, spanMs(50), 2)));
  assert.equal(shaken(many, undefined, 1), many);
});

test('a size takes nodes evenly, and makes one node larger or smaller', () => {
  const four = ['a', 'b', 'c', 'd'].map((id) => node(id));
  const ids = (size: number) => resized(four, size).map(({ id }) => id);
  assert.deepEqual(ids(0.5), ['a', 'c']);
  assert.deepEqual(ids(1.5), ['a', 'a~2', 'b', 'c', 'c~2', 'd']);
  assert.deepEqual(ids(0.01), ['a']);
  assert.equal(resized(four, 1), four);
  const [half] = resized([node('m', { cpu: 101_000, gpus: 2 })], 0.5);
  assert.deepEqual([half!.id, half!.cpu, half!.gpus.length], ['m', 51_000, 1]);
  const [double] = resized([node('m', { gpus: 1 })], 2);
  assert.equal(new Set(double!.gpus.map(({ id }) => id)).size, 2);
});

test('a sweep says of each load who does best on how many machines', () => {
  const axes = { policies: ['a', 'b'], loads: [1, 2], sizes: [1, 2], seeds: [1, 2] };
  const cells = cellsOf(axes);
  assert.equal(cells.length, 16);
  const slowdowns: Record<string, number | null> = {
    'a 1 1': 10,
    'b 1 1': 8,
    'a 1 2': 8,
    'b 1 2': 3,
    'a 2 1': 50,
    'b 2 1': 50,
    'a 2 2': null,
    'b 2 2': 60,
  };
  const runs = cells.map(({ policy, load, size, seed }) => {
    const mean = slowdowns[`${policy} ${load} ${size}`]!;
    return {
      avg_bounded_slowdown: mean === null ? null : mean + (seed === 1 ? -1 : 1),
      mean_wait_s: 1,
      p95_wait_s: 2,
      makespan_s: 3,
      utilisation: { cpu: 0.5, memory: null, gpu: null },
      fairness: { jain: 1 },
      refused: 1,
      unfinished: 0,
    } as RunDocument;
  });
  const site = { trace: { name: 't', format: 'swf', jobs: 5 }, nodes: 1, skipped: [] };
  const { cells: rows } = sweepDocument(axes, runs, site);
  const told = rows.map((row) => [
    `${row.policy} ${row.load} ${row.size}`,
    row.avg_bounded_slowdown,
    row.pareto,
  ]);
  assert.deepEqual(told, [
    ['a 1 1', 10, false],
    ['b 1 1', 8, true],
    ['a 1 2', 8, false],
    ['b 1 2', 3, true],
    ['a 2 1', 50, true],
    ['b 2 1', 50, true],
    ['a 2 2', null, false],
    ['b 2 2', 60, false],
  ]);
  assert.equal(rows[0]!.refused, 2);
  const page = sweepReport({ ...sweepDocument(axes, runs, site), trace: 'a <b>' });
  assert.match(page, /Sweep of a &lt;b&gt;/);
  assert.doesNotMatch(page, /<script|https?:/);
  assert.equal(page.match(/nobody better/g)?.length, 4);
  assert.match(page, /b 8 at 1, 3 at 2/);
});
