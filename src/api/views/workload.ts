import { UNLIMITED } from '../../base/units.ts';
import {
  type AttemptRecord,
  currentAttempt,
  type StepRecord,
  type WorkloadRecord,
} from '../../engine/records.ts';
import { attemptIsReady } from '../../engine/service-record.ts';
import type { Enforcement } from '../../model/attempt.ts';
import type { Limits, Run } from '../../model/workload.ts';
import type {
  AttemptDocument,
  EnforcedDocument,
  ForetoldStart,
  StepDocument,
  WorkloadDocument,
  WorkloadSummary,
} from '../contract/documents.ts';
import { type Explaining, explainStep, explainWorkload, startDocument } from './explain.ts';
import { noteField, resultFields, runFields, usedField } from './flow.ts';
import { resourcesDocument } from './resources.ts';
import { readyOf, scalingSentence, serviceDocument } from './service.ts';
import { stepState, workloadStatus } from './status.ts';
import { onCpuSummary, termsOf, unheldSentence } from './terms.ts';

export function workloadDocument(context: Explaining, workload: WorkloadRecord): WorkloadDocument {
  const { spec } = workload;
  return {
    id: workload.id,
    status: workloadStatus(workload),
    workload: {
      id: workload.id,
      name: spec.name,
      kind: spec.kind,
      queue: spec.queue,
      tenant: workload.tenant,
      priority: workload.priority,
      ...(spec.class && { class: spec.class.name }),
      labels: { ...spec.labels },
      ...(spec.submittedBy && { submitted_by: spec.submittedBy }),
      submitted_at: workload.submittedAt,
      started_at: workload.startedAt ?? null,
      ended_at: workload.endedAt ?? null,
    },
    ...(workload.service && {
      service: serviceDocument(workload, context.decisionOf(workload.id)),
    }),
    ...runFields(workload),
    steps: workload.steps.map((step) => stepDocument(context, step)),
  };
}

