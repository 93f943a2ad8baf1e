import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BasisPoints, type Bytes, bytes, spanMs, UNLIMITED } from '../../src/base/units.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import { retryAfter } from '../../src/pipeline/retry.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { GIB } from '../builders/workload.ts';

interface Case {
  readonly maxRetries?: number;
  readonly backoffMs?: number;
  readonly factor?: number;
  readonly backoffMaxMs?: number;
  readonly growth?: number;
  readonly attempts?: number;
  readonly cause?: EndCause;
  readonly limit?: number;
  readonly max?: number;
  readonly want: { readonly delayMs: number; readonly memory?: number } | undefined;
}

function ask(tc: Omit<Case, 'want'>) {
  const policy = {
    maxRetries: tc.maxRetries ?? 5,
    backoffMs: spanMs(tc.backoffMs ?? 1_000),
    backoffFactor: (tc.factor ?? 20_000) as BasisPoints,
    backoffMaxMs: spanMs(tc.backoffMaxMs ?? 60_000),
    memoryGrowth: (tc.growth ?? 10_000) as BasisPoints,
  };
  return retryAfter(policy, tc.attempts ?? 1, endedBy(tc.cause ?? 'failed'), {
    limit: (tc.limit ?? GIB) as Bytes,
    max: bytes(tc.max ?? 100 * GIB),
  });
}

const cases: Record<string, Case> = {
  'the first wait is the back-off': { want: { delayMs: 1_000 } },
  'each wait is the last one times the factor': { attempts: 3, want: { delayMs: 4_000 } },
  'a factor of one keeps the wait': { attempts: 4, factor: 10_000, want: { delayMs: 1_000 } },
  'the wait stops growing at its maximum': {
    attempts: 5,
    backoffMaxMs: 5_000,
    want: { delayMs: 5_000 },
  },
  'a maximum below the back-off holds from the start': {
    backoffMaxMs: 10,
    want: { delayMs: 10 },
  },
  'no back-off is no wait': { attempts: 5, backoffMs: 0, want: { delayMs: 0 } },
  'the last retry is given': { attempts: 2, maxRetries: 2, want: { delayMs: 2_000 } },
  'and no more': { attempts: 3, maxRetries: 2, want: undefined },
  'without retries there is none': { maxRetries: 0, want: undefined },
  'a success needs none': { cause: 'succeeded', want: undefined },
  'a cancel ends it': { cause: 'cancelled', want: undefined },
  'a command that cannot start will not start again': { cause: 'start-failed', want: undefined },
  'a lost node is a reason': { cause: 'lost', want: { delayMs: 1_000 } },
  'so is a time-out': { cause: 'timed-out', want: { delayMs: 1_000 } },
  'so is a signal': { cause: 'signalled', want: { delayMs: 1_000 } },
  'being preempted is not its fault: it waits again at once': {
    cause: 'preempted',
    want: { delayMs: 0 },
  },
  'memory grows after an out-of-memory kill': {
    cause: 'oom-killed',
    growth: 15_000,
    limit: 2 * GIB,
    want: { delayMs: 1_000, memory: 3 * GIB },
  },
  'and not after another failure': { growth: 15_000, want: { delayMs: 1_000 } },
  'and not without growth': { cause: 'oom-killed', want: { delayMs: 1_000 } },
  'and not without a limit': {
    cause: 'oom-killed',
    growth: 20_000,
    limit: UNLIMITED,
    want: { delayMs: 1_000 },
  },
  'it stops at what a node has': {
    cause: 'oom-killed',
    growth: 20_000,
    max: 1.5 * GIB,
    want: { delayMs: 1_000, memory: 1.5 * GIB },
  },
  'it never shrinks': {
    cause: 'oom-killed',
    growth: 20_000,
    limit: 4 * GIB,
    max: GIB,
    want: { delayMs: 1_000, memory: 4 * GIB },
  },
};

for (const [name, { want, ...tc }] of Object.entries(cases)) {
  test(name, () => {
    assert.deepEqual(ask(tc), want && { memory: undefined, ...want });
  });
}

test('waits never shrink from one attempt to the next, and stay below their maximum', () => {
  const policy = fc.record({
    backoffMs: fc.nat(100_000),
    factor: fc.integer({ min: 10_000, max: 50_000 }),
    backoffMaxMs: fc.nat(1_000_000),
  });
  fc.assert(
    fc.property(policy, (tc) => {
      let last = 0;
      for (let attempts = 1; attempts <= 100; attempts++) {
        const retry = ask({ ...tc, attempts, maxRetries: 100 });
        assert.ok(retry !== undefined && retry.delayMs >= last);
        assert.ok(retry.delayMs <= tc.backoffMaxMs);
        last = retry.delayMs;
      }
    }),
  );
});
