import type { AttemptDocument, StepDocument, WorkloadDocument } from '../api/contract/documents.ts';

/** A time in which one thing went on. Children lie within their parents. */
export interface Span {
  /** Unique in the trace, and the same whenever it is made. */
  readonly id: string;
  readonly parent: string | undefined;
  readonly kind: 'workload' | 'step' | 'waiting' | 'attempt' | 'starting' | 'running';
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** It goes on: `to` is when somebody looked. */
  readonly isOpen: boolean;
  /** Why it failed. */
  readonly failure?: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A piece of the longest chain of what had to come after each other. */
export interface Segment {
  readonly kind: 'waiting' | 'running' | 'settling';
  readonly step: string | undefined;
  readonly attempt: string | undefined;
  readonly from: number;
  readonly to: number;
}

/** What one step took of the time of its workload. */
export interface Stage {
  readonly step: string;
  readonly from: number | null;
  readonly to: number | null;
  /** From when it could start until its first attempt had a place. */
  readonly waitedMs: number | null;
  /** From the first start to the last end. */
  readonly ranMs: number | null;
  readonly attempts: number;
  readonly criticalMs: number;
  /** Of the whole time of the workload, 0 … 1. */
  readonly share: number;
}

export interface Trace {
  readonly workload: string;
  readonly name: string;
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
  readonly spans: readonly Span[];
  /** One after the other, without gaps, from the submission to the end. */
  readonly critical: readonly Segment[];
  readonly stages: readonly Stage[];
}

/** Where the time of a workload went. `now` is the end of what goes on. */
export function traceOf(document: WorkloadDocument, now: number): Trace {
  const { workload, steps } = document;
  const from = workload.submitted_at;
  const to = Math.max(from, workload.ended_at ?? now);
  const timed = timedSteps(steps, from, to);
  const critical = criticalPath(timed, from, to);
  return {
    workload: workload.id,
    name: workload.name,
    tenant: workload.tenant,
    from,
    to,
    spans: spansOf(document, timed, { from, to }),
    critical,
    stages: timed.map((step) => stageOf(step, critical, to - from)),
  };
}

interface TimedAttempt {
  readonly document: AttemptDocument;
  /** Since when it, or its task, waited for a place. */
  readonly since: number;
  readonly placed: number;
  readonly started: number;
  readonly ended: number;
}

interface TimedStep {
  readonly document: StepDocument;
  /** Since when it could start; undefined while it cannot. */
  readonly ready: number | undefined;
  readonly ended: number;
  readonly attempts: readonly TimedAttempt[];
}

/** In the order of the document. Moments that contradict each other, after a jump of the clock, are put in order. */
function timedSteps(steps: readonly StepDocument[], from: number, to: number): TimedStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  return steps.map((document) => {
    const needs = document.needs.map((id) => byId.get(id)?.ended_at);
    const isReady = needs.every((end) => typeof end === 'number');
    const ready = isReady ? within(Math.max(from, ...(needs as number[])), from, to) : undefined;
    const ended = within(document.ended_at ?? to, ready ?? from, to);
    const attempts = ready === undefined ? [] : timedAttempts(document.attempts, ready, ended);
    return { document, ready, ended, attempts };
  });
}

function timedAttempts(
  attempts: readonly AttemptDocument[],
  ready: number,
  to: number,
): TimedAttempt[] {
  const lastOf = new Map<string, number>();
  return attempts.map((document) => {
    const since = lastOf.get(document.task) ?? ready;
    const placed = within(document.placed_at, since, to);
    const ended = within(document.ended_at ?? to, placed, to);
    const started = within(document.started_at ?? ended, placed, ended);
    lastOf.set(document.task, ended);
    return { document, since, placed, started, ended };
  });
}

const within = (at: number, from: number, to: number): number => Math.max(from, Math.min(at, to));

/**
 * Backwards from the end: the step that ended last, of it the task that ended last, its attempts and what they waited
 * for; then the step that it waited for longest.
 */
function criticalPath(steps: readonly TimedStep[], from: number, to: number): Segment[] {
  const byId = new Map(steps.map((step) => [step.document.id, step]));
  const found: Segment[] = [];
  let at = to;
  /** What lies between `since` and what was found last. */
  const cut = (kind: Segment['kind'], since: number, step?: string, attempt?: string): void => {
    if (since >= at) return;
    found.push({ kind, step, attempt, from: since, to: at });
    at = since;
  };
  let step = latest(steps.filter(({ ready }) => ready !== undefined));
  while (step !== undefined) {
    const { document, attempts, ready = from } = step;
    const last = attempts.reduce<TimedAttempt | undefined>(
      (best, one) => (best === undefined || one.ended > best.ended ? one : best),
      undefined,
    );
    cut('settling', last?.ended ?? step.ended, document.id);
    const chain = attempts.filter((one) => one.document.task === last?.document.task);
    for (const { document: attempt, since, placed } of chain.reverse()) {
      cut('running', placed, document.id, attempt.id);
      cut('waiting', since, document.id, attempt.id);
    }
    cut('waiting', ready, document.id);
    step = latest(document.needs.flatMap((id) => byId.get(id) ?? []));
  }
  cut('settling', from);
  return found.reverse();
}

