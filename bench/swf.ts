import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Heap } from '../src/base/heap.ts';
import { type SpanMs, type TimeMs, timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import type { MakeScheduler } from '../src/engine/engine-options.ts';
import type { AttemptEnd } from '../src/model/attempt.ts';
import type { AttemptId, TenantId } from '../src/model/ids.ts';
import type { Command, Event } from '../src/model/messages.ts';
import { ConservativeScheduler } from '../src/scheduling/conservative-scheduler.ts';
import { EasyScheduler } from '../src/scheduling/easy-scheduler.ts';
import { firstFit } from '../src/scheduling/scorers/first-fit.ts';
import { node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';

/** Standard Workload Format, version 2: one job a line, 18 fields, `;` comments. */
export interface SwfJob {
  readonly id: number;
  readonly user: string;
  readonly submitMs: number;
  readonly runMs: number;
  readonly processors: number;
  readonly requestedMs: number;
}

export function readSwf(file: string, processorsMax: number, limit: number): SwfJob[] {
  const raw = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1');
  const jobs: SwfJob[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith(';') || line.trim() === '') continue;
    const field = line.trim().split(/\s+/).map(Number);
    const processors = field[7]! > 0 ? field[7]! : field[4]!;
    const requested = field[8]! > 0 ? field[8]! : field[3]!;
    const run = Math.min(field[3]!, requested);
    if (run <= 0 || processors <= 0 || processors > processorsMax) continue;
    jobs.push({
      id: field[0]!,
      user: String(field[11]!),
      submitMs: field[1]! * 1000,
      runMs: run * 1000,
      processors,
      requestedMs: requested * 1000,
    });
  }
  jobs.sort((a, b) => a.submitMs - b.submitMs || a.id - b.id);
  return jobs.slice(0, limit);
}

const policies = {
  fcfs: 'none',
  easy: 'queue-order',
  'easy-sjbf': 'shortest-first',
  conservative: 'all',
} as const;

/** As many as wait: the published figures plan and backfill without a bound. */
const DEPTH = 1_000_000;

function schedulerOf(policy: keyof typeof policies): MakeScheduler {
  const backfill = policies[policy];
  return (deps) =>
    backfill === 'all'
      ? new ConservativeScheduler(deps, firstFit, { depth: DEPTH })
      : new EasyScheduler(deps, firstFit, { backfill, depth: DEPTH });
}

const ended: AttemptEnd = {
  cause: 'succeeded',
  usage: {},
  enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
};

/** Runs the log through the engine in virtual time: at one instant ends first, then arrivals, then one pass. */
export function replaySwf(
  jobs: readonly SwfJob[],
  processors: number,
  policy: keyof typeof policies,
  exact: boolean,
) {
  const engine = new Engine(
    { tasksMax: 10_000_000, endedMax: 100 },
    { scheduler: schedulerOf(policy) },
  );
  const ends = new Heap<{ at: number; attempt: AttemptId; job: number }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.job < b.job),
  );
  const startedAt = new Float64Array(jobs.length);
  const apply = (event: Event): void => {
    engine.apply(event);
    if (event.kind !== 'task-placed') return;
    const job = Number.parseInt(event.attempt, 10) - 1;
    startedAt[job] = event.at;
    ends.push({ at: event.at + jobs[job]!.runMs, attempt: event.attempt, job });
  };
  const send = (command: Command): void => {
    engine.decide(command).events.forEach(apply);
  };
  send({
    kind: 'join-node',
    at: timeMs(0),
    node: node('machine', { cpu: processors * 1000, memory: 2 ** 50 }),
  });
  let arrived = 0;
  while (arrived < jobs.length || ends.size > 0) {
    const now = Math.min(
      jobs[arrived]?.submitMs ?? Number.POSITIVE_INFINITY,
      ends.peek()?.at ?? Number.POSITIVE_INFINITY,
    ) as TimeMs;
    while (ends.peek()?.at === now) {
      send({ kind: 'report-ended', at: now, attempt: ends.pop().attempt, end: ended });
    }
    while (jobs[arrived]?.submitMs === now) {
      const job = jobs[arrived++]!;
      const estimateMs = (exact ? job.runMs : job.requestedMs) as SpanMs;
      const request = resources({ cpu: job.processors * 1000, memory: 0 });
      send({
        kind: 'submit',
        at: now,
        tenant,
        spec: workload('swf', step('s', { request, estimateMs })),
      });
    }
    for (let e = engine.next(now); e !== undefined; e = engine.next(now)) apply(e);
  }
  return startedAt;
}

const tenant = 'swf' as TenantId;

export const swfBench: Bench = {
  what: 'a parallel workload log under a policy  --log FILE --procs N --policy fcfs|easy|easy-sjbf|conservative [--exact] [--limit N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        log: { type: 'string' },
        procs: { type: 'string' },
        policy: { type: 'string', default: 'easy' },
        limit: { type: 'string', default: '1000000000' },
        exact: { type: 'boolean', default: false },
      },
    });
    const processors = Number(values.procs);
    if (values.log === undefined || !(processors > 0) || !(values.policy in policies)) {
      throw new Error('needs --log FILE, --procs N and a known --policy');
    }
    const jobs = readSwf(values.log, processors, Number(values.limit));
    const started = performance.now();
    const startedAt = replaySwf(
      jobs,
      processors,
      values.policy as keyof typeof policies,
      values.exact,
    );
    const seconds = (performance.now() - started) / 1000;
    let slowdown = 0;
    let wait = 0;
    jobs.forEach((job, i) => {
      const waited = (startedAt[i]! - job.submitMs) / 1000;
      const run = job.runMs / 1000;
      wait += waited;
      slowdown += Math.max(1, (waited + run) / Math.max(run, 10));
    });
    return {
      jobs: jobs.length,
      avg_bounded_slowdown: slowdown / jobs.length,
      mean_wait_s: wait / jobs.length,
      seconds,
    };
  },
};
