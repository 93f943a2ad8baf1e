import type { AttemptDocument, WorkloadDocument } from '../api/contract/documents.ts';
import { formatSpan } from './format.ts';
import { hasEnded, stateLook } from './status-word.ts';
import { printable } from './text.ts';

/** What changed between two looks at a workload, one line each, for logs and pipes. */
export function progressLog(
  before: WorkloadDocument | undefined,
  after: WorkloadDocument,
): readonly string[] {
  const lines: string[] = [];
  const seen = new Map(
    before?.steps.flatMap((step) => step.attempts.map((attempt) => [attempt.id, attempt])),
  );
  for (const step of after.steps) {
    for (const attempt of step.attempts) {
      const line = attemptLine(seen.get(attempt.id), attempt);
      if (line !== undefined) lines.push(line);
    }
    const known = before?.steps.find((other) => other.id === step.id)?.state ?? 'waiting';
    if (known !== step.state && hasEnded(step.state)) {
      const { succeeded, total } = step.tasks;
      const of = total > 1 ? ` (${succeeded} of ${total} tasks succeeded)` : '';
      lines.push(`${printable(step.id)}: ${stateLook(step.state).word}${of}`);
    }
  }
  if (before !== undefined && before.status !== after.status && hasEnded(after.status)) {
    lines.push(`${printable(after.workload.name)} (${after.id}): ${stateLook(after.status).word}`);
  }
  return lines;
}

function attemptLine(
  before: AttemptDocument | undefined,
  after: AttemptDocument,
): string | undefined {
  if (before?.state === after.state) return undefined;
  if (after.state === 'running') return `${after.id}: started`;
  if (after.state === 'stopping') return `${after.id}: stopping`;
  if (after.state !== 'ended') return undefined;
  const code = after.exit_code === null || after.exit_code === 0 ? '' : ` with ${after.exit_code}`;
  const wall = after.wall_ms === null ? '' : ` after ${formatSpan(after.wall_ms)}`;
  return `${after.id}: ${after.cause ?? 'ended'}${code}${wall}`;
}
