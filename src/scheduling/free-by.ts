import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Resources } from '../model/resources.ts';
import type { Topology } from '../model/workload.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy } from './occupancy.ts';
import type { Candidate } from './scheduler.ts';

export interface SeatsWanted {
  readonly ask: Resources;
  readonly members: number;
  readonly topology?: Topology | undefined;
  readonly at: TimeMs;
}

/** Rows by the value of a label; those without it are in no domain. */
export function domainsOf(table: NodeTable, { label }: Topology): Iterable<NodeIndex[]> {
  const domains = new Map<string, NodeIndex[]>();
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    const value = label === 'node' ? node?.id : node?.labels[label];
    if (value === undefined) continue;
    const rows = domains.get(value);
    if (rows === undefined) domains.set(value, [row]);
    else rows.push(row);
  }
  return domains.values();
}

/**
 * When all members fit by what the running tasks are expected to take, by the sums of each node; undefined
 * when nobody knows. What runs longer than it was expected to may run for ever.
 */
export function freeBy<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  wanted: SeatsWanted,
): TimeMs | undefined {
  const { topology } = wanted;
  const required = topology?.required === true ? topology : undefined;
  let best = UNLIMITED;
  if (required === undefined) {
    const times = new EarliestTimes(wanted.members);
    for (let row = 0; row < table.rows; row++) seatTimes(table, occupancy, row, wanted, times);
    best = times.last();
  } else {
    for (const rows of domainsOf(table, required)) {
      const times = new EarliestTimes(wanted.members);
      for (const row of rows) seatTimes(table, occupancy, row, wanted, times);
      best = Math.min(best, times.last());
    }
  }
  return best === UNLIMITED ? undefined : (best as TimeMs);
}

/** The first so many of all times that are added. */
class EarliestTimes {
  readonly #count: number;
  readonly #times: number[] = [];
  /** No later time can be among them. */
  before = UNLIMITED;

  constructor(count: number) {
    this.#count = count;
  }

  add(time: number): void {
    if (time >= this.before) return;
    this.#times.push(time);
    if (this.#times.length < 2 * this.#count) return;
    this.#cut();
  }

  /** The latest of them; UNLIMITED when there are too few. */
  last(): number {
    this.#cut();
    return this.before;
  }

  #cut(): void {
    const times = this.#times;
    if (times.length < this.#count) return;
    times.sort((a, b) => a - b);
    times.length = this.#count;
    this.before = times[this.#count - 1]!;
  }
}

/** The times at which the row has room for one more, those that come too late left out. */
function seatTimes<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  row: NodeIndex,
  { ask, members, at }: SeatsWanted,
  times: EarliestTimes,
): void {
  const aside = table.aside(row);
  let seats = table.slots(row, ask, aside, members);
  for (let i = 0; i < seats; i++) times.add(at);
  let cpu = table.freeCpu(row) - (aside?.cpu ?? 0);
  let memory = table.freeMemory(row) - (aside?.memory ?? 0);
  let gpu = table.freeGpuSum(row) - (aside?.gpu ?? 0);
  // First by sums alone: most rows free too little soon enough to matter.
  let [soonCpu, soonMemory, soonGpu] = [cpu, memory, gpu];
  for (const { running, stopping } of occupancy.onRow(row)) {
    const { held } = running;
    const end = running.placedAt + (running.task.estimateMs ?? UNLIMITED);
    if (!stopping && (end <= at || end >= times.before)) continue;
    soonCpu += held.cpu;
    soonMemory += held.memory;
    soonGpu += held.gpu;
    if (!stopping) continue;
    cpu += held.cpu;
    memory += held.memory;
    gpu += held.gpu;
  }
  if (room(ask, soonCpu, soonMemory, soonGpu) <= seats) return;
  const ending: { end: number; held: Resources }[] = [];
  for (const { running, stopping } of occupancy.onRow(row)) {
    const end = running.placedAt + (running.task.estimateMs ?? UNLIMITED);
    if (!stopping && end > at && end < times.before) ending.push({ end, held: running.held });
  }
  ending.sort((a, b) => a.end - b.end);
  for (const { end, held } of ending) {
    cpu += held.cpu;
    memory += held.memory;
    gpu += held.gpu;
    const now = room(ask, cpu, memory, gpu);
    for (; seats < now && seats < members; seats++) times.add(end);
  }
}

const room = (ask: Resources, cpu: number, memory: number, gpu: number): number =>
  Math.min(goesInto(cpu, ask.cpu), goesInto(memory, ask.memory), goesInto(gpu, ask.gpu));

const goesInto = (free: number, ask: number): number =>
  ask === 0 ? UNLIMITED : Math.floor(Math.max(0, free) / ask);
