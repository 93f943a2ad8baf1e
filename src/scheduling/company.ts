import { assert } from '../base/assert.ts';
import type { CompanyRule, Constraints, DataRule } from '../model/constraints.ts';
import type { Node } from '../model/node.ts';
import { labelHolds } from './label-holds.ts';
import type { NodeTable } from './node-table.ts';
import { isMeant } from './residents.ts';
import type { Ask, BoundConstraints } from './shape.ts';

/** Of one rule: how many of those it means run in each place. */
interface Counted {
  readonly byPlace: ReadonlyMap<string, number>;
  readonly total: number;
  /** Of `spread`: the fewest in a place that the task may be in. */
  readonly least: number;
  /** Whether the task will count itself. */
  readonly selfMeant: boolean;
}

interface View {
  readonly stamp: string;
  /** As the constraints list their rules. */
  readonly company: readonly Counted[];
  /** Of each rule about data, by name: the places that hold it. */
  readonly data: readonly (readonly ReadonlySet<string>[])[];
}

/** The places of a label; `node` tells nodes themselves apart. */
export function placeOf(node: Node, topology: string): string | undefined {
  if (topology === 'node') return node.id;
  return Object.hasOwn(node.labels, topology) ? node.labels[topology] : undefined;
}

/** Whether a verdict about one node depends on other nodes: such asks look at every node each time. */
export function looksAround(constraints: Constraints | undefined): boolean {
  if (constraints === undefined) return false;
  const { company, data } = constraints;
  return company !== undefined || (data?.some(({ within }) => within !== 'node') ?? false);
}

/** Whether it may find room although no node was freed: where others start or end matters to it. */
export const mindsOthers = (constraints: BoundConstraints | undefined): boolean =>
  constraints?.spot !== undefined || looksAround(constraints);

/** What is asked for whoever else runs: rules about others say nothing of nodes that are empty. */
export function besideNobody<A extends Ask>(ask: A): A {
  const { constraints: all } = ask;
  if (all === undefined) return ask;
  const { company: _, scratch: __, spot, ...constraints } = all;
  return { ...ask, constraints: { ...constraints, ...(spot && { spot: 'ever' }) } };
}

export function keepsCompany(
  table: NodeTable,
  node: Node,
  constraints: BoundConstraints,
  index: number,
): boolean {
  const rule = constraints.company![index]!;
  const { byPlace, total, least, selfMeant } = viewOf(table, constraints).company[index]!;
  const place = placeOf(node, rule.topology);
  if (place === undefined) return rule.kind === 'apart';
  const here = byPlace.get(place) ?? 0;
  if (rule.kind === 'apart') return here === 0;
  // The first of those who are to be near each other goes anywhere.
  if (rule.kind === 'near') return here > 0 || (total === 0 && selfMeant);
  return here + (selfMeant ? 1 : 0) - least <= rule.maxSkew;
}

/** Of those that a rule means, how many run in the node's place; undefined where it is in none. */
export function companyAt(
  table: NodeTable,
  node: Node,
  constraints: BoundConstraints,
  index: number,
): number | undefined {
  const place = placeOf(node, constraints.company![index]!.topology);
  if (place === undefined) return undefined;
  return viewOf(table, constraints).company[index]!.byPlace.get(place) ?? 0;
}

/** How many of the rule's data are near the node. */
export function dataNear(
  table: NodeTable,
  node: Node,
  constraints: BoundConstraints,
  index: number,
): number {
  const rule = constraints.data![index]!;
  if (rule.within === 'node') return rule.names.filter((name) => holds(node, name)).length;
  const place = placeOf(node, rule.within);
  if (place === undefined) return 0;
  const places = viewOf(table, constraints).data[index]!;
  return places.filter((held) => held.has(place)).length;
}

const holds = (node: Node, name: string): boolean => Object.hasOwn(node.labels, `data/${name}`);

/** The last view of each ask: good for all nodes of one search. */
const views = new WeakMap<NodeTable, WeakMap<BoundConstraints, View>>();

function viewOf(table: NodeTable, constraints: BoundConstraints): View {
  let known = views.get(table);
  if (known === undefined) {
    known = new WeakMap();
    views.set(table, known);
  }
  const stamp = `${table.changeCount}/${table.residents.version}`;
  const last = known.get(constraints);
  if (last?.stamp === stamp) return last;
  const view = {
    stamp,
    company: (constraints.company ?? []).map((rule) => counted(table, constraints, rule)),
    data: (constraints.data ?? []).map((rule) => placesOfData(table, rule)),
  };
  known.set(constraints, view);
  return view;
}

function counted(table: NodeTable, constraints: BoundConstraints, rule: CompanyRule): Counted {
  const { self } = constraints;
  assert(self !== undefined, 'who asks for company is known');
  const { byRow, total } = table.residents.company(rule, self);
  const byPlace = new Map<string, number>();
  for (const [row, count] of byRow) {
    const node = table.node(row);
    const place = node && placeOf(node, rule.topology);
    if (place !== undefined) byPlace.set(place, (byPlace.get(place) ?? 0) + count);
  }
  const selfMeant = isMeant(rule, self, self);
  const least = rule.kind === 'spread' ? fewest(table, constraints, rule, byPlace) : 0;
  return { byPlace, total, least, selfMeant };
}

/** Places that its labels forbid, or where every node is closed, do not hold the others back. */
function fewest(
  table: NodeTable,
  { labels }: Constraints,
  { topology }: CompanyRule,
  byPlace: ReadonlyMap<string, number>,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node === undefined || node.closed !== undefined) continue;
    const place = placeOf(node, topology);
    if (place === undefined) continue;
    const here = byPlace.get(place) ?? 0;
    if (here >= least) continue;
    if (labels.every((expression) => labelHolds(expression, node.labels))) least = here;
  }
  return least === Number.POSITIVE_INFINITY ? 0 : least;
}

function placesOfData(table: NodeTable, { names, within }: DataRule): ReadonlySet<string>[] {
  const places = names.map(() => new Set<string>());
  for (let row = 0; within !== 'node' && row < table.rows; row++) {
    const node = table.node(row);
    const place = node && placeOf(node, within);
    if (place === undefined) continue;
    names.forEach((name, i) => {
      if (holds(node!, name)) places[i]!.add(place);
    });
  }
  return places;
}
