import type { Brand } from '../base/brand.ts';

/** A counter in the state, written in decimal: `12`. */
export type WorkloadId = Brand<string, 'WorkloadId'>;
/** Unique within its workload: letters, digits, `_` and `-`, at most 63, so that it is safe in paths. */
export type StepId = Brand<string, 'StepId'>;
/** `<workload>.<step>.<index>`: `12.prepare.3`. */
export type TaskId = Brand<string, 'TaskId'>;
/** `<task>.<number from 1>`: `12.prepare.3.2`. Names a folder and a cgroup. */
export type AttemptId = Brand<string, 'AttemptId'>;
export type NodeId = Brand<string, 'NodeId'>;
export type QueueName = Brand<string, 'QueueName'>;
export type TenantId = Brand<string, 'TenantId'>;

export const STEP_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

export const taskId = (workload: WorkloadId, step: StepId, index: number): TaskId =>
  `${workload}.${step}.${index}` as TaskId;

export const attemptId = (task: TaskId, number: number): AttemptId =>
  `${task}.${number}` as AttemptId;

export interface AttemptName {
  readonly workload: WorkloadId;
  readonly step: StepId;
  readonly index: number;
  readonly task: TaskId;
  readonly number: number;
}

/** The parts of an attempt id, or nothing when the text is not one (a stranger's folder or cgroup). */
export function parseAttemptId(text: string): AttemptName | undefined {
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  const third = text.indexOf('.', second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const index = decimal(text, second + 1, third, 9);
  const number = decimal(text, third + 1, text.length, 9);
  if (decimal(text, 0, first, 15) < 0 || index < 0 || number < 0) return undefined;
  const workload = text.slice(0, first) as WorkloadId;
  const step = text.slice(first + 1, second) as StepId;
  if (!STEP_ID.test(step)) return undefined;
  return { workload, step, index, task: taskId(workload, step, index), number };
}

/** What digits from `start` to `end`, at most so many, come to; −1 where there is anything else. */
function decimal(text: string, start: number, end: number, digitsMax: number): number {
  if (end <= start || end - start > digitsMax) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
