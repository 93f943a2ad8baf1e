import type { z } from 'zod';
import type { ExecutionTerms } from '../../model/execution-terms.ts';
import type { Path, Problem } from '../issue.ts';

/** A key of a job or step that says how its processes are run, and the part of the terms that it becomes. */
export interface ExecutionBlock<Key extends keyof ExecutionTerms, Schema extends z.ZodType> {
  readonly key: Key;
  readonly schema: Schema;
  /** `path` is that of the block; what contradicts itself is added to `problems`. */
  readonly read: (
    block: z.output<Schema>,
    path: Path,
    problems: Problem[],
  ) => NonNullable<ExecutionTerms[Key]>;
}

export function defineBlock<const Key extends keyof ExecutionTerms, Schema extends z.ZodType>(
  block: ExecutionBlock<Key, Schema>,
): ExecutionBlock<Key, Schema> {
  return Object.freeze(block);
}
