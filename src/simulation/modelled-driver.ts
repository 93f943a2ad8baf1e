import type { Prng } from '../base/prng.ts';
import { type SpanMs, spanMs, UNLIMITED } from '../base/units.ts';
import {
  type AttemptEnd,
  causeOfStop,
  type EndCause,
  type Enforcement,
  type StopReason,
} from '../model/attempt.ts';
import type { AttemptId, NodeId } from '../model/ids.ts';
import type { AttemptStart, Driver, KnownAttempt, Report } from '../runtime/ports.ts';
import type { Life } from './life.ts';
import type { TaskTruth, TruthOf } from './task-truth.ts';
import type { Revoke, Timeline } from './timeline.ts';

/** What happens to reports on their way. */
export interface ReportFaults {
  /** Of 100 reports. */
  readonly lost: number;
  readonly repeated: number;
  readonly lateMaxMs: number;
}
export const NO_REPORT_FAULTS: ReportFaults = { lost: 0, repeated: 0, lateMaxMs: 5 };

/** An end is told again until it is settled. */
const REPEAT_MS = spanMs(30_000);
const KNOWN_MAX_MS = 50;
/** From here on a report counts as late. */
const LATE_MS = 1_000;

const enforcement: Enforcement = {
  driver: 'simulated',
  cpu: 'none',
  memory: 'kernel',
  pids: 'none',
  notes: [],
};

interface Process {
  readonly start: AttemptStart;
  readonly truth: TaskTruth;
  readonly pid: number;
  /** Not while it stands in line. */
  begun: boolean;
  /** Takes over when this one has succeeded. */
  follower: Process | undefined;
  end: AttemptEnd | undefined;
  /** It was told to stop. */
  stopping: boolean;
  paused: boolean;
  readonly timers: Revoke[];
}

export interface ModelledDriverDeps {
  readonly timeline: Timeline;
  readonly prng: Prng;
  readonly truth: TruthOf;
  /** For the trace and the counts of faults. */
  readonly onFault: (
    fault: 'report lost' | 'report repeated' | 'report late',
    report: Report,
  ) => void;
}

/** Machines that run modelled processes and survive the daemon, behind the Driver port. */
export class ModelledDriver {
  readonly #deps: ModelledDriverDeps;
  readonly #processes = new Map<AttemptId, Process>();
  readonly #down = new Set<NodeId>();
  #connection: { readonly life: Life; readonly report: (report: Report) => void } | undefined;
  #pids = 100;
  faults: ReportFaults = NO_REPORT_FAULTS;
  /** How often a process was begun for each attempt: more than once is a bug of the loop. */
  readonly begun = new Map<AttemptId, number>();
  /** How each process truly ended. */
  readonly ends = new Map<AttemptId, AttemptEnd>();

  constructor(deps: ModelledDriverDeps) {
    this.#deps = deps;
  }

