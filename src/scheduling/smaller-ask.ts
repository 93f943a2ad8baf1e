import type { Bytes, MilliCpu, MilliGpu } from '../base/units.ts';
import { less } from './holds.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from './node-table.ts';
import { feasible } from './place.ts';
import type { Ask } from './shape.ts';

const MIB = 1024 ** 2;
/** Devices of one node that are tried, one less each time. */
const GPUS_TRIED_MAX = 64;

/**
 * The ask cut down to what one node has free, on the node where the least is cut: by the part of the resource
 * that is cut most. Undefined when no node has something of everything that is asked for.
 */
export function smallerAsk(table: NodeTable, ask: Ask): Ask | undefined {
  let best: Ask | undefined;
  let bestPart = 0;
  for (let row = 0; row < table.rows; row++) {
    const cut = cutTo(table, row, ask);
    const part = cut === undefined ? 0 : leastPart(ask, cut);
    if (part <= bestPart) continue;
    best = cut;
    bestPart = part;
  }
  return best;
}

function cutTo(table: NodeTable, row: NodeIndex, ask: Ask): Ask | undefined {
  if (table.node(row) === undefined) return undefined;
  const free = less(
    {
      cpu: table.freeCpu(row) as MilliCpu,
      memory: table.freeMemory(row) as Bytes,
      gpu: table.freeGpuSum(row) as MilliGpu,
      custom: ask.custom.map(([name]) => [name, table.freeCustom(row, name)] as const),
    },
    table.aside(row) ?? { cpu: 0 as MilliCpu, memory: 0 as Bytes, gpu: 0 as MilliGpu, custom: [] },
  );
  const mib = Math.floor(free.memory / MIB) * MIB;
  const custom = ask.custom.map(([name, amount], i) => {
    return [name, Math.min(amount, free.custom[i]?.[1] ?? 0)] as const;
  });
  const cut: Ask = {
    ...ask,
    cpu: Math.min(ask.cpu, free.cpu) as MilliCpu,
    memory: (ask.memory <= free.memory ? ask.memory : mib) as Bytes,
    custom,
  };
  for (const gpu of gpusToTry(ask.gpu, table.gpuFreeFor(row, ask.gpu))) {
    const tried = { ...cut, gpu: gpu as MilliGpu };
    if (feasible(table, row, tried)) return tried;
  }
  return undefined;
}

/** Shares stay shares, and whole devices whole devices. */
function gpusToTry(asked: number, free: number): number[] {
  if (asked === 0) return [0];
  if (asked < WHOLE_GPU) return [Math.min(asked, free)].filter((share) => share > 0);
  const most = Math.min(asked, free, GPUS_TRIED_MAX * WHOLE_GPU);
  return Array.from({ length: most / WHOLE_GPU }, (_, i) => most - i * WHOLE_GPU);
}

/** 0 where all of something is cut. */
function leastPart(ask: Ask, cut: Ask): number {
  let least = 1;
  const of = (asked: number, left: number): void => {
    if (asked > 0) least = Math.min(least, left / asked);
  };
  of(ask.cpu, cut.cpu);
  of(ask.memory, cut.memory);
  of(ask.gpu, cut.gpu);
  for (const [i, [, amount]] of ask.custom.entries()) of(amount, cut.custom[i]![1]);
  return least;
}
