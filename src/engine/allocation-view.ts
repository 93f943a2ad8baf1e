import type { TimeMs } from '../base/units.ts';
import { type GpuTier, gpuTier } from '../inventory/pools.ts';
import {
  type AllocationFinding,
  type Measurement,
  type NodeCapacity,
  reportAllocation,
} from '../scheduling/allocation-report.ts';
import { type ConsolidationPlan, emptiest } from '../scheduling/consolidation.ts';
import { Occupancy } from '../scheduling/occupancy.ts';
import type { TaskRecord } from './records.ts';
import type { State } from './state.ts';

export interface AllocationView {
  /** Hot nodes, and tasks that hold much more or hardly less than they use; the gravest first. */
  readonly findings: readonly AllocationFinding[];
  /** GPUs of all nodes by tier of memory, the largest first. */
  readonly pools: readonly GpuPool[];
  /** Of what is free, the part that the largest free piece on one node is not, in basis points. */
  readonly fragmentation: Readonly<Record<'cpu' | 'memory' | 'gpu', number | undefined>>;
  /** The node that costs least to empty, with the moves and what is gained; absent where there is none. */
  readonly consolidation: ConsolidationPlan | undefined;
}

export interface GpuPool {
  readonly tier: GpuTier;
  readonly devices: number;
  /** Milli-GPU. */
  readonly held: number;
  readonly free: number;
}

export interface AllocationAsk {
  readonly at: TimeMs;
  /** What was measured of running tasks, by attempt. What nobody measured is in no finding. */
  readonly measurements: readonly Measurement[];
  /** A plan of more moves is none. */
  readonly movesMax: number;
}

/** How what is there is used, and what moving would gain. Reads the state; tries moves out and takes them back. */
export function allocationView(state: State, ask: AllocationAsk): AllocationView {
  return {
    findings: reportAllocation(ask.measurements, capacities(state)),
    pools: gpuPools(state),
    fragmentation: fragmentation(state),
    consolidation: consolidation(state, ask),
  };
}

function capacities(state: State): NodeCapacity[] {
  return state.nodes().flatMap(({ id, cpu, memory, gpus }) => [
    { node: id, resource: 'cpu' as const, capacity: cpu },
    { node: id, resource: 'memory' as const, capacity: memory },
    { node: id, resource: 'gpu' as const, capacity: gpus.length * 1000 },
  ]);
}

function gpuPools({ table }: State): GpuPool[] {
  const pools = new Map<GpuTier, { least: number; devices: number; free: number }>();
  for (let row = 0; row < table.rows; row++) {
    table.node(row)?.gpus.forEach(({ memory }, i) => {
      const tier = gpuTier(memory);
      const pool = pools.get(tier) ?? { least: memory, devices: 0, free: 0 };
      pools.set(tier, pool);
      pool.least = Math.min(pool.least, memory);
      pool.devices++;
      pool.free += table.freeGpu(row)[i]!;
    });
  }
  return [...pools]
    .sort(([, a], [, b]) => b.least - a.least)
    .map(([tier, { devices, free }]) => ({ tier, devices, held: devices * 1000 - free, free }));
}

function fragmentation({ table }: State): AllocationView['fragmentation'] {
  const of = (freeOf: (row: number) => number): number | undefined => {
    let [all, largest] = [0, 0];
    for (let row = 0; row < table.rows; row++) {
      if (table.node(row) === undefined) continue;
      const free = Math.max(0, freeOf(row));
      all += free;
      largest = Math.max(largest, free);
    }
    return all === 0 ? undefined : 10_000 - Math.floor((largest * 10_000) / all);
  };
  return {
    cpu: of((row) => table.freeCpu(row)),
    memory: of((row) => table.freeMemory(row)),
    gpu: of((row) => table.freeGpuSum(row)),
  };
}

function consolidation(
  state: State,
  { at, movesMax }: AllocationAsk,
): ConsolidationPlan | undefined {
  const { table, shapes } = state;
  const occupancy = new Occupancy<TaskRecord>();
  for (const { id, task, placement, placedAt, stop } of state.runningAttempts()) {
    const row = table.rowOf(placement.node)!;
    const { held, gpus } = placement;
    occupancy.add({ attempt: id, task, row, held, gpus, placedAt });
    if (stop !== undefined) occupancy.stop(id);
  }
  return emptiest(table, occupancy, {
    at,
    movesMax,
    // A move is a stop and a start: of a gang it would stop all.
    mayMove: ({ running, stopping }) =>
      !stopping && running.task.gang === undefined && running.task.stops?.preemptible !== false,
    askOf: ({ running }) => shapes.ask(running.task.shape),
  });
}
