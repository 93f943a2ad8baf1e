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
  const found = /^(\d{1,15})\.([A-Za-z0-9][A-Za-z0-9_-]{0,62})\.(\d{1,9})\.(\d{1,9})$/.exec(text);
  if (found === null) return undefined;
  const [, workload, step, index, number] = found;
  return {
    workload: workload as WorkloadId,
    step: step as StepId,
    index: Number(index),
    task: taskId(workload as WorkloadId, step as StepId, Number(index)),
    number: Number(number),
  };
}
