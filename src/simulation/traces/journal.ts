import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { EndCause } from '../../model/attempt.ts';
import { type AttemptId, parseAttemptId, type TenantId, type WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { Node } from '../../model/node.ts';
import type { StepSpec, WorkloadSpec } from '../../model/workload.ts';
import { isOwnEnd } from '../own-ends.ts';
import type { TaskCourse, Trace, TraceJob } from '../trace.ts';
import { SkippedBook } from './skipped-book.ts';

export const JOURNAL_FORMAT = 'journal';

/** A window of a journal, and what it is called. */
export interface JournalWindow {
  readonly name?: string;
  /** Only what was submitted from then on; the nodes are those of then. Absent: from the first start of a task. */
  readonly from?: TimeMs;
  /** Only what was submitted before. */
  readonly until?: TimeMs;
}

/** Beyond, the trace of a journal is cut: specs are held in memory. */
const JOBS_MAX = 1_000_000;

/**
 * What people submitted to a site, from its journal. An attempt takes as long as it held its place, and ends as it did;
 * those that the site or somebody stopped early are not tried again, for another policy might have left them alone:
 * a task whose last attempts were all stopped, or that still runs at the end of the journal, takes as long as the
 * longest of these did, and succeeds. What had not started by the end, or never did, is left out and counted.
 *
 * A lease and a service are jobs that hold the same for as long; a service has as many replicas as it began with.
 * What people did to workloads later (cancel, adjust, scale) is not in a trace. `line` of what is skipped is the
 * number of the event.
 */
export function readJournal(events: Iterable<Event>, window: JournalWindow = {}): Trace {
  const reading = new JournalReading(window);
  for (const event of events) reading.hear(event);
  return reading.trace();
}

interface Submission {
  readonly id: WorkloadId;
  readonly at: TimeMs;
  readonly tenant: TenantId;
  readonly spec: WorkloadSpec;
  readonly number: number;
  /** By `<step>.<index>`. */
  readonly tasks: Map<string, TaskPast>;
}

interface TaskPast {
  /** Of attempts that ended of their own accord, in their order. */
  readonly own: TaskCourse[];
  /** Those after them that were stopped, and the longest of these. */
  stopped: number;
  stoppedMs: number;
  firstAt: number;
  lastAt: number;
}

class JournalReading {
  readonly #window: JournalWindow;
  readonly #submissions = new Map<WorkloadId, Submission>();
  readonly #spilledAt = new Map<WorkloadId, TimeMs>();
  readonly #nodes = new Map<string, Node>();
  #nodesThen: readonly Node[] | undefined;
  /** Attempts that run: since when they have their place. */
  readonly #since = new Map<AttemptId, TimeMs>();
  /** Which attempt takes over when this one succeeds. */
  readonly #next = new Map<AttemptId, AttemptId>();
  readonly #skipped = new SkippedBook();
  #number = 0;
  #now = 0 as TimeMs;

  constructor(window: JournalWindow) {
    this.#window = window;
  }

  hear(event: Event): void {
    this.#number++;
    const { from } = this.#window;
    if (from !== undefined && event.at >= from && this.#nodes.size > 0) this.#fixNodes();
    this.#now = event.at;
    switch (event.kind) {
      case 'node-joined':
        this.#nodes.set(event.node.id, event.node);
        break;
      case 'node-left':
        this.#nodes.delete(event.node);
        break;
      case 'workload-spilled':
        this.#spilledAt.set(event.workload, event.at);
        break;
      case 'spill-dropped':
        this.#spilledAt.delete(event.workload);
        break;
      case 'workload-submitted':
        this.#submit(event);
        break;
      case 'task-placed':
        if (event.at >= (from ?? 0)) this.#fixNodes();
        this.#since.set(event.attempt, event.at);
        break;
      case 'attempts-lined-up':
        this.#lineUp(event.behind, event.attempts);
        break;
      case 'task-ended':
        this.#end(event.attempt, event.end.cause);
        break;
      default:
        break;
    }
  }

  trace(): Trace {
    for (const [attempt, since] of this.#since) this.#stopped(attempt, this.#now - since);
    const jobs: TraceJob[] = [];
    for (const submission of this.#submissions.values()) {
      const job = jobOf(submission);
      if (job !== undefined) jobs.push(job);
      else this.#skipped.skip('it never started', submission.number);
    }
    jobs.sort((a, b) => a.at - b.at || Number(a.id) - Number(b.id));
    this.#fixNodes();
    return {
      name: this.#window.name ?? JOURNAL_FORMAT,
      format: JOURNAL_FORMAT,
      jobs,
      count: jobs.length,
      ...(this.#nodesThen!.length > 0 && { nodes: this.#nodesThen! }),
      skipped: this.#skipped.rows,
    };
  }

  #fixNodes(): void {
    this.#nodesThen ??= [...this.#nodes.values()];
  }

  #submit(event: Extract<Event, { kind: 'workload-submitted' }>): void {
    const { workload: id, tenant, spec } = event;
    const at = this.#spilledAt.get(id) ?? event.at;
    this.#spilledAt.delete(id);
    const { from = 0, until = Number.POSITIVE_INFINITY } = this.#window;
    if (at < from || at >= until) return;
    if (this.#submissions.size >= JOBS_MAX) {
      this.#skipped.skip(`more than ${JOBS_MAX} workloads`, this.#number);
      return;
    }
    const number = this.#number;
    this.#submissions.set(id, { id, at, tenant, spec: asJob(spec), number, tasks: new Map() });
  }

  #lineUp(behind: AttemptId, attempts: readonly AttemptId[]): void {
    let last = behind;
    for (const attempt of attempts) {
      this.#next.set(last, attempt);
      last = attempt;
    }
  }

  #end(attempt: AttemptId, cause: EndCause): void {
    const next = this.#next.get(attempt);
    this.#next.delete(attempt);
    const since = this.#since.get(attempt);
    this.#since.delete(attempt);
    if (next !== undefined && cause === 'succeeded') this.#since.set(next, this.#now);
    if (since === undefined) return;
    const tookMs = this.#now - since;
    if (isOwnEnd(cause)) this.#ended(attempt, tookMs, cause === 'succeeded');
    else this.#stopped(attempt, tookMs);
  }

  #ended(attempt: AttemptId, tookMs: number, succeeded: boolean): void {
    const past = this.#pastOf(attempt, tookMs);
    if (past === undefined) return;
    past.own.push({ runMs: tookMs as SpanMs, outcome: succeeded ? 'succeeded' : 'failed' });
    past.stopped = 0;
    past.stoppedMs = 0;
  }

  #stopped(attempt: AttemptId, tookMs: number): void {
    const past = this.#pastOf(attempt, tookMs);
    if (past === undefined) return;
    past.stopped++;
    past.stoppedMs = Math.max(past.stoppedMs, tookMs);
  }

  /** Undefined of workloads that are not in the window. */
  #pastOf(attempt: AttemptId, tookMs: number): TaskPast | undefined {
    const name = parseAttemptId(attempt);
    const submission = name === undefined ? undefined : this.#submissions.get(name.workload);
    if (name === undefined || submission === undefined) return undefined;
    const key = taskKey(name.step, name.index);
    let past = submission.tasks.get(key);
    if (past === undefined) {
      past = { own: [], stopped: 0, stoppedMs: 0, firstAt: this.#now - tookMs, lastAt: this.#now };
      submission.tasks.set(key, past);
    }
    past.lastAt = this.#now;
    return past;
  }
}

