import type {
  Reason,
  StepDocument,
  WorkloadDocument,
  WorkloadSummary,
} from '../../src/api/contract/documents.ts';
import { addCounts, noTasks, type ToyStep } from './toy-workload.ts';

export const LOG_CAP_BYTES = 262_144;

export function waits(code: string, sentence: string, change: string, tasks: number): Reason {
  return { code, sentence, change, facts: {}, tasks };
}

export function stepOf(toy: ToyStep): StepDocument {
  return {
    id: toy.id,
    state: 'waiting',
    needs: [...(toy.needs ?? [])],
    command: toy.command,
    tasks: noTasks(toy.tasks ?? 1),
    request: {
      cpu_milli: toy.cpuMilli,
      memory_bytes: toy.memoryBytes,
      gpu_milli: toy.gpuMilli ?? 0,
      custom: {},
    },
    limits: {
      cpu_milli: toy.cpuMilli,
      memory_bytes: toy.memoryLimitBytes ?? toy.memoryBytes,
      pids: 1_024,
      wall_ms: null,
      grace_ms: 10_000,
      log_bytes: LOG_CAP_BYTES,
    },
    started_at: null,
    ended_at: null,
    attempts: [],
    waiting_for: [],
  };
}

export function settleWorkload(document: WorkloadDocument, now: number): void {
  const states = document.steps.map(({ state }) => state);
  if (states.includes('running')) document.status = 'running';
  else if (states.includes('waiting'))
    document.status = document.workload.started_at === null ? 'waiting' : 'running';
  else
    document.status = states.includes('failed')
      ? 'failed'
      : states.includes('cancelled')
        ? 'cancelled'
        : 'succeeded';
  if (!['waiting', 'running'].includes(document.status)) document.workload.ended_at ??= now;
}

export function summaryOf(document: WorkloadDocument): WorkloadSummary {
  const { id, name, kind, queue, tenant, priority, submitted_at, started_at, ended_at } =
    document.workload;
  const failed = document.steps
    .flatMap(({ attempts }) => attempts)
    .filter(({ cause }) => cause !== null && cause !== 'succeeded')
    .at(-1);
  const reason =
    document.status === 'failed' && failed !== undefined
      ? (failed.message ?? `${failed.task} ${failed.cause}`)
      : (document.steps.flatMap(({ waiting_for }) => waiting_for)[0]?.sentence ?? null);
  return {
    id,
    name,
    kind,
    status: document.status,
    queue,
    tenant,
    priority,
    submitted_at,
    started_at,
    ended_at,
    tasks: addCounts(document.steps.map(({ tasks }) => tasks)),
    reason,
  };
}

/** 0…1, slow and never quite the same. */
export function wave(at: number, salt: number): number {
  const t = at / 60_000;
  return (Math.sin(t * 1.3 + salt) + Math.sin(t * 3.7 + salt * 2) + 2) / 4;
}
