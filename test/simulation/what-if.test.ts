import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SpanMs } from '../../src/base/units.ts';
import { projectStarts } from '../../src/engine/projection.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { QueueConfig } from '../../src/model/scheduling-config.ts';
import {
  ASSUMED_MS,
  ExpectedTimes,
  knownTimes,
} from '../../src/simulation/what-if/expected-times.ts';
import { runForward } from '../../src/simulation/what-if/run-forward.ts';
import { whatIf } from '../../src/simulation/what-if/what-if.ts';
import { drawnSite } from '../builders/drawn-site.ts';
import { type Ask, config, node, queueConfig, Site, specOf } from '../builders/site.ts';

const RUNS = 60;
const MINUTE = 60_000;

/** One node of one core, and these waiting for it. */
function oneCore(asks: readonly Ask[], queues: readonly QueueConfig[] = [queueConfig('default')]) {
  const site = new Site(config(queues), node('n', { cpu: 1000 }));
  site.now = 1_000_000;
  for (const ask of asks) assert.equal(site.submit(ask), undefined);
  site.pass();
  return site;
}

const minutes = (count: number, rest: Ask = {}): Ask => ({ runMs: count * MINUTE, ...rest });
const starts = (jobs: readonly { readonly startAt?: number | undefined }[], from: number) =>
  jobs.map(({ startAt }) => (startAt === undefined ? 'never' : (startAt - from) / MINUTE));

test('what does not change anything changes nothing, and twice the same is asked twice the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const site = drawnSite(seed);
      site.pass();
      const was = takeSnapshot(site.engine.state);
      const ask = () =>
        whatIf(site.engine, { at: site.at, changes: [], engine: () => site.fresh() });
      const answer = ask();
      assert.deepEqual(ask(), answer);
      assert.equal(takeSnapshot(site.engine.state), was, 'the live state is as it was');
      for (const job of answer.jobs) {
        assert.deepEqual(job.before, job.after, `job ${job.id} under the same configuration`);
      }
      assert.equal(answer.total.sooner + answer.total.later, 0);
    }),
    { numRuns: RUNS },
  );
});

test('where all run times are known, it starts whom the look ahead starts, and then', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const site = drawnSite(seed, 'all');
      site.pass();
      const { engine, at } = site;
      const times = new ExpectedTimes(knownTimes([]));
      const until = (site.now + 2e9) as typeof at;
      const rest = { changes: [], until, eventsMax: 100_000 };
      const { jobs } = runForward({ engine: engine.fork(), at, times, ...rest });
      for (const [task, start] of projectStarts(engine, at)!) {
        const id = task.slice(0, task.indexOf('.')) as WorkloadId;
        assert.equal(jobs.get(id)!.startAt, start.at, task);
        compared++;
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(compared > RUNS, 'something waited');
});

test('a node that comes, one that goes, a cancelled and a submitted job', () => {
  const site = oneCore([minutes(10), minutes(10), minutes(5)]);
  const ask = (...changes: Parameters<typeof whatIf>[1]['changes']) => {
    const { jobs, total } = whatIf(site.engine, { at: site.at, changes });
    const at = (when: 'before' | 'after') =>
      starts(
        jobs.flatMap((job) => job[when] ?? []),
        site.now,
      );
    return { before: at('before'), after: at('after'), total };
  };
  const by = 'ada' as TenantId;
  const more = ask({ kind: 'add-node', node: node('m', { cpu: 1000 }) });
  assert.deepEqual(more.before, [0, 10, 20]);
  assert.deepEqual(more.after, [0, 0, 10]);
  assert.equal(more.total.sooner, 2);
  assert.equal(more.total.waitBefore, 15 * MINUTE);
  assert.equal(more.total.waitAfter, 5 * MINUTE);
  const less = ask({ kind: 'cancel', workload: '2' as WorkloadId, by });
  assert.deepEqual(less.after, [0, 'never', 10]);
  const spec = { ...specOf(minutes(7)), priority: 5 };
  const urgent = ask({ kind: 'submit', tenant: by, spec });
  assert.deepEqual(urgent.after, [0, 17, 27, 10], 'the fourth goes first');
  assert.equal(urgent.total.later, 2);
  const gone = ask({ kind: 'lose-node', node: 'n' as NodeId });
  assert.deepEqual(gone.after, [0, 'never', 'never']);
  assert.equal(gone.total.neverAfter, 2);
});