  /** The driver as one life of the daemon sees it. A later connection replaces the earlier one. */
  connect(life: Life, report: (report: Report) => void): Driver {
    this.#connection = { life, report };
    return {
      enforcement,
      start: (start) => {
        if (life.over) return;
        this.#start(start);
        life.reaches('while-acting');
      },
      stop: (attempt, reason, graceMs) => {
        if (life.over) return;
        this.#stop(attempt, reason, graceMs);
        life.reaches('while-acting');
      },
      adjust: (attempt) => {
        if (life.over) return;
        this.#told(attempt, 'limits');
        life.reaches('while-acting');
      },
      pin: (attempt) => {
        if (life.over) return;
        this.#told(attempt, 'cores');
        life.reaches('while-acting');
      },
      pause: (attempt) => {
        if (life.over) return;
        this.#pause(attempt);
        life.reaches('while-acting');
      },
      resume: (attempt) => {
        if (life.over) return;
        this.#resume(attempt);
        life.reaches('while-acting');
      },
      adopt: () => {},
      known: () =>
        new Promise((resolve) => {
          this.#deps.timeline.after(spanMs(this.#deps.prng.below(KNOWN_MAX_MS)), () => {
            if (!life.over) resolve(this.#known());
          });
        }),
      settle: (attempt) => {
        if (!life.over && this.#processes.get(attempt)?.end !== undefined) {
          this.#processes.delete(attempt);
        }
      },
      close: () => Promise.resolve(),
    };
  }

  /** Attempts with a process, in the order in which they were started. */
  running(): { readonly attempt: AttemptId; readonly stopping: boolean }[] {
    const running: { attempt: AttemptId; stopping: boolean }[] = [];
    for (const [attempt, { begun, end, stopping }] of this.#processes) {
      if (begun && end === undefined) running.push({ attempt, stopping });
    }
    return running;
  }

  /** Records that the daemon has not settled. */
  get unsettled(): number {
    return this.#processes.size;
  }

  /** Everything that ran there is gone, without a record of its end. */
  powerOff(node: NodeId): void {
    this.loseProcesses(node);
    this.#down.add(node);
  }

  powerOn(node: NodeId): void {
    this.#down.delete(node);
    for (const proc of this.#processes.values()) {
      if (proc.start.placement.node === node && proc.end !== undefined) this.#announce(proc);
    }
  }

  /** The launcher or the machine died under its tasks: no end was written, and `lost` is found. */
  loseProcesses(node: NodeId): void {
    for (const proc of this.#processes.values()) {
      if (proc.start.placement.node === node && proc.end === undefined) {
        this.#end(proc, proc.begun ? 'lost' : 'unstarted');
      }
    }
  }

  #start(start: AttemptStart): void {
    const { truth } = this.#deps;
    if (this.#down.has(start.placement.node) || this.#processes.has(start.attempt)) return;
    const proc: Process = {
      start,
      truth: truth(start),
      pid: this.#pids++,
      begun: false,
      follower: undefined,
      end: undefined,
      stopping: false,
      paused: false,
      timers: [],
    };
    this.#processes.set(start.attempt, proc);
    if (start.after === undefined) this.#begin(proc);
    else this.#lineUp(proc, this.#processes.get(start.after));
  }

  /** What is not known any more was settled, or never was: then nothing begins. */
  #lineUp(proc: Process, before: Process | undefined): void {
    if (before !== undefined && before.end === undefined) before.follower = proc;
    else if (before?.end?.cause === 'succeeded') this.#begin(proc);
    else this.#end(proc, 'unstarted');
  }

  #begin(proc: Process): void {
    const { timeline } = this.#deps;
    const { start } = proc;
    proc.begun = true;
    this.begun.set(start.attempt, (this.begun.get(start.attempt) ?? 0) + 1);
    if (proc.truth.outcome === 'start-failed') {
      this.#endAfter(proc, proc.truth.startMs, 'start-failed');
      return;
    }
    proc.timers.push(
      timeline.after(proc.truth.startMs, () => {
        this.#send({ kind: 'started', attempt: start.attempt, pid: proc.pid });
      }),
    );
    this.#endAfter(proc, ...natural(proc));
  }

  #stop(id: AttemptId, reason: StopReason, graceMs: SpanMs): void {
    const proc = this.#processes.get(id);
    if (proc === undefined || proc.end !== undefined) return;
    proc.stopping = true;
    if (!proc.begun) {
      this.#end(proc, 'unstarted');
      return;
    }
    this.#endAfter(proc, spanMs(Math.min(proc.truth.termMs, graceMs)), causeOfStop(reason));
  }

  #told(attempt: AttemptId, term: string): void {
    const proc = this.#processes.get(attempt);
    if (proc === undefined || proc.end !== undefined) return;
    this.#send({ kind: 'adjusted', attempt, terms: [{ term, by: 'kernel', note: 'modelled' }] });
  }

  /** It gets no further, and is neither done nor failed meanwhile; its time runs on. */
  #pause(id: AttemptId): void {
    const proc = this.#processes.get(id);
    if (proc === undefined || proc.end !== undefined || proc.paused) return;
    proc.paused = true;
    for (const revoke of proc.timers.splice(0)) revoke();
    const { wallMs } = proc.start.limits;
    if (!proc.stopping && wallMs !== UNLIMITED) this.#endAfter(proc, wallMs, 'timed-out');
    this.#told(id, 'pause');
  }

  #resume(id: AttemptId): void {
    const proc = this.#processes.get(id);
    if (proc === undefined || proc.end !== undefined || !proc.paused) return;
    proc.paused = false;
    for (const revoke of proc.timers.splice(0)) revoke();
    this.#endAfter(proc, ...natural(proc));
    this.#told(id, 'pause');
  }

  #known(): KnownAttempt[] {
    const known: KnownAttempt[] = [];
    for (const [attempt, { start, begun, pid, end }] of this.#processes) {
      if (this.#down.has(start.placement.node) || (!begun && end === undefined)) continue;
      if (end === undefined) known.push({ attempt, state: 'running', pid });
      else known.push({ attempt, state: end.cause === 'lost' ? 'lost' : 'ended', end });
    }
    return known;
  }

  #endAfter(proc: Process, span: SpanMs, cause: EndCause): void {
    proc.timers.push(this.#deps.timeline.after(span, () => this.#end(proc, cause)));
  }

  #end(proc: Process, cause: EndCause): void {
    if (proc.end !== undefined) return;
    for (const revoke of proc.timers) revoke();
    proc.end = {
      cause,
      ...(cause === 'failed' || cause === 'succeeded' ? { exitCode: proc.truth.exitCode } : {}),
      ...(cause === 'signalled' ? { signal: 'SIGSEGV' } : {}),
      usage: {},
      enforced: enforcement,
      ...(cause === 'succeeded' && proc.start.outputs && { outputs: proc.truth.outputs }),
    };
    this.ends.set(proc.start.attempt, proc.end);
    this.#announce(proc);
    const { follower } = proc;
    if (follower === undefined || follower.end !== undefined) return;
    if (cause === 'succeeded') this.#begin(follower);
    else this.#end(follower, 'unstarted');
  }

  #announce(proc: Process): void {
    const { attempt, placement } = proc.start;
    if (this.#processes.get(attempt) !== proc || this.#down.has(placement.node)) return;
    this.#send({ kind: 'ended', attempt, end: proc.end! });
    this.#deps.timeline.after(REPEAT_MS, () => this.#announce(proc));
  }

  #send(report: Report): void {
    const { prng, onFault } = this.#deps;
    if (prng.chance(this.faults.lost)) {
      onFault('report lost', report);
      return;
    }
    this.#deliver(report);
    if (prng.chance(this.faults.repeated)) {
      onFault('report repeated', report);
      this.#deliver(report);
    }
  }

  #deliver(report: Report): void {
    const { timeline, prng, onFault } = this.#deps;
    const lateMs = spanMs(prng.below(this.faults.lateMaxMs));
    if (lateMs > LATE_MS) onFault('report late', report);
    timeline.after(lateMs, () => {
      if (this.#connection?.life.over === false) this.#connection.report(report);
    });
  }
}

/** How it ends by itself: of its own accord, out of memory, or out of time. */
function natural({ start, truth }: Process): [SpanMs, EndCause] {
  const { startMs, runMs, memoryNeed, outcome } = truth;
  const { memory, wallMs } = start.limits;
  const oom = memory !== UNLIMITED && memory < memoryNeed;
  const [span, cause]: [number, EndCause] = oom
    ? [startMs + runMs / 2, 'oom-killed']
    : [startMs + runMs, outcome];
  return span > wallMs ? [wallMs, 'timed-out'] : [spanMs(Math.floor(span)), cause];
}
