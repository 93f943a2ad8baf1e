import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import { EasyScheduler } from '../../src/scheduling/easy-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { completionMs, slowdown, waitMs } from '../../src/simulation/measures/job-columns.ts';
import { type MeasureOptions, RunMeasures } from '../../src/simulation/measures/run-measures.ts';
import { money } from '../builders/money.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';
import { runThrough, type TinyRun, traceJob } from './tiny-run.ts';

const S = 1_000;

function measured(run: Omit<TinyRun, 'observers'>, options: Partial<MeasureOptions> = {}) {
  const measures = new RunMeasures({ policy: 'p', seed: 1, ...options });
  const { journal } = runThrough({ ...run, observers: [measures] });
  return { document: measures.document(), result: measures.result(), journal };
}

const near = (got: number | null, want: number): void =>
  assert.ok(
    got !== null && Math.abs(got - want) <= 1e-9 * Math.max(1, Math.abs(want)),
    `${got} is not ${want}`,
  );

const cpuJob = (id: string, at: number, runMs: number, cpu: number, tenant = 'tester') => {
  const spec = workload(id, step('s', { request: resources({ cpu, memory: GIB }) }));
  return traceJob(id, at, runMs, spec, { tenant: tenant as TenantId });
};

test('two jobs, one after the other, worked out by hand', () => {
  const { document } = measured({
    nodes: [node('n', { cpu: 4_000, memory: 8 * GIB })],
    jobs: [cpuJob('a', 10 * S, 100 * S, 4_000), cpuJob('b', 20 * S, 5 * S, 2_000)],
  });
  assert.equal(document.jobs, 2);
  // b waits 90 s and runs 5 s, of which 10 s count: 9.5; a waits for nothing.
  near(document.avg_bounded_slowdown, (1 + 9.5) / 2);
  near(document.mean_wait_s, 45);
  near(document.p50_wait_s, 45);
  near(document.mean_jct_s, (100 + 95) / 2);
  near(document.makespan_s, 105);
  near(document.allocation.cpu, (4 * 100 + 2 * 5) / (4 * 105));
  near(document.allocation.memory, 1 / 8);
  assert.equal(document.allocation.gpu, null);
  assert.deepEqual(document.utilisation, document.allocation);
  near(document.queue_length.mean, 90 / 105);
  assert.equal(document.queue_length.max, 1);
  assert.equal(document.energy_kwh, null);
  assert.equal(document.money_dollars, null);
  assert.equal(document.started_in_time, null);
  assert.equal(document.unfinished, 0);
});

test('tasks that wait are counted while they do', () => {
  const request = resources({ cpu: 4_000 });
  const spec = workload('a', step('s', { request, count: 4 }));
  const { document } = measured({
    nodes: [node('n', { cpu: 4_000 })],
    jobs: [traceJob('a', 0, 10 * S, spec)],
  });
  const waiting = document.series.tasks_waiting;
  const { step_s } = document.series;
  assert.deepEqual(
    waiting,
    waiting.map((_, i) => 3 - Math.floor((i * step_s) / 10)),
  );
  assert.equal(waiting.length, 40);
  assert.deepEqual(new Set(document.series.tasks_running), new Set([1]));
  assert.equal(document.fairness.share_error, 0);
});

test('work that is cut short is lost, and counts in no utilisation', () => {
  const retry = { ...step('s').retry, maxRetries: 3, backoffMs: spanMs(1) };
  const spec = workload('a', step('s', { request: resources({ cpu: 2_000 }), retry }));
  const { document } = measured({
    nodes: [node('n', { cpu: 4_000 })],
    jobs: [traceJob('a', 0, 100 * S, spec)],
    also: [{ kind: 'cut', at: 30 * S, attempt: '1.s.0.1', cause: 'lost' }],
  });
  assert.equal(document.interruptions['node-lost'], 1);
  near(document.lost_work.cpu_hours, (2 * 30) / 3_600);
  near(document.overhead.cpu_hours, 0);
  const spanS = document.makespan_s!;
  assert.ok(spanS >= 130 && spanS < 135, `${spanS}`);
  near(document.allocation.cpu, (2 * 130) / (4 * spanS));
  near(document.utilisation.cpu, (2 * 100) / (4 * spanS));
  assert.equal(document.by.queue[0]!.interruptions, 1);
  near(document.by.queue[0]!.lost_work.cpu_hours, (2 * 30) / 3_600);
});

