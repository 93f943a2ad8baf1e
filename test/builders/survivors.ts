import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkloadDocument } from '../../src/api/contract/documents.ts';

/** Steps of one task each, for a task that fails ends its step. Each leaves a line, so that a second run would show. */
export function survivors(options: {
  readonly tasks: number;
  readonly witness: string;
  /** Cores that each asks for, which bounds how many run at once. */
  readonly cpu: number;
}): string {
  const { tasks, witness, cpu } = options;
  const steps = Array.from({ length: tasks }, (_, i) => {
    const end = i % 10 === 3 ? 'exit 7' : i % 10 === 6 ? 'kill -SEGV $$' : 'exit 0';
    const script = `echo ${i} >> ${witness}; echo log of ${i}; sleep ${2 + (i % 7)}; ${end}`;
    return { id: `s${i}`, run: script, resources: { cpu, memory: '32Mi' } };
  });
  return JSON.stringify({ name: 'survivor', steps });
}

const wantedCause = (index: number): string =>
  index % 10 === 3 ? 'failed' : index % 10 === 6 ? 'signalled' : 'succeeded';

/** How many tasks have begun. */
export function begun(witness: string): number {
  return readFileSync(witness, 'utf8').split('\n').length - 1;
}

/** Each task ran once, ended once and with its true cause, and its log is whole. */
export function assertSurvived(state: string, ended: WorkloadDocument, witness: string): void {
  const attempts = ended.steps.flatMap((step) => step.attempts);
  assert.equal(attempts.length, ended.steps.length, 'one attempt a task');
  for (const attempt of attempts) {
    const index = Number(attempt.task.split('.')[1]!.slice(1));
    assert.equal(attempt.cause, wantedCause(index), `${attempt.id}: ${attempt.message}`);
    const log = readFileSync(join(state, 'attempts', attempt.id, 'stdout.log'), 'utf8');
    assert.equal(log, `log of ${index}\n`);
  }
  const ran = readFileSync(witness, 'utf8').trim().split('\n');
  assert.equal(new Set(ran).size, ran.length, 'no task ran twice');
  assert.equal(ran.length, ended.steps.length);
}
