import type { ScalingDecision } from '../../autoscaling/service-scaling.ts';
import { formatAmount, formatSpan } from '../../base/format.ts';
import type { TimeMs } from '../../base/units.ts';
import { startsWithLess } from '../../engine/counterfactual.ts';
import type { Start } from '../../engine/projection.ts';
import {
  currentAttempt,
  type StepRecord,
  type TaskRecord,
  type WorkloadRecord,
} from '../../engine/records.ts';
import type { State } from '../../engine/state.ts';
import { Verdicts } from '../../engine/verdicts.ts';
import type { TaskId, WorkloadId } from '../../model/ids.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { ForetoldStart, Reason, Why } from '../contract/documents.ts';
import { heldBackRefusal, stepNote, unmetNeeds } from './flow.ts';
import { preemptionsOf } from './preemptions.ts';
import { precedenceOf, refusalSentence, spotSentence } from './sentences.ts';
import { serviceSentence } from './service.ts';
import { stepState, workloadStatus } from './status.ts';
import { termsOfStep } from './terms.ts';

/** What explanations of one state share. To be made anew after every change. */
export interface Explaining {
  readonly state: State;
  readonly now: TimeMs;
  readonly verdicts: Verdicts;
  /** When waiting tasks start, where somebody looked ahead. */
  readonly starts: ReadonlyMap<TaskId, Start> | undefined;
  /** Of starts that had been foretold, how many lay in their interval. */
  readonly calibration: { readonly inside: number; readonly of: number };
  /** What the autoscaler decided last about a service; undefined where nobody knows. */
  readonly decisionOf: (id: WorkloadId) => ScalingDecision | undefined;
}

export const explaining = (
  state: State,
  now: TimeMs,
  foreseen: Partial<Pick<Explaining, 'starts' | 'calibration' | 'decisionOf'>> = {},
): Explaining => {
  const { starts, calibration = { inside: 0, of: 0 }, decisionOf = () => undefined } = foreseen;
  return { state, now, verdicts: new Verdicts(state, now), starts, calibration, decisionOf };
};

/** Tasks of one step that wait for the same. */
export interface Verdict {
  /** Undefined where nothing is in the way, or nobody looked yet. */
  readonly refusal: Refusal | undefined;
  tasks: number;
  /** Undefined while the step has no tasks. */
  readonly first: TaskRecord | undefined;
}

/** Why a workload is where it is: a sentence a step, with what would change it. */
export function explainWorkload(context: Explaining, workload: WorkloadRecord): Why {
  const steps = workload.steps.map((step) => {
    const reasons = explainStep(context, step);
    const terms = termsOfStep(step);
    return {
      id: step.spec.id,
      state: stepState(step),
      sentence: stepSentence(step, reasons, context),
      reasons,
      ...(terms.length > 0 && { terms: [...terms] }),
    };
  });
  const status = workloadStatus(workload);
  const telling = steps.filter((step) => step.state === status);
  const reached = status === 'failed' ? workload.limitReached?.message : undefined;
  const sentence =
    reached ??
    (telling
      .map((step) => (steps.length === 1 ? step.sentence : `${step.id}: ${step.sentence}`))
      .join('; ') ||
      status);
  const preemptions = preemptionsOf(context.state, workload.id);
  const { warnings } = workload.spec;
  return {
    id: workload.id,
    status,
    sentence,
    steps,
    ...(warnings && { warnings: [...warnings] }),
    preemptions,
  };
}

/** The reasons for which tasks of a step wait, each with how many wait for it. Empty when none waits. */
export function explainStep(context: Explaining, step: StepRecord): Reason[] {
  if (step.state !== 'blocked' && (step.state !== 'open' || step.counts.waiting === 0)) return [];
  return verdictsOf(context, step).flatMap((verdict) =>
    verdict.refusal === undefined ? [] : [reason(context, verdict, verdict.refusal)],
  );
}

