import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import type { AttemptId, NodeId, WorkloadId } from '../../src/model/ids.ts';
import { readWindow } from '../../src/simulation/what-if/past-window.ts';
import { whatIfInWindow } from '../../src/simulation/what-if/what-if.ts';
import { drawTree } from '../builders/draw-tree.ts';
import { type Ask, config, node, order, queueConfig, Site } from '../builders/site.ts';

const RUNS = 60;
const SECOND = 1000;

/** Times in milliseconds. What is submitted runs as long as it takes; a pass after everything that happens. */
function live(site: Site, jobs: readonly (Ask & { at: number; takes: number; fails?: boolean })[]) {
  const ends = new Map<AttemptId, number>();
  const begun = new Map<Ask, number>();
  const pass = (): void => {
    for (const id of site.pass()) {
      const ask = site.asked(id) as (typeof jobs)[number];
      begun.set(ask, (begun.get(ask) ?? 0) + 1);
      ends.set(id, site.now + ask.takes);
    }
  };
  const coming = [...jobs];
  for (;;) {
    const end = Math.min(...ends.values());
    const arrival = coming[0]?.at ?? Number.POSITIVE_INFINITY;
    const timer = site.engine.nextTimer() ?? Number.POSITIVE_INFINITY;
    const rests = site.engine.state.firstResting() !== undefined;
    const isOver = ends.size === 0 && coming.length === 0 && !rests;
    site.now = Math.min(
      end,
      arrival,
      timer <= site.now || isOver ? Number.POSITIVE_INFINITY : timer,
    );
    if (site.now === Number.POSITIVE_INFINITY) return;
    for (const [id, at] of ends) {
      if (at > site.now) continue;
      ends.delete(id);
      const { fails = false, retries = 0 } = site.asked(id) as (typeof jobs)[number];
      const isLast = Number(id.slice(id.lastIndexOf('.') + 1)) > retries;
      site.end(id, fails && !isLast ? 'failed' : 'succeeded');
    }
    while (coming[0] !== undefined && coming[0].at <= site.now) site.submit(coming.shift()!);
    pass();
  }
}

/** No two things happen at once: what ends and comes at one instant is told in some order, which no journal has. */
function drawn(seed: number) {
  const prng = new Prng(seed);
  const { scheduling: tree, queues } = drawTree(prng);
  const { preemption: _, ...scheduling } = tree;
  const site = new Site(scheduling, node('n', { cpu: 4000, memory: 2 ** 34 }));
  let at = 0;
  const jobs = Array.from({ length: prng.between(5, 30) }, () => {
    at += prng.between(1_000, 60_000);
    return {
      at,
      takes: prng.between(1_000, 300_000),
      queue: prng.pick(queues),
      tenant: prng.pick(['ada', 'ben', 'eve']),
      cpu: prng.between(1, 4),
    };
  });
  live(site, jobs);
  return { site, last: at, prng };
}

test('the past, replayed as it was, is the past: from its beginning or from anywhere within', () => {
  let later = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const { site, last, prng } = drawn(seed);
      const from = timeMs(prng.chance(50) ? 0 : Math.floor(last / prng.between(2, 5)));
      const to = timeMs(site.journal.at(-1)!.at + 1);
      const window = readWindow(site.fresh(), site.journal, { from, to });
      const { before, happened, total } = whatIfInWindow(window, { changes: [] });
      if (window.begin.state.tasksActive > 0) later++;
      for (const [id, job] of window.real.jobs) {
        const replayed = before.jobs.get(id)!;
        assert.deepEqual(
          [replayed.startAt, replayed.endAt],
          [job.startAt, job.endAt],
          `job ${id} of seed ${seed}`,
        );
      }
      assert.equal(happened.total.sooner + happened.total.later, 0);
      assert.equal(total.sooner + total.later, 0);
    }),
    { numRuns: RUNS },
  );
  assert.ok(later > 0, 'some windows begin while something runs');
});

/** One core: a long job, then short ones, each a second later. */
function longFirst() {
  const site = new Site(config([queueConfig('default')]), node('n', { cpu: 1000 }));
  live(site, [
    { at: SECOND, takes: 10 * SECOND },
    { at: 2 * SECOND, takes: 100 * SECOND, runMs: 100 * SECOND },
    { at: 3 * SECOND, takes: 5 * SECOND, runMs: 5 * SECOND },
    { at: 4 * SECOND, takes: 5 * SECOND, runMs: 5 * SECOND, retries: 1, fails: true },
  ]);
  const to = timeMs(site.journal.at(-1)!.at + 1);
  return { site, window: readWindow(site.fresh(), site.journal, { from: timeMs(0), to }) };
}

const startsOf = (future: { jobs: ReadonlyMap<WorkloadId, { startAt: number | undefined }> }) =>
  [...future.jobs.values()].map(({ startAt }) => (startAt ?? Number.NaN) / SECOND);

test('another order, with the run times that were true', () => {
  const { window } = longFirst();
  assert.deepEqual(startsOf(window.real), [1, 11, 111, 116]);
  const sjf = config([queueConfig('default', { order: order('sjf') })]);
  const answer = whatIfInWindow(window, { changes: [], engine: () => new Site(sjf).fresh() });
  assert.deepEqual(startsOf(answer.before), [1, 11, 111, 116]);
  assert.deepEqual(startsOf(answer.after), [1, 21, 11, 16]);
  const failed = answer.after.jobs.get('4' as WorkloadId)!;
  assert.equal(failed.endAt! / SECOND, 126, 'what failed fails again, and is tried again');
  assert.equal(answer.total.sooner, 2);
  assert.equal(answer.after.origins.assumed, 0, 'all run times are true');
});

test('without a job, and with a machine that comes later', () => {
  const { window } = longFirst();
  const by = 'ada' as never;
  const without = whatIfInWindow(window, {
    changes: [{ kind: 'cancel', workload: '2' as WorkloadId, by }],
  });
  assert.deepEqual(startsOf(without.after), [1, 11, 16]);
  assert.deepEqual([...without.after.jobs.keys()], ['1', '3', '4'], 'they keep their names');
  const more = whatIfInWindow(window, {
    changes: [{ kind: 'add-node', node: node('m', { cpu: 1000 }) }],
  });
  assert.deepEqual(startsOf(more.after), [1, 2, 11, 16]);
  const none = whatIfInWindow(window, {
    changes: [{ kind: 'lose-node', node: 'n' as NodeId }],
  });
  assert.equal(none.total.neverAfter, 4);
});
