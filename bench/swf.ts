import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { spanMs, timeMs } from '../src/base/units.ts';
import type { TenantId, WorkloadId } from '../src/model/ids.ts';
import type { Observer } from '../src/simulation/observer.ts';
import { engineFor, policyNamed } from '../src/simulation/policies.ts';
import { simulate } from '../src/simulation/simulate.ts';
import type { Trace, TraceJob } from '../src/simulation/trace.ts';
import { node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, rounded } from './cpu-time.ts';

/** Standard Workload Format, version 2: one job a line, 18 fields, `;` comments. In seconds. */
export interface SwfJob {
  readonly id: number;
  readonly submit: number;
  readonly run: number;
  readonly processors: number;
  readonly requested: number;
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
    jobs.push({ id: field[0]!, submit: field[1]!, run, processors, requested });
  }
  jobs.sort((a, b) => a.submit - b.submit || a.id - b.id);
  return jobs.slice(0, limit);
}

/** Jobs of one shape and estimate share a document, as those of the reader do. */
export function swfTrace(jobs: readonly SwfJob[], exact = false): Trace {
  const specs = new Map<string, TraceJob['spec']>();
  const specOf = ({ processors, requested, run }: SwfJob): TraceJob['spec'] => {
    const estimate = exact ? run : requested;
    const key = `${processors} ${estimate}`;
    let spec = specs.get(key);
    if (spec === undefined) {
      const request = resources({ cpu: processors * 1000, memory: 0 });
      spec = workload('swf', step('s', { request, estimateMs: spanMs(estimate * 1000) }));
      specs.set(key, spec);
    }
    return spec;
  };
  const traced = jobs.map((job, i) => ({
    id: String(i + 1),
    at: timeMs(job.submit * 1000),
    tenant,
    spec: specOf(job),
    runMs: spanMs(job.run * 1000),
  }));
  return { name: 'swf', format: 'swf', jobs: traced, count: jobs.length, skipped: [] };
}

const tenant = 'swf' as TenantId;

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
export function replaySwf(trace: Trace, processors: number, policy: string) {
  const named = policyNamed(policy);
  if ('why' in named) throw new Error(named.why);
  const slowdown = new Slowdown();
  const started = performance.now();
  let events = 0;
  const cpuMs = cpuOf(() => {
    ({ events } = simulate({
      trace,
      nodes: [node('machine', { cpu: processors * 1000, memory: 2 ** 50 })],
      engine: engineFor(named.config),
      seed: 1,
      observers: [slowdown],
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
    const jobs = readSwf(values.log, processors, Number(values.limit));
    return replaySwf(swfTrace(jobs, values.exact), processors, values.policy);
  },
};