/** One verdict for all tasks of the step that wait for the same, in order of precedence. */
export function verdictsOf({ verdicts }: Explaining, step: StepRecord): Verdict[] {
  if (step.state === 'blocked') {
    const refusal = { code: 'waits-for-steps', steps: unmetNeeds(step) } as const;
    return [{ refusal, tasks: step.spec.count, first: undefined }];
  }
  const found = new Map<Refusal | undefined | 'resting' | 'held-back', Verdict>();
  const count = (
    key: Refusal | undefined | 'resting' | 'held-back',
    first: TaskRecord,
    refusal: Refusal | undefined,
  ): void => {
    const known = found.get(key);
    if (known === undefined) found.set(key, { refusal, tasks: 1, first });
    else known.tasks++;
  };
  let heldBack: Refusal | undefined;
  let dueFirst: TaskRecord | undefined;
  let resting = 0;
  for (const task of step.tasks) {
    if (task.state === 'held-back') {
      heldBack ??= heldBackRefusal(step);
      count('held-back', task, heldBack);
    } else if (task.state === 'waiting') {
      const refusal = verdicts.of(task);
      count(refusal, task, refusal);
    } else if (task.state === 'resting') {
      resting++;
      if (dueFirst === undefined || task.dueAt! < dueFirst.dueAt!) dueFirst = task;
    }
  }
  if (dueFirst !== undefined) {
    const refusal = { code: 'waits-to-retry', dueAt: dueFirst.dueAt! } as const;
    found.set('resting', { refusal, tasks: resting, first: dueFirst });
  }
  return [...found.values()].sort(
    (a, b) => precedenceOf(a.refusal?.code) - precedenceOf(b.refusal?.code),
  );
}

/** What would let the first of them start: a smaller request, another time, or the end of another task. */
function change(
  context: Explaining,
  refusal: Refusal,
  task: TaskRecord | undefined,
): string | null {
  const parts = [unlessLess(context, refusal, task), atStart(context, task)].filter(
    (part) => part !== undefined,
  );
  if (parts.length > 0) return parts.join(', or ');
  switch (refusal.code) {
    case 'behind':
      return `starts after ${refusal.task}, whatever is free`;
    case 'reserved-for':
      return 'would start now if it ended before that';
    case 'step-parallelism':
      return 'raise `parallel`, or wait for one of them to end';
    case 'never-fits':
    case 'gang-never-fits':
      return 'never, unless a larger node joins';
    default:
      return null;
  }
}

function unlessLess(
  { state, now }: Explaining,
  refusal: Refusal,
  task: TaskRecord | undefined,
): string | undefined {
  const less = task && startsWithLess(state, task, refusal, now);
  if (less === undefined) return undefined;
  if (less.kind === 'time') {
    return `would start now if it ran for at most ${formatSpan(less.runMaxMs)}`;
  }
  const most = less.cut.map(({ resource, most: amount }) => formatAtMost(resource, amount));
  return `would start now with at most ${most.join(' and ')}`;
}

/** Rounded down where it is rounded, so that what is said suffices. */
function formatAtMost(resource: string, amount: number): string {
  const rounded = formatAmount(resource, amount);
  if (resource !== 'memory') return rounded;
  const mib = Math.floor(amount / 1024 ** 2);
  const whole = mib >= 1024 ? Math.floor(mib / 10.24) / 100 : mib;
  return `${whole} ${mib >= 1024 ? 'GiB' : 'MiB'} memory`;
}

/** Fewer starts say nothing of how often intervals are right. */
const RIGHT_MIN = 10;

function atStart(context: Explaining, task: TaskRecord | undefined): string | undefined {
  const { starts, now } = context;
  const start = task && starts?.get(task.id);
  if (start === undefined) return undefined;
  const between = start.interval && intervalWords(start.interval, context);
  if (start.at !== undefined && between !== undefined) {
    const mostly = start.after === undefined ? '' : `, most likely when ${start.after} ends`;
    return `likely starts in about ${formatSpan(Math.max(0, start.at - now))}, ${between}${mostly}`;
  }
  const { at, after } = start;
  const when = after === undefined ? '' : `when ${after} ends`;
  if (at === undefined || at <= now) return when === '' ? undefined : `starts ${when}`;
  return `starts in about ${formatSpan(at - now)}${when === '' ? '' : `, ${when}`}`;
}

