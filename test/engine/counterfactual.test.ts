import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { type Smaller, startsWithLess } from '../../src/engine/counterfactual.ts';
import { describeScheduling } from '../../src/engine/describe-scheduling.ts';
import { projectStarts } from '../../src/engine/projection.ts';
import type { TaskRecord } from '../../src/engine/records.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import { Verdicts } from '../../src/engine/verdicts.ts';
import { drawSite } from '../builders/draw-site.ts';
import { drawTree } from '../builders/draw-tree.ts';
import { node, Site } from '../builders/site.ts';

const bounded = { timeout: 60_000 };
const seeds = fc.integer({ min: 0, max: 1_000_000 });

function waiting({ engine }: Site): TaskRecord[] {
  return [...engine.state.workloads()].flatMap((workload) =>
    workload.steps.flatMap((step) => step.tasks.filter((task) => task.state === 'waiting')),
  );
}

/** Whether a task of the workload starts at once on a copy in which all of its tasks ask for less. */
function startsOnCopy(site: Site, task: TaskRecord, less: Smaller): boolean {
  const snapshot = JSON.parse(takeSnapshot(site.engine.state));
  const { workload } = task.step;
  const saved = snapshot.workloads.find(({ id }: { id: string }) => id === workload.id);
  const spec = saved.spec.steps[task.step.index];
  if (less.kind === 'amounts') spec.request = less.request;
  else {
    delete spec.estimateMs;
    spec.limits.wallMs = less.runMaxMs;
    spec.limits.graceMs = 0;
  }
  const copy = site.engine.empty();
  restoreSnapshot(copy.state, JSON.stringify(snapshot));
  for (let e = copy.next(site.at); e !== undefined; e = copy.next(site.at)) {
    if (e.kind === 'task-placed' && e.attempt.startsWith(`${workload.id}.`)) return true;
    copy.apply(e);
  }
  return false;
}

test('with the smaller request that is suggested, a task starts at once', bounded, () => {
  const said = { amounts: 0, time: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const { site } = drawSite(seed);
      const verdicts = new Verdicts(site.engine.state, site.at);
      for (const task of waiting(site)) {
        const refusal = verdicts.of(task);
        const less = refusal && startsWithLess(site.engine.state, task, refusal, site.at);
        if (less === undefined) continue;
        // On the copy the quota would expect less of those that run, too, and let others go first.
        if (less.kind === 'time' && task.step.counts.running > 0) continue;
        said[less.kind]++;
        assert.ok(startsOnCopy(site, task, less), `${task.id}: ${JSON.stringify(less)}`);
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(said.amounts > 50, `${said.amounts} suggestions`);
  assert.ok(said.time > 0, `${said.time} suggestions of a time`);
});

test('when all runs as long as expected, tasks start when and after what was said', bounded, () => {
  let started = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { site } = drawSite(seed);
      const starts = projectStarts(site.engine, site.at)!;
      const ends = new Map([...site.running].map(([id, ask]) => [id, ask.runMs] as const));
      const known = new Map<string, number>();
      const expect = (id: string, runMs: number | undefined): void => {
        const { placedAt } = site.engine.state.attempt(id as never)!;
        if (runMs !== undefined && placedAt + runMs > site.now) known.set(id, placedAt + runMs);
      };
      for (const [id, runMs] of ends) expect(id, runMs);
      let after: string | undefined;
      for (let events = 0; events < 300; events++) {
        // How long a victim takes to stop is not what this is about.
        const { state } = site.engine;
        if ([...state.runningAttempts()].some(({ stop }) => stop !== undefined)) return;
        const [next] = [...known].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
        const timer = site.engine.nextTimer();
        if (next !== undefined && (timer === undefined || next[1] <= timer)) {
          known.delete(next[0]);
          site.now = Math.max(site.now, next[1]);
          if (!site.running.has(next[0] as never)) continue;
          site.end(next[0] as never);
          after = next[0];
        } else if (timer !== undefined && timer > site.now) {
          site.now = timer;
          after = undefined;
        } else break;
        for (const id of site.pass()) {
          const { task } = site.engine.state.attempt(id)!;
          if (task.attempts.length === 1 && starts.get(task.id)?.at !== undefined) {
            started++;
            assert.deepEqual(starts.get(task.id), { at: site.now, after }, task.id);
          }
          expect(id, site.asked(id).runMs);
        }
      }
    }),
    // First those that once failed: a submission makes a queue take back what it could not before; an end makes
    // another tenant the first of a strict queue; what was kept for others is theirs, and keeps nobody out any more.
    { numRuns: 100, examples: [[135_172], [541_567], [329_860]] },
  );
  assert.ok(started > 100, `${started} tasks started`);
});

test('tasks that share a verdict would each have been given the same', bounded, () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { site } = drawSite(seed);
      const { scheduler } = site.engine.state;
      const verdicts = new Verdicts(site.engine.state, site.at);
      for (const task of waiting(site)) {
        assert.deepEqual(verdicts.of(task), scheduler.refusal(task), task.id);
      }
    }),
    { numRuns: 100 },
  );
});

test('what queues are said to hold is what runs in them', bounded, () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { site, prng } = drawSite(seed);
      if (prng.chance(50)) site.restart();
      const { queues, leafOf } = describeScheduling(site.engine.state, site.at);
      const below = (leaf: string, name: string): boolean => {
        const parent = queues.find(({ config }) => config.name === leaf)!.parent;
        return leaf === name || (parent !== undefined && below(parent, name));
      };
      const attempts = [...site.engine.state.runningAttempts()];
      for (const { config, running, held, tenants, isLeaf } of queues) {
        const mine = attempts.filter(({ task }) =>
          below(leafOf(task.queue, task.tenant), config.name),
        );
        const sum = (of: (typeof attempts)[number]['placement']['held'][]) => ({
          cpu: of.reduce((n, { cpu }) => n + cpu, 0),
          memory: of.reduce((n, { memory }) => n + memory, 0),
          gpu: of.reduce((n, { gpu }) => n + gpu, 0),
        });
        assert.deepEqual(held, sum(mine.map(({ placement }) => placement.held)), config.name);
        assert.equal(running, mine.length);
        if (isLeaf)
          assert.equal(
            tenants.reduce((n, t) => n + t.running, 0),
            running,
          );
      }
    }),
    { numRuns: 100 },
  );
});

test('a state too large to copy is not looked ahead in', () => {
  const site = new Site(drawTree(new Prng(1)).scheduling, node('n'));
  site.submit({ count: 1_001 });
  assert.equal(projectStarts(site.engine, site.at), undefined);
});