const taskKey = (step: string, index: number): string => `${step}.${index}`;

/** What nobody gives back and what is kept alive ends by itself in a trace; texts and tokens are of no use there. */
function asJob(spec: WorkloadSpec): WorkloadSpec {
  const { submittedBy: _, ...rest } = spec;
  const plain = { ...rest, source: '' };
  if (spec.kind !== 'lease' && spec.kind !== 'service') return plain;
  return {
    ...plain,
    kind: 'job',
    steps: spec.steps.map(({ service: _, ...step }): StepSpec => {
      const run = { kind: 'shell', script: 'true' } as const;
      return { ...step, run: step.run.kind === 'held' ? run : step.run };
    }),
    labels: { ...spec.labels, was: spec.kind },
  };
}

function jobOf({ id, at, tenant, spec, tasks }: Submission): TraceJob | undefined {
  if (tasks.size === 0) return undefined;
  const isKept = spec.labels['was'] === 'service';
  const courses = new Map<string, readonly TaskCourse[]>();
  for (const [key, past] of tasks) courses.set(key, isKept ? [keptFor(past)] : coursesOf(past));
  const all = [...courses.values()];
  const usual = all.reduce((most, each) => Math.max(most, each.at(-1)!.runMs), 0) as SpanMs;
  const job = { id, at, tenant, spec, runMs: usual };
  const isPlain = all.every(
    ([only, ...more]) =>
      more.length === 0 && only!.outcome === 'succeeded' && only!.runMs === usual,
  );
  if (isPlain) return job;
  return {
    ...job,
    truth: ({ step, index, attempt }) => {
      const own = courses.get(taskKey(step, index));
      // A task that never had its turn: as long as the others at most.
      if (own === undefined) return { runMs: usual, outcome: 'succeeded' };
      return own[Math.min(attempt, own.length) - 1]!;
    },
  };
}

const coursesOf = ({ own, stopped, stoppedMs }: TaskPast): readonly TaskCourse[] =>
  stopped === 0 ? own : [...own, { runMs: stoppedMs as SpanMs, outcome: 'succeeded' }];

const keptFor = ({ firstAt, lastAt }: TaskPast): TaskCourse => ({
  runMs: (lastAt - firstAt) as SpanMs,
  outcome: 'succeeded',
});
