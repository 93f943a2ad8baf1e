import type { ExecutionTerms } from '../../model/execution-terms.ts';
import type { Path, Problem } from '../issue.ts';
import { executionBlocks } from './registry.ts';

type Blocks = {
  readonly [B in (typeof executionBlocks)[number] as B['key']]?:
    | Parameters<B['read']>[0]
    | undefined;
};

/** The schemas of all blocks, by key, for the schema of a task. */
export const executionShape = Object.fromEntries(
  executionBlocks.map(({ key, schema }) => [key, schema.optional()]),
) as {
  [B in (typeof executionBlocks)[number] as B['key']]: ReturnType<B['schema']['optional']>;
};

/** What a job or step says of how it is run; nothing where it says nothing. */
export function readExecution(
  step: Blocks,
  path: Path,
  problems: Problem[],
): { readonly execution?: ExecutionTerms } {
  const parts = executionBlocks.flatMap((block) => {
    const said = step[block.key];
    return said === undefined
      ? []
      : [[block.key, block.read(said, [...path, block.key], problems)]];
  });
  return parts.length === 0 ? {} : { execution: Object.fromEntries(parts) };
}
