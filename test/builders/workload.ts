import { type Bytes, bytes, milliCpu, milliGpu, spanMs, UNLIMITED } from '../../src/base/units.ts';
import type { NodeId, QueueName, StepId } from '../../src/model/ids.ts';
import type { Node } from '../../src/model/node.ts';
import type { Resources } from '../../src/model/resources.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';

export const GIB = 1024 ** 3;

export function resources(
  amounts: Partial<Record<'cpu' | 'memory' | 'gpu', number>> = {},
): Resources {
  return {
    cpu: milliCpu(amounts.cpu ?? 1000),
    memory: bytes(amounts.memory ?? GIB),
    gpu: milliGpu(amounts.gpu ?? 0),
    custom: [],
  };
}

export function node(
  id: string,
  has: { cpu?: number; memory?: number; gpus?: number; custom?: [string, number][] } = {},
): Node {
  return {
    id: id as NodeId,
    cpu: milliCpu(has.cpu ?? 2000),
    memory: bytes(has.memory ?? 8 * GIB),
    gpus: Array.from({ length: has.gpus ?? 0 }, (_, i) => ({
      id: `${id}-gpu${i}`,
      model: 'test',
      memory: bytes(16 * GIB),
    })),
    custom: has.custom ?? [],
    labels: {},
  };
}

export function step(
  id: string,
  changes: Partial<Omit<StepSpec, 'id' | 'needs'>> & { needs?: string[] } = {},
): StepSpec {
  const { needs = [], ...rest } = changes;
  return {
    id: id as StepId,
    needs: needs as StepId[],
    run: { kind: 'shell', script: 'true' },
    count: 1,
    maxParallel: UNLIMITED,
    request: resources(),
    limits: {
      cpu: milliCpu(UNLIMITED),
      memory: UNLIMITED as Bytes,
      pids: 4096,
      wallMs: spanMs(UNLIMITED),
      graceMs: spanMs(10_000),
      logBytes: bytes(16 * 1024 ** 2),
    },
    retry: {
      maxRetries: 0,
      backoffMs: spanMs(1_000),
      backoffFactor: 20_000 as never,
      backoffMaxMs: spanMs(300_000),
      memoryGrowth: 10_000 as never,
    },
    env: {},
    cwd: '',
    ...rest,
  };
}

export function workload(name: string, ...steps: StepSpec[]): WorkloadSpec {
  return {
    kind: steps.length === 1 ? 'job' : 'pipeline',
    name,
    queue: 'default' as QueueName,
    priority: 0,
    labels: {},
    steps,
    source: '',
  };
}
