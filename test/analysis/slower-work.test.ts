import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  lookForSlowerWork,
  measuredMemory,
  noHistory,
  slowerWork,
} from '../../src/analysis/slower-work.ts';
import { StepDurations } from '../../src/analysis/step-durations.ts';
import { timeMs } from '../../src/base/units.ts';
import type { Event } from '../../src/model/messages.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { ArrayHistory } from '../builders/metric-history.ts';
import { noise } from '../builders/series.ts';
import { step, workload } from '../builders/workload.ts';

const HOUR = 3_600_000;
const begin = Date.parse('2026-03-01T00:00:00Z');
const days = 30;
const window = { from: timeMs(begin), to: timeMs(begin + days * 24 * HOUR) };

interface Ran {
  readonly name: string;
  readonly tenant?: string;
  readonly script?: string;
  readonly at: number;
  readonly ms: number;
  readonly cause?: 'succeeded' | 'failed';
}

/** One workload of one step that ran, as the journal has it. */
function ran(
  { name, tenant = 'ada', script = 'work', at, ms, cause = 'succeeded' }: Ran,
  i: number,
) {
  const spec = workload(name, step('s', { run: { kind: 'shell', script } }));
  const attempt = `${i + 1}.s.0.1`;
  return [
    { kind: 'workload-submitted', at, workload: String(i + 1), tenant, spec },
    { kind: 'task-started', at, attempt, pid: 1 },
    { kind: 'task-ended', at: at + ms, attempt, end: endedBy(cause) },
  ] as unknown as Event[];
}

function read(all: readonly Ran[], only?: string): StepDurations {
  const durations = new StepDurations(only);
  for (const event of all.flatMap(ran)) durations.read(event);
  return durations;
}

const spread = noise(9, 400);
const runs = (of: (i: number, at: number) => Omit<Ran, 'at'>): Ran[] =>
  Array.from({ length: 400 }, (_, i) => {
    const at = begin + Math.floor((i * days * 24 * HOUR) / 400);
    const one = of(i, at);
    return { ...one, at, ms: Math.round(one.ms * (1 + 0.05 * spread[i]!)) };
  });

test('all steps become slower little by little: one drift, whatever they usually take', () => {
  const all = runs((i) => {
    const slower = 1 + 0.4 * Math.max(0, (i - 100) / 300);
    return i % 2 === 0
      ? { name: 'train', ms: 600_000 * slower }
      : { name: 'clean', ms: 20_000 * slower };
  });
  const [finding] = slowerWork(noHistory, read(all), window);
  assert.equal(finding?.kind, 'slow-drift');
  assert.match(
    finding.sentence,
    /^The time that attempts take.* is 3\d.*% higher, little by little since 2026-03-0[5-9]/,
  );
  assert.match(finding.sentence, /no other layer changed before it/);
});

test('one step has another command, and is slower since', () => {
  const all = runs((i) =>
    i % 4 === 0
      ? { name: 'train', ms: i < 200 ? 600_000 : 900_000, script: i < 200 ? 'v1' : 'v2' }
      : { name: 'clean', ms: 20_000 },
  );
  const found = slowerWork(noHistory, read(all), window);
  const [finding] = found;
  assert.equal(found.length, 1);
  assert.match(
    finding?.sentence ?? '',
    /^The time of a step \(train\/s\) is 5\d.*step train\/s has another command/,
  );
  assert.equal(finding?.remedies[0]?.risk, 'none');
});

test('what failed, what others ran and what is as ever is not slower', () => {
  const slow = (i: number): number => (i < 200 ? 600_000 : 900_000);
  const failing = runs((i) => ({
    name: 'train',
    ms: slow(i),
    cause: i < 200 ? 'succeeded' : 'failed',
  }));
  assert.deepEqual(slowerWork(noHistory, read(failing), window), []);
  const others = runs((i) => ({ name: 'train', ms: slow(i), tenant: 'ben' }));
  assert.deepEqual(slowerWork(noHistory, read(others, 'ada'), window), []);
  assert.equal(slowerWork(noHistory, read(others, 'ben'), window).length, 1);
  const steady = runs(() => ({ name: 'train', ms: 600_000 }));
  assert.deepEqual(slowerWork(noHistory, read(steady), window), []);
});

test('what was measured of memory around an incident', () => {
  const at = Array.from({ length: 60 }, (_, i) => begin + i * 60_000);
  const high = (from: number, low: number, value: number) =>
    at.map((_, i) => (i >= from && i < from + 10 ? value : low));
  const history = new ArrayHistory([
    { name: 'berth_node_tcp_segments_sent_per_second', at, values: at.map(() => 1_000) },
    {
      name: 'berth_node_tcp_segments_retransmitted_per_second',
      at,
      values: high(20, 1, 80),
    },
    {
      name: 'berth_node_pressure_waiting_ratio',
      labels: { resource: 'memory' },
      at,
      values: high(20, 0.1, 0.9),
    },
    {
      name: 'berth_node_pressure_waiting_ratio',
      labels: { resource: 'io' },
      at,
      values: at.map(() => 1),
    },
  ]);
  const measured = measuredMemory(history);
  assert.deepEqual(measured(at[22]!, at[28]!), { retransmitRatio: 0.08, pressureRatio: 0.9 });
  assert.deepEqual(measured(at[45]!, at[50]!), { retransmitRatio: 0.001, pressureRatio: 0.1 });
  assert.deepEqual(measuredMemory(noHistory)(0, 1), {});
});

test('it is looked for in as many pieces as there are series', () => {
  const all = runs((i) => ({ name: `train-${i % 4}`, ms: i < 200 ? 600_000 : 900_000 }));
  const looking = lookForSlowerWork(noHistory, read(all), window);
  let pieces = 0;
  let looked = looking.next();
  for (; looked.done !== true; looked = looking.next()) pieces++;
  // Four steps that all are slower, and then all of them together.
  assert.equal(pieces, 5);
  assert.deepEqual(looked.value, slowerWork(noHistory, read(all), window));
});