export function workloadSummary(context: Explaining, workload: WorkloadRecord): WorkloadSummary {
  const status = workloadStatus(workload);
  const tasks = { total: 0, waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  for (const { spec, counts } of workload.steps) {
    tasks.total += spec.count;
    tasks.waiting += counts.waiting;
    tasks.running += counts.running;
    tasks.succeeded += counts.succeeded;
    tasks.failed += counts.failed;
    tasks.cancelled += counts.cancelled;
  }
  const told = status === 'waiting' || status === 'failed';
  return {
    id: workload.id,
    name: workload.spec.name,
    kind: workload.spec.kind,
    status,
    queue: workload.spec.queue,
    tenant: workload.tenant,
    priority: workload.priority,
    submitted_at: workload.submittedAt,
    started_at: workload.startedAt ?? null,
    ended_at: workload.endedAt ?? null,
    tasks,
    ...(workload.service && {
      replicas: { ready: readyOf(workload), wanted: workload.service.replicas },
    }),
    ...startField(context, workload),
    reason: told
      ? explainWorkload({ ...context, starts: undefined }, workload).sentence
      : (pausedBy(workload) ??
        onCpuSummary(workload) ??
        unheldSentence(workload) ??
        scalingSentence(workload, context.now, context.decisionOf(workload.id)) ??
        null),
  };
}

/** Of its tasks that wait, the one that starts first. */
function startField({ starts }: Explaining, { state, startedAt, steps }: WorkloadRecord) {
  if (starts === undefined || state !== 'active' || startedAt !== undefined) return {};
  let first: ForetoldStart | undefined;
  for (const { tasks, counts } of steps) {
    if (counts.waiting === 0) continue;
    for (const { id } of tasks) {
      const start = startDocument(starts.get(id));
      if (start !== undefined && (first === undefined || start.at < first.at)) first = start;
    }
  }
  return first === undefined ? {} : { starts: first };
}

/** Of a workload of which anything is paused. */
function pausedBy({ state, steps }: WorkloadRecord): string | null {
  if (state !== 'active') return null;
  for (const step of steps) {
    if (step.counts.running === 0) continue;
    for (const task of step.tasks) {
      const by = task.state === 'running' ? currentAttempt(task)?.live?.pausedBy : undefined;
      if (by !== undefined) return `paused by ${by}`;
    }
  }
  return null;
}

function stepDocument(context: Explaining, step: StepRecord): StepDocument {
  const attempts = step.tasks.flatMap((task) => task.attempts);
  attempts.sort((a, b) => a.placedAt - b.placedAt || a.task.index - b.task.index);
  const first = attempts[0];
  return {
    id: step.spec.id,
    state: stepState(step),
    needs: [...step.spec.needs],
    command: commandLine(step.spec.run),
    tasks: { total: step.spec.count, ...step.counts },
    request: resourcesDocument(step.spec.request),
    limits: limitsDocument(step.spec.limits),
    started_at: first === undefined ? null : (first.startedAt ?? first.placedAt),
    ended_at: step.endedAt ?? null,
    ...noteField(step),
    attempts: attempts.map(attemptDocument),
    waiting_for: explainStep(context, step),
  };
}

export function attemptDocument(attempt: AttemptRecord): AttemptDocument {
  const { end } = attempt;
  const terms = termsOf(attempt);
  const { cores } = attempt.placement;
  return {
    id: attempt.id,
    task: attempt.task.id,
    number: attempt.number,
    state: attemptState(attempt),
    node: attempt.placement.node,
    gpus: [...attempt.placement.gpus],
    ...(cores && { cores: [...cores] }),
    pid: attempt.pid ?? null,
    placed_at: attempt.placedAt,
    started_at: attempt.startedAt ?? null,
    ended_at: attempt.endedAt ?? null,
    cause: end?.cause ?? null,
    exit_code: end?.exitCode ?? null,
    signal: end?.signal ?? null,
    message: end?.message ?? null,
    wall_ms: end?.usage.wallMs ?? null,
    cpu_ms: end?.usage.cpuMs ?? null,
    memory_peak_bytes: end?.usage.memoryPeak ?? null,
    memory_limit_bytes: finite(attempt.placement.memoryLimit),
    ...usedField(attempt.used),
    enforced: end === undefined ? null : enforcementDocument(end.enforced),
    cpu_milli: attempt.placement.held.cpu,
    ...(attempt.health && { ready: attemptIsReady(attempt) }),
    ...(attempt.placement.ports && { ports: { ...attempt.placement.ports } }),
    ...(terms && { terms: [...terms] }),
    ...resultFields(end),
  };
}

function attemptState(attempt: AttemptRecord): AttemptDocument['state'] {
  if (attempt.end !== undefined) return 'ended';
  if (attempt.stop !== undefined) return 'stopping';
  if (attempt.live?.pausedBy !== undefined) return 'paused';
  return attempt.startedAt === undefined ? 'placed' : 'running';
}

export function enforcementDocument(enforced: Enforcement): EnforcedDocument {
  const { terms, ...plain } = enforced;
  return { ...plain, notes: [...enforced.notes], ...(terms && { terms: [...terms] }) };
}

function limitsDocument(limits: Limits): StepDocument['limits'] {
  return {
    cpu_milli: finite(limits.cpu),
    memory_bytes: finite(limits.memory),
    pids: finite(limits.pids),
    wall_ms: finite(limits.wallMs),
    grace_ms: limits.graceMs,
    log_bytes: limits.logBytes,
  };
}

const finite = (amount: number): number | null => (amount === UNLIMITED ? null : amount);

function commandLine(run: Run): string {
  if (run.kind === 'held') return 'held by whoever asked for it';
  const text = run.kind === 'argv' ? run.argv.map(quote).join(' ') : run.script.trim();
  const first = text.split('\n')[0]!;
  return first.length < text.length || first.length > 200 ? `${first.slice(0, 199)}…` : first;
}

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