test('what was saved is not lost: the next attempt is shorter', () => {
  const retry = { ...step('s').retry, maxRetries: 3, backoffMs: spanMs(1) };
  const spec = workload('a', step('s', { request: resources({ cpu: 1_000 }), retry }));
  const job = traceJob('a', 0, 100 * S, spec);
  const measures = new RunMeasures({ policy: 'p', seed: 1 });
  // As a model of checkpoints has it: 25 s of 30 were saved, so that it runs for 75 s more.
  runThrough({
    nodes: [node('n', { cpu: 4_000 })],
    jobs: [job],
    observers: [measures],
    runsFor: ({ number }) => (number === 1 ? 100 * S : 75 * S),
    also: [{ kind: 'cut', at: 30 * S, attempt: '1.s.0.1', cause: 'lost' }],
  });
  near(measures.document().lost_work.cpu_hours, 5 / 3_600);
});

test('a job that its trace lets fail is no loss, one that the site gave up is', () => {
  const fails = traceJob('a', 0, 10 * S, workload('a', step('s')), {
    truth: () => ({ runMs: spanMs(10 * S), outcome: 'failed' }),
  });
  const { document, result } = measured({
    nodes: [node('n', { cpu: 4_000 })],
    jobs: [fails, traceJob('b', 0, 20 * S, workload('b', step('s')))],
    also: [{ kind: 'cut', at: 5 * S, attempt: '2.s.0.1', cause: 'failed' }],
  });
  assert.equal(document.lost_jobs, 1);
  assert.equal(document.interruptions.failed, 1);
  near(document.lost_work.cpu_hours, 5 / 3_600);
  assert.deepEqual([...result.jobs.state], [2, 3]);
  near(document.mean_jct_s, 10);
});

test('refused and unfinished jobs are counted, and in no mean', () => {
  const { document, result } = measured({
    nodes: [node('n', { cpu: 4_000 })],
    jobs: [
      cpuJob('big', 0, S, 8_000),
      cpuJob('a', 0, 50 * S, 4_000),
      cpuJob('b', 0, 100 * S, 4_000),
      cpuJob('c', 0, 100 * S, 4_000),
    ],
    until: 100 * S,
  });
  const refused = document.refused;
  assert.equal(refused + document.jobs, 4);
  assert.equal(document.unfinished, refused === 1 ? 2 : 3);
  assert.equal(result.jobs.count, 4);
  near(document.mean_jct_s, 50);
  near(document.mean_wait_s, 25);
});

test('energy: idle nodes and what is held', () => {
  const power = () => ({ idleW: 100, maxW: 300, gpuIdleW: 50, gpuMaxW: 250 });
  const request = resources({ cpu: 2_000, gpu: 1_000 });
  const job = traceJob('a', 0, 3_600 * S, workload('a', step('s', { request })));
  const site = { nodes: [node('n', { cpu: 4_000, gpus: 2 })], jobs: [job] };
  // 100 + 2 × 50 idle, and half of 200 W and one GPU's 200 W beside that.
  const { document } = measured(site, { power });
  near(document.energy_kwh, 0.5);
  near(document.by.tenant[0]!.energy_kwh, 0.3);
  // Nobody knows of the GPUs: nobody knows of the site.
  const half = measured(site, { power: () => ({ idleW: 100, maxW: 300 }) });
  assert.equal(half.document.energy_kwh, null);
});

test('money is what the engine charges', () => {
  const { document } = measured({
    nodes: [node('n', { cpu: 4_000, gpus: 1 })],
    jobs: [cpuJob('a', 0, 1_800 * S, 2_000), cpuJob('b', 0, 3_600 * S, 1_000, 'other')],
    options: { money: money() },
  });
  near(document.money_dollars, 2);
  assert.deepEqual(
    document.by.tenant.map(({ name, money_dollars }) => [name, money_dollars]),
    [
      ['other', 1],
      ['tester', 1],
    ],
  );
});

test('deadlines, and starts in time', () => {
  const due = (id: string, deadlineAt: number) => {
    const spec = workload(id, step('s', { request: resources({ cpu: 4_000 }) }));
    return traceJob(id, 0, 50 * S, { ...spec, deadlineAt: timeMs(deadlineAt) });
  };
  const { document } = measured(
    {
      nodes: [node('n', { cpu: 4_000 })],
      jobs: [due('a', 60 * S), due('b', 110 * S), due('c', 120 * S)],
    },
    { startWithinMs: 60 * S },
  );
  assert.deepEqual(document.deadlines, { of: 3, met: 2 });
  assert.deepEqual(document.started_in_time, { of: 3, met: 2, within_s: 60 });
});

