import type { ProcessTerms } from '../model/execution-terms.ts';
import type { Placement } from '../model/messages.ts';
import { threadVariableNames } from '../model/thread-variable-names.ts';

/** One thread for each whole CPU that it holds, and at least one; nothing where its terms say so. */
export function threadVariables(
  process: ProcessTerms | undefined,
  { held, cores }: Placement,
): Readonly<Record<string, string>> {
  if (process?.threadVariables === false) return {};
  const own = process?.cores === 'exclusive' ? cores?.length : undefined;
  const threads = String(own ?? Math.max(1, Math.floor(held.cpu / 1000)));
  return Object.fromEntries(threadVariableNames.map((name) => [name, threads]));
}
