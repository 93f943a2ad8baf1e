import { has, type IdSet, intersection, isEmpty, setOf, sizeOf } from './cpu-set.ts';
import { type Fact, fact, unknown } from './fact.ts';
import { found } from './inventory.ts';
import type { Outcomes } from './registry.ts';

/** What this process, and so what it starts, may use of the host: the least of all limits that hold. */
export interface EffectiveLimits {
  readonly cpus: Fact<IdSet>;
  readonly cpuMilli: Fact<number>;
  readonly memoryBytes: Fact<number>;
  /** Which limit is the one that binds. */
  readonly cpuBoundBy: 'host' | 'cpuset' | 'affinity' | 'quota';
  readonly memoryBoundBy: 'host' | 'memory-nodes' | 'cgroup';
}

export function effectiveLimits(outcomes: Outcomes): EffectiveLimits {
  return { ...cpuLimits(outcomes), ...memoryLimits(outcomes) };
}

function cpuLimits(outcomes: Outcomes) {
  const cpu = found(outcomes.cpu);
  const cgroup = found(outcomes.cgroup);
  if (cpu === undefined) {
    const nothing = unknown('failed');
    return { cpus: nothing, cpuMilli: nothing, cpuBoundBy: 'host' as const };
  }
  let cpus = setOf(cpu.threads.map((t) => t.id));
  let boundBy: EffectiveLimits['cpuBoundBy'] = 'host';
  const narrow = (by: 'cpuset' | 'affinity', to: Fact<IdSet> | undefined) => {
    if (to === undefined || !to.known) return;
    const left = intersection(cpus, to.value);
    if (isEmpty(left) || left === cpus) return;
    cpus = left;
    boundBy = by;
  };
  narrow('cpuset', cgroup?.cpus);
  narrow('affinity', cgroup?.affinity);
  let milli = sizeOf(cpus) * 1000;
  const quota = cgroup?.cpuMilli;
  if (quota?.known && quota.value !== 'unlimited' && quota.value < milli) {
    milli = quota.value;
    boundBy = 'quota';
  }
  return { cpus: fact(cpus, 'kernel'), cpuMilli: fact(milli, 'kernel'), cpuBoundBy: boundBy };
}

function memoryLimits(outcomes: Outcomes) {
  const host = found(outcomes.memory)?.totalBytes ?? unknown('failed');
  const cgroup = found(outcomes.cgroup);
  let memory = host;
  let boundBy: EffectiveLimits['memoryBoundBy'] = 'host';
  const nodes = memoryOfNodes(outcomes);
  if (nodes !== undefined && (!memory.known || nodes < memory.value)) {
    memory = fact(nodes, 'kernel');
    boundBy = 'memory-nodes';
  }
  const limit = cgroup?.memoryBytes;
  if (
    limit?.known &&
    limit.value !== 'unlimited' &&
    (!memory.known || limit.value < memory.value)
  ) {
    memory = fact(limit.value, 'kernel');
    boundBy = 'cgroup';
  }
  return { memoryBytes: memory, memoryBoundBy: boundBy };
}

/**
 * The memory of the nodes that our cpuset allows, without that of GPUs, which Linux counts as system memory
 * while the driver has it online. Undefined when this leaves out nothing, or a size is unknown.
 */
function memoryOfNodes(outcomes: Outcomes): number | undefined {
  const nodes = found(outcomes.numa) ?? [];
  const allowed = found(outcomes.cgroup)?.memoryNodes;
  const kept = nodes.filter(
    (node) => node.kind !== 'gpu' && (!allowed?.known || has(allowed.value, node.id)),
  );
  if (kept.length === nodes.length || kept.length === 0) return undefined;
  let sum = 0;
  for (const { totalBytes } of kept) {
    if (!totalBytes.known) return undefined;
    sum += totalBytes.value;
  }
  return sum;
}