test('fairness: who holds everything, and who is kept waiting', () => {
  const { document } = measured({
    nodes: [node('n', { cpu: 4_000 })],
    jobs: [cpuJob('a', 0, 1_000 * S, 4_000, 'greedy'), cpuJob('b', 0, 1_000 * S, 4_000, 'patient')],
  });
  // For 1,000 s one holds all and the other, entitled to half, nothing; then the other has all it wants.
  near(document.fairness.share_error, 0.25);
  const [greedy, patient] = document.by.tenant;
  near(greedy!.held_share!, 0.5);
  near(patient!.held_share!, 0.5);
  // Alone on half of the site, each would take 2,000 s. Beside b, a had half; b had half, then all.
  near(greedy!.mean_finish_ratio, 0.5);
  near(patient!.mean_finish_ratio, 2_000 / (1_000 * 1.5));
  near(document.fairness.finish_time.above_1, 0.5);
});

test('who has more weight is entitled to more', () => {
  const jobs = ['heavy', 'light'].flatMap((tenant) =>
    [1, 2, 3, 4].map((n) => cpuJob(`${tenant}${n}`, 0, 100 * S, 1_000, tenant)),
  );
  const weightOf = (tenant: TenantId): number => (tenant === 'heavy' ? 3 : 1);
  const { document } = measured({ nodes: [node('n', { cpu: 4_000 })], jobs }, { weightOf });
  // In order of submission heavy has all, then light has all: for 100 s light misses its quarter.
  near(document.fairness.share_error, 0.25 / 2);
  const light = document.by.tenant.find(({ name }) => name === 'light')!;
  near(light.entitled_share!, (0.25 + 1) / 2);
});

test('the same run says the same, and its result may go to another thread', () => {
  const jobs = Array.from({ length: 40 }, (_, i) =>
    cpuJob(`${i}`, i * 7_000, (20 + (i % 9) * 10) * S, 1_000 * (1 + (i % 4)), `t${i % 3}`),
  );
  const site = { nodes: [node('n', { cpu: 4_000 })], jobs };
  const first = measured(site).result;
  assert.equal(JSON.stringify(measured(site).document), JSON.stringify(first.document));
  assert.deepEqual(structuredClone(first), first);
});

test('idle GPU that typical demand cannot use is a fragment', () => {
  const share = (id: string, gpu: number) =>
    traceJob(id, 0, 100 * S, workload(id, step('s', { request: resources({ gpu }) })));
  const { document } = measured({
    nodes: [node('n', { cpu: 8_000, gpus: 1 })],
    // Two of 600 each do not fit on one device: beside the first, 400 are of no use to anybody.
    jobs: [share('a', 600), share('b', 600)],
  });
  near(document.fragmentation.gpu, 0.4);
  near(document.fragmentation.gpu_of_idle, 1);
});

const shapes = fc.record({
  at: fc.integer({ min: 0, max: 300 }),
  run: fc.integer({ min: 0, max: 120 }),
  cpu: fc.integer({ min: 1, max: 8 }),
  gpu: fc.constantFrom(0, 0, 250, 1_000, 2_000),
  count: fc.integer({ min: 1, max: 4 }),
  maxParallel: fc.integer({ min: 1, max: 4 }),
  tenant: fc.constantFrom('ann', 'bob', 'cyd'),
  chained: fc.boolean(),
});
const cuts = fc.record({
  at: fc.integer({ min: 1, max: 400 }),
  workload: fc.integer({ min: 1, max: 12 }),
  cause: fc.constantFrom('lost', 'failed', 'preempted', 'cancelled'),
});

