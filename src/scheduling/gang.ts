import type { Resources } from '../model/resources.ts';
import type { Topology } from '../model/workload.ts';
import { planBesideOthers } from './beside-others.ts';
import { looksAround, placeOf } from './company.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { allowed, feasible } from './place.ts';
import type { Ask } from './shape.ts';
import { Trial } from './trial.ts';

/** So many members of one gang on one node. */
export interface Seats {
  readonly row: NodeIndex;
  readonly members: number;
}

export interface GangAsk {
  readonly ask: Ask;
  readonly members: number;
  readonly topology?: Topology | undefined;
  /** What of a row is kept for others; what the table has set aside, when not given. */
  readonly aside?: (row: NodeIndex) => Resources | undefined;
  readonly allows?: (row: NodeIndex) => boolean;
}

/** Room for a gang: where all of it fits, or how far it is from that. */
export type GangPlan =
  | { readonly kind: 'fits'; readonly seats: readonly Seats[] }
  /** `room` is the most members that fit at once where the topology lets them. */
  | { readonly kind: 'short'; readonly room: number };

/** Tasks that ask for nothing fit as often as one likes. */
const ROOM_MAX = 1_000_000;
const CONSTRAINED_MAX = 1_000;

interface Domain {
  readonly value: string;
  readonly seats: Seats[];
  room: number;
}

/**
 * All or nothing: seats for every member on the table as it is, on the fewest nodes, the last on the node
 * that they fill best. A topology keeps them where a label has one value: the tightest such place, the
 * first of equals. One look at each row; nothing is taken.
 */
export function planGang(table: NodeTable, ask: GangAsk): GangPlan {
  if (looksAround(ask.ask.constraints)) return planBesideOthers(table, ask);
  const { members, topology } = ask;
  const domains = roomByDomain(table, ask);
  let best: Domain | undefined;
  let most = 0;
  for (const domain of domains) {
    if (domain.room > most) most = domain.room;
    if (domain.room < members || (topology !== undefined && domain.value === '')) continue;
    if (best === undefined || domain.room < best.room) best = domain;
  }
  if (best !== undefined) return { kind: 'fits', seats: fill(best.seats, members) };
  if (topology === undefined || topology.required) return { kind: 'short', room: most };
  // Preferred: as few domains as can be, the roomiest first.
  domains.sort((a, b) => b.room - a.room || (a.value < b.value ? -1 : 1));
  let left = members;
  const seats: Seats[] = [];
  for (const domain of domains) {
    const here = Math.min(left, domain.room);
    if (here > 0) seats.push(...fill(domain.seats, here));
    left -= here;
  }
  return left === 0 ? { kind: 'fits', seats } : { kind: 'short', room: members - left };
}

/** Rows with room, grouped by the value of the topology's label; rows without the label form no group. */
function roomByDomain(table: NodeTable, { ask, topology, aside, allows }: GangAsk) {
  const domains = new Map<string, Domain>();
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node === undefined || allows?.(row) === false) continue;
    const kept = aside === undefined ? table.aside(row) : aside(row);
    const room = roomOn(table, row, ask, kept);
    if (room === 0) continue;
    const value = topology === undefined ? '' : placeOf(node, topology.label);
    if (value === undefined && topology?.required === true) continue;
    const key = value ?? '';
    let domain = domains.get(key);
    if (domain === undefined) {
      domain = { value: key, seats: [], room: 0 };
      domains.set(key, domain);
    }
    domain.seats.push({ row, members: room });
    domain.room += room;
  }
  return [...domains.values()];
}

function roomOn(table: NodeTable, row: NodeIndex, ask: Ask, kept: Resources | undefined): number {
  const room = table.slots(row, ask, kept, ROOM_MAX);
  if (room === 0 || !allowed(table, row, ask)) return 0;
  if (ask.constraints === undefined) return room;
  // Devices of a node may differ: counted one by one.
  const before = table.aside(row);
  if (before !== kept) table.setAside(row, kept);
  const trial = new Trial(table);
  let counted = 0;
  for (; counted < room && counted < CONSTRAINED_MAX && feasible(table, row, ask); counted++) {
    trial.place(row, ask);
  }
  trial.undo();
  if (before !== kept) table.setAside(row, before);
  return counted;
}

function fill(seats: readonly Seats[], members: number): Seats[] {
  const roomiest = seats.toSorted((a, b) => b.members - a.members || a.row - b.row);
  const filled: Seats[] = [];
  let left = members;
  for (const seat of roomiest) {
    if (seat.members < left) {
      filled.push(seat);
      left -= seat.members;
      continue;
    }
    const last = roomiest.findLast((other) => other.members >= left && !filled.includes(other))!;
    filled.push({ row: last.row, members: left });
    return filled;
  }
  return filled;
}
