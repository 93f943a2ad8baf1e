import { type BasisPoints, bytes, milliCpu, milliGpu, spanMs, UNLIMITED } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import type { Limits, RetryPolicy } from '../model/workload.ts';

/** What holds where a document says nothing. The reference and the JSON Schema print these. */
export const documentDefaults = {
  queue: 'default' as QueueName,
  priority: 0,
  count: 1,
  request: { cpu: milliCpu(1000), memory: bytes(256 * 1024 ** 2), gpu: milliGpu(0) },
  limits: {
    cpu: milliCpu(UNLIMITED),
    memory: bytes(UNLIMITED),
    // Enough for a training process with its data loaders; a fork bomb ends here.
    pids: 4096,
    wallMs: spanMs(UNLIMITED),
    graceMs: spanMs(10_000),
    logBytes: bytes(16 * 1024 ** 2),
  } satisfies Limits,
  retry: {
    maxRetries: 0,
    backoffMs: spanMs(1000),
    backoffFactor: 20_000 as BasisPoints,
    backoffMaxMs: spanMs(300_000),
    memoryGrowth: 10_000 as BasisPoints,
  } satisfies RetryPolicy,
} as const;
