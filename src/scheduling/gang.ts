import { attemptId, parseAttemptId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { Topology } from '../model/workload.ts';
import { planBesideOthers } from './beside-others.ts';
import { looksAround, placeOf } from './company.ts';
import { domainsOf } from './free-by.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { allowed, feasible } from './place.ts';
import type { Candidate } from './scheduler.ts';
import type { Ask } from './shape.ts';
import { Trial } from './trial.ts';

/** So many members of one gang on one node. */
export interface Seats {
  readonly row: NodeIndex;
  readonly members: number;
}

/** So many members of one gang that ask for the same. */
export interface GangPart {
  readonly ask: Ask;
  readonly members: number;
}

export interface GangAsk extends GangPart {
  /** Members that ask for less: `ask` is that of those that grew most. From the largest to the smallest. */
  readonly smaller?: readonly GangPart[] | undefined;
  readonly topology?: Topology | undefined;
  /** What of a row is kept for others; what the table has set aside, when not given. */
  readonly aside?: ((row: NodeIndex) => Resources | undefined) | undefined;
  readonly allows?: ((row: NodeIndex) => boolean) | undefined;
  /** Only these rows, in ascending order; absent: all. */
  readonly rows?: readonly NodeIndex[] | undefined;
  /** The most members that a row may have, whatever fits. */
  readonly roomMax?: ((row: NodeIndex) => number) | undefined;
}

/** Room for a gang: where all of it fits, or how far it is from that. */
export type GangPlan =
  /** First the seats of the largest members, then those of the `smaller` ones in their order. */
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
 * All or nothing: seats for every member on the table as it is. Members that ask for different amounts get
 * seats as if all asked for the most, and only where that fails, one part after the other, the largest first.
 */
export function planGang(table: NodeTable, gang: GangAsk): GangPlan {
  const { smaller = [], topology } = gang;
  const members = smaller.reduce((sum, part) => sum + part.members, gang.members);
  const alike = planAlike(table, { ...gang, members });
  if (alike.kind === 'fits' || smaller.length === 0) return alike;
  const parts = [{ ask: gang.ask, members: gang.members }, ...smaller];
  if (topology !== undefined) {
    for (const rows of domainsOf(table, topology)) {
      const allows = (row: NodeIndex) => rows.includes(row) && gang.allows?.(row) !== false;
      const seats = planParts(table, parts, { ...gang, allows });
      if (seats !== undefined) return { kind: 'fits', seats };
    }
    if (topology.required) return alike;
  }
  const seats = planParts(table, parts, gang);
  return seats === undefined ? alike : { kind: 'fits', seats };
}

function planParts(
  table: NodeTable,
  parts: readonly GangPart[],
  { aside, allows }: Pick<GangAsk, 'aside' | 'allows'>,
): Seats[] | undefined {
  const trial = new Trial(table);
  const all: Seats[] = [];
  try {
    for (const part of parts) {
      const plan = planAlike(table, { ...part, aside, allows });
      if (plan.kind !== 'fits') return undefined;
      for (const seats of plan.seats) {
        all.push(seats);
        for (let i = 0; i < seats.members; i++) trial.place(seats.row, part.ask);
      }
    }
    return all;
  } finally {
    trial.undo();
  }
}

/**
 * Seats for members that all ask for the same, on the fewest nodes, the last on the node
 * that they fill best. A topology keeps them where a label has one value: the tightest such place, the
 * first of equals. One look at each row; nothing is taken.
 */
function planAlike(table: NodeTable, ask: GangAsk): GangPlan {
  if (looksAround(ask.ask.constraints)) return planBesideOthers(table, ask);
  return choose(roomByDomain(table, ask), ask.members, ask.topology);
}

function choose(domains: Domain[], members: number, topology: Topology | undefined): GangPlan {
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

/** The same where the room of each row is known. */
export function seatsAmong(
  table: NodeTable,
  rooms: readonly Seats[],
  members: number,
  topology: Topology | undefined,
): readonly Seats[] | undefined {
  const domains = new Map<string, Domain>();
  for (const room of rooms) if (room.members > 0) enter(domains, table, room, topology);
  const plan = choose([...domains.values()], members, topology);
  return plan.kind === 'fits' ? plan.seats : undefined;
}

/** Rows with room, grouped by the value of the topology's label; rows without the label form no group. */
function roomByDomain(table: NodeTable, { ask, topology, aside, allows, rows, roomMax }: GangAsk) {
  const domains = new Map<string, Domain>();
  const end = rows?.length ?? table.rows;
  for (let i = 0; i < end; i++) {
    const row = rows === undefined ? i : rows[i]!;
    if (table.node(row) === undefined || allows?.(row) === false) continue;
    const kept = aside === undefined ? table.aside(row) : aside(row);
    const fits = roomOn(table, row, ask, kept);
    const members = roomMax === undefined || fits === 0 ? fits : Math.min(fits, roomMax(row));
    if (members > 0) enter(domains, table, { row, members }, topology);
  }
  return [...domains.values()];
}

function enter(
  domains: Map<string, Domain>,
  table: NodeTable,
  seats: Seats,
  topology: Topology | undefined,
): void {
  const node = table.node(seats.row)!;
  const value = topology === undefined ? '' : placeOf(node, topology.label);
  if (value === undefined && topology?.required === true) return;
  const key = value ?? '';
  let domain = domains.get(key);
  if (domain === undefined) {
    domain = { value: key, seats: [], room: 0 };
    domains.set(key, domain);
  }
  domain.seats.push(seats);
  domain.room += seats.members;
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

/** Its members find too few seats, now or ever. */
export function noRoomFor(
  { id, gang }: Candidate,
  is: { readonly needed: number; readonly room: number; readonly neverFits: boolean },
): Refusal {
  const { needed, room } = is;
  const topology = gang?.topology?.label;
  if (!is.neverFits) return { code: 'gang-no-room', needed, room, topology };
  const { step } = parseAttemptId(attemptId(id, 1))!;
  return { code: 'gang-never-fits', step, needed, room, topology };
}