test('a change of weight shows in waits and shares of who has it', () => {
  const queues = (train: number) => [
    queueConfig('train', { weight: train }),
    queueConfig('spare', { weight: 1 }),
  ];
  const asks = Array.from({ length: 12 }, (_, i) =>
    minutes(10, { queue: i < 6 ? 'spare' : 'train', tenant: i < 6 ? 'ada' : 'eve' }),
  );
  const site = new Site(config(queues(1)), node('n', { cpu: 4000 }));
  site.now = 1_000_000;
  for (const ask of asks) assert.equal(site.submit(ask), undefined);
  site.pass();
  const other = new Site(config(queues(3)));
  const answer = whatIf(site.engine, { at: site.at, changes: [], engine: () => other.fresh() });
  const of = (name: string) => answer.queues.find((queue) => queue.name === name)!;
  assert.ok(of('train').waitAfter! < of('train').waitBefore!);
  assert.ok(of('spare').waitAfter! > of('spare').waitBefore!);
  assert.ok(of('train').shareAfter > of('train').shareBefore);
  assert.ok(Math.abs(of('train').shareAfter + of('spare').shareAfter - 1) < 1e-9);
  assert.equal(answer.tenants.find(({ name }) => name === 'eve')!.sooner, of('train').sooner);
  assert.equal(answer.doneAfter, answer.doneBefore, 'the same work on the same machine');
  assert.deepEqual(answer.sensitivity, [], 'everything is known');
});

test('run times: what is estimated, what its like took, what is limited, and what is assumed', () => {
  const site = oneCore([minutes(10), {}, { wallMs: 30 * MINUTE }, {}]);
  const origins = () =>
    whatIf(site.engine, { at: site.at, changes: [] }).jobs.map(({ origin }) => origin);
  assert.deepEqual(origins(), ['estimate', 'assumed', 'limit', 'assumed']);
  const { assumedMs, after, sensitivity } = whatIf(site.engine, { at: site.at, changes: [] });
  assert.equal(assumedMs, ASSUMED_MS);
  assert.deepEqual(after.origins, { true: 0, estimate: 1, history: 0, limit: 1, assumed: 2 });
  assert.deepEqual(
    sensitivity.map(({ factor, waitAfter }) => [factor, waitAfter]),
    [
      [0.5, ((10 + 40 + 55) / 3) * MINUTE],
      [2, ((10 + 130 + 190) / 3) * MINUTE],
    ],
  );
  site.now += 4 * MINUTE;
  const [first] = site.running.keys();
  site.end(first!);
  site.pass();
  assert.deepEqual(origins(), ['history', 'history', 'history'], 'all are called the same');
});

test('what runs longer than it was expected to is assumed to run as long again, and told apart', () => {
  const site = oneCore([minutes(10), minutes(10)]);
  site.now += 30 * MINUTE;
  const { jobs } = whatIf(site.engine, { at: site.at, changes: [] });
  assert.deepEqual(
    starts(
      jobs.map(({ after }) => after!),
      1_000_000,
    ),
    [0, 60],
  );
  assert.deepEqual(
    jobs.map(({ origin }) => origin),
    ['assumed', 'estimate'],
  );
});

test('it goes no further than it may, and says so', () => {
  const site = oneCore([minutes(10), minutes(10), minutes(10)]);
  const near = whatIf(site.engine, {
    at: site.at,
    changes: [],
    horizonMs: (15 * MINUTE) as SpanMs,
  });
  assert.equal(near.after.cut, 'horizon');
  assert.equal(near.total.neverAfter, 1);
  assert.equal(near.doneAfter, undefined);
  const few = whatIf(site.engine, { at: site.at, changes: [], eventsMax: 3 });
  assert.equal(few.after.cut, 'events');
});

test('a change that is refused is told, and the others are made', () => {
  const site = oneCore([minutes(10), minutes(10)]);
  const { after } = whatIf(site.engine, {
    at: site.at,
    changes: [
      { kind: 'submit', tenant: 'ada' as TenantId, spec: specOf({ cpu: 64 }) },
      { kind: 'cancel', workload: '2' as WorkloadId, by: 'ada' as TenantId },
    ],
  });
  assert.deepEqual(
    after.refused.map(({ change, refusal }) => [change, refusal.code]),
    [[0, 'never-fits']],
  );
  assert.equal(after.jobs.get('2' as WorkloadId)!.startAt, undefined);
});