/** Undefined of an interval without any width worth a word: then its time is all there is to say. */
function intervalWords(
  { low, high }: NonNullable<Start['interval']>,
  { now, calibration: { inside, of } }: Explaining,
): string | undefined {
  const from = formatSpan(Math.max(0, low - now));
  const to = high === undefined ? undefined : formatSpan(Math.max(0, high - now));
  if (from === to) return undefined;
  const words = to === undefined ? `in ${from} at the earliest` : `between ${from} and ${to}`;
  if (of < RIGHT_MIN) return words;
  return `${words} (${inside} of ${of} such intervals were right here)`;
}

/** When something is likely to start; undefined where it was not looked for, or cannot be told. */
export const startDocument = (start: Start | undefined): ForetoldStart | undefined =>
  start?.at === undefined || start.interval === undefined
    ? undefined
    : { at: start.at, low: start.interval.low, high: start.interval.high ?? null };

function reason(context: Explaining, { tasks, first }: Verdict, refusal: Refusal): Reason {
  const { code, ...facts } = refusal;
  const start = first && context.starts?.get(first.id);
  const starts = startDocument(start);
  return {
    code,
    sentence: refusalSentence(refusal, context.now),
    change: change(context, refusal, first),
    facts,
    tasks,
    ...(start?.at === undefined ? {} : { starts_at: start.at }),
    ...(starts && { starts: { ...starts, calibration: { ...context.calibration } } }),
    ...(start?.after === undefined ? {} : { starts_after: start.after }),
  };
}

function stepSentence(
  step: StepRecord,
  reasons: readonly Reason[],
  { now, decisionOf }: Explaining,
): string {
  const { counts, spec } = step;
  const of = spec.count === 1 ? '' : ` of ${spec.count} tasks`;
  switch (step.state) {
    case 'succeeded':
    case 'skipped':
    case 'cancelled':
      return stepNote(step) ?? step.state;
    case 'failed':
      return step.reason?.kind === 'expression' ? step.reason.message : failure(step);
    default: {
      const ready = serviceSentence(step, now, decisionOf(step.workload.id));
      const running =
        ready === undefined
          ? counts.running > 0
            ? [`${counts.running}${of} running${onDemandNote(step)}`]
            : []
          : [ready];
      const waits = reasons.map(
        (r) =>
          `${spec.count === 1 ? '' : `${r.tasks} waiting: `}${r.sentence}` +
          (r.change === null ? '' : ` (${r.change})`),
      );
      return [...running, ...waits].join('; ') || 'next in line';
    }
  }
}

/** Of those that might be on spot nodes and run elsewhere, why the newest does. */
function onDemandNote({ tasks, counts, spec }: StepRecord): string {
  const elsewhere = tasks.flatMap((task) => {
    const placement = task.state === 'running' ? currentAttempt(task)?.placement : undefined;
    return placement?.notSpot === undefined ? [] : [placement.notSpot];
  });
  const last = elsewhere.at(-1);
  if (last === undefined) return '';
  const some =
    spec.count === 1 || elsewhere.length === counts.running ? '' : `${elsewhere.length} `;
  return `, ${some}placed on demand: ${spotSentence(last)}`;
}

function failure(step: StepRecord): string {
  const failed = step.tasks.find((task) => task.state === 'failed');
  const end = failed && currentAttempt(failed)?.end;
  if (failed === undefined || end === undefined) return 'failed';
  const tries = failed.attempts.length;
  const how = end.exitCode === undefined ? (end.signal ?? '') : `exit code ${end.exitCode}`;
  const detail = [how, end.message ?? ''].filter((part) => part !== '').join(', ');
  return (
    `task ${failed.id} ${end.cause === 'failed' ? 'failed' : `was ${end.cause}`}` +
    `${detail === '' ? '' : ` (${detail})`}${tries === 1 ? '' : ` after ${tries} attempts`}`
  );
}