/** The first in order of the document, where several ended together. */
const latest = (steps: readonly TimedStep[]): TimedStep | undefined =>
  steps.reduce<TimedStep | undefined>(
    (best, step) => (best === undefined || step.ended > best.ended ? step : best),
    undefined,
  );

function stageOf(step: TimedStep, critical: readonly Segment[], totalMs: number): Stage {
  const { document, ready, attempts, ended } = step;
  const own = critical.filter((segment) => segment.step === document.id);
  const criticalMs = own.reduce((sum, { from, to }) => sum + to - from, 0);
  const placed = attempts.map((one) => one.placed);
  const first = placed.length === 0 ? undefined : Math.min(...placed);
  const last = Math.max(...attempts.map((one) => one.ended));
  return {
    step: document.id,
    from: ready ?? null,
    to: ready === undefined ? null : ended,
    waitedMs: ready === undefined ? null : (first ?? ended) - ready,
    ranMs: first === undefined ? null : last - first,
    attempts: attempts.length,
    criticalMs,
    share: totalMs === 0 ? 0 : criticalMs / totalMs,
  };
}

function spansOf(
  { workload, status }: WorkloadDocument,
  steps: readonly TimedStep[],
  { from, to }: { readonly from: number; readonly to: number },
): Span[] {
  const root: Span = {
    id: 'workload',
    parent: undefined,
    kind: 'workload',
    name: workload.name,
    from,
    to,
    isOpen: workload.ended_at === null,
    ...(status === 'failed' && { failure: 'failed' }),
    attributes: {
      'berth.workload': workload.id,
      'berth.tenant': workload.tenant,
      'berth.queue': workload.queue,
      'berth.kind': workload.kind,
      'berth.status': status,
    },
  };
  return [root, ...steps.flatMap((step) => stepSpans(step))];
}

function stepSpans({ document, ready, ended, attempts }: TimedStep): Span[] {
  if (ready === undefined) return [];
  const id = `step ${document.id}`;
  const span: Span = {
    id,
    parent: 'workload',
    kind: 'step',
    name: document.id,
    from: ready,
    to: ended,
    isOpen: document.ended_at === null,
    ...(document.state === 'failed' && { failure: document.note ?? 'failed' }),
    attributes: { 'berth.step': document.id, 'berth.tasks': document.tasks.total },
  };
  return [span, ...attempts.flatMap((attempt) => attemptSpans(attempt, id))];
}

function attemptSpans(
  { document, since, placed, started, ended }: TimedAttempt,
  parent: string,
): Span[] {
  const { id: attempt, cause, exit_code: exit, node, ended_at: end, started_at: start } = document;
  const isOpen = end === null;
  const attributes = {
    'berth.attempt': attempt,
    'berth.task': document.task,
    'berth.node': node,
    ...(cause !== null && { 'berth.cause': cause }),
    ...(exit !== null && { 'process.exit.code': exit }),
  };
  const own = `attempt ${attempt}`;
  const failed = cause !== null && cause !== 'succeeded' && { failure: document.message ?? cause };
  const base = { isOpen: false, attributes: { 'berth.attempt': attempt } };
  const spans: Span[] = [
    {
      ...base,
      id: `waiting ${attempt}`,
      parent,
      kind: 'waiting',
      name: `waiting ${document.task}`,
      from: since,
      to: placed,
    },
    {
      id: own,
      parent,
      kind: 'attempt',
      name: attempt,
      from: placed,
      to: ended,
      isOpen,
      ...failed,
      attributes,
    },
    {
      ...base,
      id: `starting ${attempt}`,
      parent: own,
      kind: 'starting',
      name: 'starting',
      from: placed,
      to: started,
    },
  ];
  if (start !== null) {
    spans.push({
      ...base,
      isOpen,
      id: `running ${attempt}`,
      parent: own,
      kind: 'running',
      name: 'running',
      from: started,
      to: ended,
    });
  }
  return spans.filter(({ kind, from, to }) => kind === 'attempt' || to > from);
}
