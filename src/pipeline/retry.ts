import { type Bytes, type SpanMs, scaleAmount, UNLIMITED } from '../base/units.ts';
import { type AttemptEnd, mayRetry } from '../model/attempt.ts';
import type { RetryPolicy } from '../model/workload.ts';

export interface Retry {
  readonly delayMs: SpanMs;
  /** The next attempt's memory limit, when it grows. */
  readonly memory: Bytes | undefined;
}

/**
 * Whether a task tries again after its `attempts`-th attempt (those stopped for others not counted) ended so, when, and with how much memory.
 * Growth stops at `memory.max`, the most that a node could give; it never takes away.
 */
export function retryAfter(
  policy: RetryPolicy,
  attempts: number,
  end: AttemptEnd,
  memory: { readonly limit: Bytes; readonly max: Bytes },
): Retry | undefined {
  // Not its own fault: it waits for its turn again at once, as often as that happens.
  if (end.cause === 'preempted') return { delayMs: 0 as SpanMs, memory: undefined };
  if (!mayRetry[end.cause] || attempts > policy.maxRetries) return undefined;
  let delay: number = policy.backoffMs;
  for (let i = 1; i < attempts && delay < policy.backoffMaxMs; i++) {
    delay = scaleAmount(delay, policy.backoffFactor);
  }
  const grows =
    end.cause === 'oom-killed' && policy.memoryGrowth > 10_000 && memory.limit !== UNLIMITED;
  const grown = Math.min(scaleAmount(memory.limit, policy.memoryGrowth), memory.max);
  return {
    delayMs: Math.min(delay, policy.backoffMaxMs) as SpanMs,
    memory: grows ? (Math.max(memory.limit, grown) as Bytes) : undefined,
  };
}
