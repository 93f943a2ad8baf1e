import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { primeActive } from '../../src/app/journal-window.ts';
import { ObjectiveWatch } from '../../src/app/objective-watch.ts';
import { type BasisPoints, type SpanMs, timeMs } from '../../src/base/units.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import type { Indicator } from '../../src/model/objective.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { step, workload } from '../builders/workload.ts';
import { scratch } from '../store/scratch.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function siteOfOne(): Site {
  const s = new Site(config([queueConfig('default')]), node('n', { cpu: 1_000 }));
  s.now = 10 * HOUR;
  return s;
}

/** What an objective of five minutes counts of a site, and then of what it does later. */
async function watched(t: TestContext, s: Site, kind: 'waiting' | 'handoff') {
  const journal = openJournal({ file: join(scratch(t), 'journal') });
  t.after(() => journal.close());
  const indicator: Indicator = { kind, belowMs: (5 * MINUTE) as SpanMs };
  const only = { workload: 'p' };
  const target = 9_900 as BasisPoints;
  const watch = new ObjectiveWatch({
    engine: s.engine,
    journal,
    objectives: [{ name: 'o', target, periodMs: (24 * HOUR) as SpanMs, indicator, only }],
    now: () => timeMs(s.now),
  });
  let read = 0;
  return async () => {
    await journal.append(s.journal.slice(read));
    read = s.journal.length;
    return (await watch.states())[0]!.counts;
  };
}

test('a task behind max_parallel waits from when it is let in, while it waits and once it is placed', async (t) => {
  const s = siteOfOne();
  s.submitSpec(workload('p', step('a', { count: 2, maxParallel: 1 })));
  const counts = await watched(t, s, 'waiting');
  s.pass();
  s.now += HOUR;
  s.submit({ cpu: 1, priority: 10 });
  s.end('1.a.0.1' as AttemptId);
  s.pass();
  s.now += MINUTE;
  assert.deepEqual(await counts(), { good: 1, bad: 0 });
  s.now += 5 * MINUTE;
  assert.deepEqual(await counts(), { good: 1, bad: 1 }, 'six minutes');
  s.end('2.s.0.1' as AttemptId);
  s.pass();
  assert.deepEqual(await counts(), { good: 1, bad: 1 }, 'and it is placed');
});

test('a task that tries again is handed over by nobody', async (t) => {
  const s = siteOfOne();
  const retry = { ...step('b').retry, maxRetries: 3 };
  s.submitSpec(workload('p', step('a'), step('b', { needs: ['a' as never], retry })));
  const counts = await watched(t, s, 'handoff');
  s.pass();
  s.end('1.a.0.1' as AttemptId);
  s.pass();
  s.submit({ cpu: 1, priority: 10 });
  s.end('1.b.0.1' as AttemptId, 'lost');
  s.now += HOUR;
  s.pass();
  s.now += HOUR;
  s.pass();
  assert.equal(s.engine.state.task('1.b.0' as never)?.state, 'waiting');
  assert.deepEqual(await counts(), { good: 1, bad: 0 });
});

test('what was of many workloads is asked for in pieces', async () => {
  const s = siteOfOne();
  for (let i = 0; i < 40; i++) s.submit({ cpu: 1 });
  let turns = 0;
  const count = (): void => {
    turns++;
    turning = setImmediate(count);
  };
  let turning = setImmediate(count);
  const asked: string[] = [];
  await primeActive(s.engine, s.now + 1, (id) => {
    asked.push(id);
    const until = performance.now() + 3;
    while (performance.now() < until);
  });
  clearImmediate(turning);
  assert.equal(asked.length, 40);
  assert.ok(turns >= 10, `${turns} turns`);
});
