import { placeOf } from './company.ts';
import type { GangAsk, GangPlan, Seats } from './gang.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { feasible } from './place.ts';
import { Trial } from './trial.ts';

/**
 * Seats for a gang whose members mind each other or other tasks: one after the other, each where fewest of
 * them sit, tried out on the table. One look at every node for each member; nothing is taken.
 */
export function planBesideOthers(table: NodeTable, ask: GangAsk): GangPlan {
  const { topology, members } = ask;
  const unkept = withoutAside(table, ask);
  try {
    let most = 0;
    for (const rows of topology?.required === true ? places(table, topology.label) : [undefined]) {
      const seats = seat(table, ask, rows);
      const room = seats.reduce((sum, { members: here }) => sum + here, 0);
      if (room === members) return { kind: 'fits', seats };
      if (room > most) most = room;
    }
    return { kind: 'short', room: most };
  } finally {
    for (const [row, kept] of unkept) table.setAside(row, kept);
  }
}

function seat(table: NodeTable, { ask, members, allows }: GangAsk, rows?: readonly NodeIndex[]) {
  const trial = new Trial(table);
  const seats = new Map<NodeIndex, number>();
  const open = (rows ?? Array.from({ length: table.rows }, (_, row) => row)).filter(
    (row) => table.node(row) !== undefined && allows?.(row) !== false,
  );
  for (let n = 0; n < members; n++) {
    let best: NodeIndex | undefined;
    for (const row of open) {
      if (best !== undefined && (seats.get(row) ?? 0) >= (seats.get(best) ?? 0)) continue;
      if (feasible(table, row, ask)) best = row;
    }
    if (best === undefined) break;
    trial.place(best, ask);
    seats.set(best, (seats.get(best) ?? 0) + 1);
  }
  trial.undo();
  return [...seats].map(([row, here]): Seats => ({ row, members: here }));
}

function places(table: NodeTable, label: string): NodeIndex[][] {
  const byPlace = new Map<string, NodeIndex[]>();
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    const place = node && placeOf(node, label);
    if (place === undefined) continue;
    const rows = byPlace.get(place);
    if (rows === undefined) byPlace.set(place, [row]);
    else rows.push(row);
  }
  return [...byPlace.values()];
}

/** What is set aside for others stays; what is set aside for this gang is its own. */
function withoutAside(table: NodeTable, { aside }: GangAsk) {
  const changed: [NodeIndex, ReturnType<NodeTable['aside']>][] = [];
  for (let row = 0; aside !== undefined && row < table.rows; row++) {
    const kept = table.aside(row);
    const own = aside(row);
    if (kept === own) continue;
    changed.push([row, kept]);
    table.setAside(row, own);
  }
  return changed;
}