test('the integrals and the waits are those of a second set of books, kept from the events alone', () => {
  fc.assert(
    fc.property(
      fc.array(shapes, { minLength: 1, maxLength: 12 }),
      fc.array(cuts, { maxLength: 6 }),
      (drawn, cut) => {
        const retry = { ...step('s').retry, maxRetries: 1, backoffMs: spanMs(1_500) };
        const jobs = drawn
          .toSorted((a, b) => a.at - b.at)
          .map(({ at, run, cpu, gpu, count, maxParallel, tenant, chained }, i) => {
            const request = resources({ cpu: cpu * 500, memory: cpu * 2 ** 20, gpu });
            const first = step('s', { request, count, maxParallel, retry });
            const steps = chained ? [first, step('t', { needs: ['s'], request })] : [first];
            const of = { tenant: tenant as TenantId };
            return traceJob(`${i}`, at * S, run * S, workload(`${i}`, ...steps), of);
          });
        const { document, result, journal } = measured({
          nodes: [node('n', { cpu: 4_000, gpus: 2 }), node('m', { cpu: 4_000, gpus: 1 })],
          jobs,
          also: [
            ...cut.map(({ at, workload: id, cause }) =>
              cause === 'cancelled'
                ? {
                    kind: 'cancel' as const,
                    at: timeMs(at * S),
                    workload: String(id) as WorkloadId,
                    by: 'ann' as TenantId,
                  }
                : {
                    kind: 'cut' as const,
                    at: at * S,
                    attempt: `${id}.s.0.1`,
                    cause: cause as 'lost',
                  },
            ),
            { kind: 'leave-node', at: timeMs(150 * S), node: 'm' as never },
            { kind: 'join-node', at: timeMs(250 * S), node: node('m', { cpu: 4_000, gpus: 1 }) },
          ],
        });
        const placed = new Map<string, { at: number; cpu: number; gpu: number }>();
        const submitted = new Map<string, number>();
        const started = new Map<string, number>();
        let [cpuMs, gpuMs, until, completions, done] = [0, 0, 0, 0, 0];
        for (const event of journal) {
          if (event.kind === 'workload-submitted') submitted.set(event.workload, event.at);
          if (event.kind === 'task-placed') {
            const id = event.attempt.split('.')[0]!;
            if (!started.has(id)) started.set(id, event.at);
            placed.set(event.attempt, { at: event.at, ...event.placement.held });
          }
          if (event.kind === 'task-ended') {
            const { at, cpu, gpu } = placed.get(event.attempt)!;
            cpuMs += cpu * (event.at - at);
            gpuMs += gpu * (event.at - at);
          }
          if (event.kind === 'workload-ended') {
            until = event.at;
            if (event.state === 'succeeded') {
              completions += event.at - submitted.get(event.workload)!;
              done++;
            }
          }
        }
        const from = Math.min(...submitted.values());
        const away = Math.max(0, Math.min(until, 250 * S) - Math.max(from, 150 * S));
        const cpu = cpuMs / (8_000 * (until - from) - 4_000 * away);
        if (until > from) {
          near(document.allocation.cpu, cpu);
          near(document.allocation.gpu, gpuMs / (3_000 * (until - from) - 1_000 * away));
          assert.ok(document.utilisation.cpu! <= document.allocation.cpu! + 1e-12);
          assert.ok(document.utilisation.cpu! >= 0);
        }
        let waited = 0;
        for (const [id, at] of started) waited += at - submitted.get(id)!;
        if (started.size > 0) near(document.mean_wait_s, waited / started.size / S);
        if (done > 0) near(document.mean_jct_s, completions / done / S);
        // Parts add up to the whole.
        for (const rows of Object.values(document.by)) {
          near(rows.reduce((sum, row) => sum + row.held.cpu_hours, 0) * 3_600_000 * 1_000, cpuMs);
          assert.equal(
            rows.reduce((sum, row) => sum + row.jobs, 0),
            document.jobs,
          );
        }
        const { jobs: columns } = result;
        for (let job = 0; job < columns.count; job++) {
          if (columns.state[job] !== 2) continue;
          assert.ok(waitMs(columns, job) <= completionMs(columns, job));
          assert.ok(slowdown(columns, job) >= 1);
          assert.ok(columns.finishRatio[job]! >= 0);
        }
      },
    ),
    { numRuns: 80 },
  );
});

const kth = join(
  process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data'),
  'swf/KTH-SP2-1996-2.1-cln.swf.gz',
);

test('the published figures of KTH-SP2 under EASY', { skip: !existsSync(kth) }, () => {
  const measures = new RunMeasures({ policy: 'easy', seed: 1 });
  const lines = gunzipSync(readFileSync(kth)).toString('latin1').split('\n');
  const jobs = lines
    .filter((line) => !line.startsWith(';') && line.trim() !== '')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([id, submit, , ran, allocated, , , asked, requested]) => {
      const processors = asked! > 0 ? asked! : allocated!;
      const limit = requested! > 0 ? requested! : ran!;
      const run = Math.min(ran!, limit);
      return { id: id!, submit: submit!, run, processors, limit };
    })
    .filter(({ run, processors }) => run > 0 && processors > 0 && processors <= 100)
    .sort((a, b) => a.submit - b.submit || a.id - b.id)
    .slice(0, 1_000)
    .map(({ id, submit, run, processors, limit }) => {
      const request = resources({ cpu: processors * 1_000, memory: 0 });
      const spec = workload('swf', step('s', { request, estimateMs: spanMs(limit * S) }));
      return traceJob(String(id), submit * S, run * S, spec);
    });
  runThrough({
    nodes: [node('machine', { cpu: 100_000, memory: 2 ** 50 })],
    jobs,
    observers: [measures],
    scheduler: (deps) =>
      new EasyScheduler(deps, firstFit, { backfill: 'queue-order', depth: 1_000_000 }),
  });
  const { avg_bounded_slowdown, mean_wait_s } = measures.document();
  assert.equal(avg_bounded_slowdown!.toFixed(2), '41.14');
  assert.equal(mean_wait_s!.toFixed(1), '2834.6');
});
