import { bytes, milliCpu } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import type { ReadOptions } from './trace-format.ts';

/** More than any one machine has had; beyond it milli-CPU would not be whole numbers for certain. */
export const PROCS_MAX = 100_000_000;
/** As much as nobody asks for: of a machine of which only processors are told. */
const ANY_MEMORY = bytes(2 ** 50);

/** What the processors of a trace are on. */
export interface Machine {
  readonly nodes: readonly Node[];
  readonly cores: number;
  /** Of the node that has most. */
  readonly coresPerNode: number;
}

/** One node with so many cores: how the figures that are published of such logs see their machines. */
export const pool = (procs: number): Machine => ({
  nodes: [
    {
      id: 'machine' as NodeId,
      cpu: milliCpu(procs * 1000),
      memory: ANY_MEMORY,
      gpus: [],
      custom: [],
      labels: {},
    },
  ],
  cores: procs,
  coresPerNode: procs,
});

/** As whoever reads it says, else as the trace itself does. */
export function machineOf(options: ReadOptions, told: number | undefined): Machine | undefined {
  if (options.procs !== undefined) return pool(options.procs);
  if (options.nodes !== undefined) {
    const cores = options.nodes.map((node) => Math.floor(node.cpu / 1000));
    return {
      nodes: options.nodes,
      cores: cores.reduce((sum, count) => sum + count, 0),
      coresPerNode: cores.reduce((most, count) => Math.max(most, count), 0),
    };
  }
  return told === undefined ? undefined : pool(told);
}

/**
 * Processors that no one node has, as equal tasks: as few as can be, or up to twice as many where they then are
 * exactly as many processors. Otherwise the last task is larger than what is left.
 */
export function splitProcessors(procs: number, perNode: number): { tasks: number; each: number } {
  const fewest = Math.ceil(procs / Math.max(1, perNode));
  for (let tasks = fewest; tasks <= 2 * fewest && tasks <= procs; tasks++) {
    if (procs % tasks === 0) return { tasks, each: procs / tasks };
  }
  return { tasks: fewest, each: Math.ceil(procs / fewest) };
}
