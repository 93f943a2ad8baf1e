import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { WorkloadId } from '../src/model/ids.ts';
import { estimatesNamed } from '../src/simulation/estimates.ts';
import type { Observer } from '../src/simulation/observer.ts';
import { engineFor, policyNamed } from '../src/simulation/policies.ts';
import { simulate } from '../src/simulation/simulate.ts';
import type { Trace, TraceJob } from '../src/simulation/trace.ts';
import { swf } from '../src/simulation/traces/swf.ts';
import type { Bench } from './bench.ts';
import { cpuOf, rounded } from './cpu-time.ts';

/** A log on one machine of so many processors; `limit`: only so many of its first jobs. */
export function readLog(file: string, procs: number, limit: number): Trace {
  const raw = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1');
  const read = swf.read([{ file, text }], { procs, limit });
  if (!read.ok) throw new Error(read.issues[0]?.message ?? 'nothing to read');
  return read.trace;
}

/** Sums of the one figure that logs are compared by: max(1, (wait + run) / max(run, 10 s)); and of waits. */
class Slowdown implements Observer {
  readonly #jobs = new Map<string, TraceJob>();
  slowdown = 0;
  wait = 0;

  accepted(job: TraceJob, id: WorkloadId): void {
    this.#jobs.set(id, job);
  }

  happened(event: Parameters<NonNullable<Observer['happened']>>[0]): void {
    if (event.kind !== 'task-placed') return;
    const id = event.attempt.slice(0, event.attempt.indexOf('.'));
    const job = this.#jobs.get(id)!;
    this.#jobs.delete(id);
    const waited = (event.at - job.at) / 1000;
    const run = job.runMs / 1000;
    this.wait += waited;
    this.slowdown += Math.max(1, (waited + run) / Math.max(run, 10));
  }
}

/** The log on one machine, under a policy of `berth sim`. */
export function replaySwf(trace: Trace, policy: string, exact = false) {
  const named = policyNamed(policy);
  if ('why' in named) throw new Error(named.why);
  const slowdown = new Slowdown();
  const started = performance.now();
  let events = 0;
  const cpuMs = cpuOf(() => {
    ({ events } = simulate({
      trace,
      nodes: trace.nodes!,
      engine: engineFor(named.config),
      seed: 1,
      observers: [slowdown],
      ...(exact && { estimates: estimatesNamed.exact() }),
    }));
  });
  return {
    jobs: trace.count,
    avg_bounded_slowdown: slowdown.slowdown / trace.count,
    mean_wait_s: slowdown.wait / trace.count,
    events,
    seconds: rounded((performance.now() - started) / 1000),
    cpu_seconds: rounded(cpuMs / 1000),
  };
}

export const swfBench: Bench = {
  what: 'a parallel workload log under a policy  --log FILE --procs N [--policy easy] [--exact] [--limit N]',
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
    if (values.log === undefined || !(processors > 0))
      throw new Error('needs --log FILE, --procs N');
    const trace = readLog(values.log, processors, Number(values.limit));
    return replaySwf(trace, values.policy, values.exact);
  },
};
