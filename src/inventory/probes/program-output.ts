import type { ReadOutcome } from '../host-reader.ts';

/** What a program printed to its end, whatever its exit status; nothing of one that was cut off. */
export function printed(outcome: ReadOutcome<string>): string | undefined {
  if (outcome.ok) return outcome.value;
  return outcome.problem.kind === 'failed' ? outcome.problem.output : undefined;
}
