import { assert } from '../base/assert.ts';
import { allowsGpu } from './allows-gpu.ts';
import { mindsOthers } from './company.ts';
import { aloneFor } from './device-owners.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from './node-table.ts';
import { feasible } from './place.ts';
import type { Ask } from './shape.ts';

/** So many tasks of one kind that wait, and what placing one of them is worth: a positive integer. */
export interface Pending {
  readonly ask: Ask;
  readonly count: number;
  readonly worth: number;
}

export interface Assignment {
  /** Index into the pending kinds. */
  readonly kind: number;
  readonly row: NodeIndex;
  readonly gpus: readonly string[];
}

/**
 * Solves a maximisation written in CPLEX LP format to proven optimality and gives the values of the
 * variables that are not 0; undefined when it could not (time, memory). HiGHS does.
 */
export type SolveProgram = (program: string) => ReadonlyMap<string, number> | undefined;

export type OptimalPlan =
  | {
      readonly kind: 'planned';
      readonly assignments: readonly Assignment[];
      readonly worth: number;
    }
  | { readonly kind: 'too-large'; readonly variables: number }
  | { readonly kind: 'unsolved' };

/** Programs beyond this take minutes. A caller then falls back to a scorer and says so. */
export const VARIABLES_MAX = 4_000;

/**
 * The placements of most worth, exactly: which kind goes how often to which node, and shares to which
 * device. One integer per kind and node (or device, for shares), one 0/1 per idle device that is opened
 * to shares; capacities are the rows. For small instances: the `optimal` strategy, and a yardstick for others.
 */
export function planOptimal(
  table: NodeTable,
  pending: readonly Pending[],
  solve: SolveProgram,
): OptimalPlan {
  // The program knows whole devices and parts of plain ones.
  if (pending.some(({ ask }) => ask.gpu > 0 && !isPlainAsk(table, ask)))
    return { kind: 'unsolved' };
  const program = new Program(table, pending);
  const variables = program.places.length + program.opened.length;
  if (variables > VARIABLES_MAX) return { kind: 'too-large', variables };
  if (program.places.length === 0) return { kind: 'planned', assignments: [], worth: 0 };
  const values = solve(program.text());
  if (values === undefined) return { kind: 'unsolved' };
  const assignments = program.assignments(values);
  if (assignments === undefined) return { kind: 'unsolved' };
  const worth = assignments.reduce((sum, { kind }) => sum + pending[kind]!.worth, 0);
  return { kind: 'planned', assignments, worth };
}

/** A variable: how many of a kind go to a node, or for shares to one device of it. */
interface Place {
  readonly name: string;
  readonly kind: number;
  readonly row: NodeIndex;
  /** Index of the device, for a share. */
  readonly device: number | undefined;
  /** Whole devices come out of these: how many out of each is a variable where there are several. */
  readonly pools: readonly Pool[];
}

/** The devices of one model and memory on a node. */
interface Pool {
  readonly name: string;
  readonly row: NodeIndex;
  readonly devices: readonly number[];
}

/** A variable of 0 or 1: whether an idle device is given out in shares. */
interface Opened {
  readonly name: string;
  readonly row: NodeIndex;
  readonly device: number;
}

class Program {
  readonly places: readonly Place[];
  readonly opened: readonly Opened[];
  readonly #table: NodeTable;
  readonly #pending: readonly Pending[];

  constructor(table: NodeTable, pending: readonly Pending[]) {
    this.#table = table;
    this.#pending = pending;
    const places: Place[] = [];
    const opened: Opened[] = [];
    for (let row = 0; row < table.rows; row++) {
      if (table.node(row) === undefined) continue;
      const shared = new Set<number>();
      pending.forEach(({ ask, count, worth }, kind) => {
        assert(Number.isSafeInteger(worth) && worth > 0, 'a positive integer worth');
        if (count === 0 || !mayGo(table, row, ask)) return;
        for (const device of devicesFor(table, row, ask)) {
          const pools = device !== undefined || ask.gpu === 0 ? [] : poolsFor(table, row, ask);
          places.push({ name: `x${places.length}`, kind, row, device, pools });
          if (device !== undefined && table.freeGpu(row)[device] === WHOLE_GPU) shared.add(device);
        }
      });
      for (const device of shared) opened.push({ name: `s${opened.length}`, row, device });
    }
    this.places = places;
    this.opened = opened;
  }

  text(): string {
    const worth = this.places.map(({ name, kind }) => term(this.#pending[kind]!.worth, name));
    const rows = [
      ...this.#countRows(),
      ...this.#nodeRows(),
      ...this.#poolRows(),
      ...this.#deviceRows(),
    ];
    const split = this.places.flatMap((place) =>
      splitOf(place).map((pool) => fromPool(place, pool)),
    );
    const bounds = this.places.map(
      ({ name, kind }) => `0 <= ${name} <= ${this.#pending[kind]!.count}`,
    );
    return [
      'Maximize',
      ` worth: ${sum(worth)}`,
      'Subject To',
      ...rows.map(
        ({ terms, most, exactly }, i) =>
          ` r${i}: ${sum(terms)} ${exactly === true ? '=' : '<='} ${most}`,
      ),
      'Bounds',
      ...bounds.map((bound) => ` ${bound}`),
      'General',
      ...[...this.places.map(({ name }) => name), ...split].map((name) => ` ${name}`),
      'Binary',
      ...this.opened.map(({ name }) => ` ${name}`),
      'End',
      '',
    ].join('\n');
  }

  /** Undefined when the values break a capacity: a solver's tolerance is no reason to oversubscribe. */
  assignments(values: ReadonlyMap<string, number>): readonly Assignment[] | undefined {
    const table = this.#table;
    const taken = this.opened.filter(({ name }) => Math.round(values.get(name) ?? 0) === 1);
    const used = new Map<NodeIndex, Set<number>>();
    for (const { row, device } of taken) used.set(row, (used.get(row) ?? new Set()).add(device));
    const found: Assignment[] = [];
    for (const place of this.places) {
      const { name, kind, row, device } = place;
      const { ask } = this.#pending[kind]!;
      const { gpus } = table.node(row)!;
      const busy = used.get(row) ?? new Set<number>();
      used.set(row, busy);
      const times = Math.round(values.get(name) ?? 0);
      const idle = device === undefined ? this.#idle(place, values, times, busy) : [];
      for (let n = 0; n < times; n++) {
        const wanted = Math.floor(ask.gpu / WHOLE_GPU);
        const chosen = device === undefined ? idle.splice(0, wanted) : [device];
        if (device === undefined && chosen.length < wanted) return undefined;
        found.push({ kind, row, gpus: chosen.map((i) => gpus[i]!.id) });
      }
    }
    return keepsCapacities(table, this.#pending, found) ? found : undefined;
  }

  #countRows(): Row[] {
    return this.#pending.map(({ count }, kind) => ({
      terms: this.places.filter((p) => p.kind === kind).map(({ name }) => term(1, name)),
      most: count,
    }));
  }

  #nodeRows(): Row[] {
    const rows: Row[] = [];
    for (let row = 0; row < this.#table.rows; row++) {
      const here = this.places.filter((place) => place.row === row);
      if (here.length === 0) continue;
      const table = this.#table;
      const amounts = (amountOf: (ask: Ask) => number, most: number): void => {
        const asked = here.map(({ kind }) => amountOf(this.#pending[kind]!.ask));
        // In units of the greatest common divisor: bytes beside counts would strain the solver's tolerance.
        const unit = asked.reduce(divisor, 0);
        if (unit === 0) return;
        const terms = here.map(({ name }, i) => term(asked[i]! / unit, name));
        rows.push({ terms, most: Math.floor(Math.max(0, most) / unit) });
      };
      amounts((ask) => ask.cpu, table.freeCpu(row));
      amounts((ask) => ask.memory, table.freeMemory(row));
      const names = new Set(
        here.flatMap(({ kind }) => this.#pending[kind]!.ask.custom.map(([n]) => n)),
      );
      for (const name of names) {
        amounts(
          (ask) => ask.custom.find(([n]) => n === name)?.[1] ?? 0,
          table.freeCustom(row, name),
        );
      }
    }
    return rows.filter(({ terms }) => terms.length > 0);
  }

  /** Marks and gives the idle devices that the values take out of each pool for this place. */
  #idle(
    place: Place,
    values: ReadonlyMap<string, number>,
    times: number,
    busy: Set<number>,
  ): number[] {
    const free = this.#table.freeGpu(place.row);
    const devices = times * Math.floor(this.#pending[place.kind]!.ask.gpu / WHOLE_GPU);
    return place.pools.flatMap((pool) => {
      const split = splitOf(place).length > 0;
      const wanted = split ? Math.round(values.get(fromPool(place, pool)) ?? 0) : devices;
      const idle = pool.devices.filter((i) => free[i] === WHOLE_GPU && !busy.has(i));
      const chosen = idle.slice(0, wanted);
      for (const i of chosen) busy.add(i);
      return chosen;
    });
  }

  /** Idle devices of a pool are given whole or opened to shares, each once. */
  #poolRows(): Row[] {
    const termsOf = new Map<string, { readonly pool: Pool; readonly terms: string[] }>();
    const rows: Row[] = [];
    for (const place of this.places) {
      const devices = this.#pending[place.kind]!.ask.gpu / WHOLE_GPU;
      const split = splitOf(place).length > 0;
      for (const pool of place.pools) {
        const entry = termsOf.get(pool.name) ?? { pool, terms: [] };
        termsOf.set(pool.name, entry);
        entry.terms.push(split ? term(1, fromPool(place, pool)) : term(devices, place.name));
      }
      if (!split) continue;
      const parts = place.pools.map((pool) => term(1, fromPool(place, pool)));
      rows.push({ terms: [...parts, term(-devices, place.name)], most: 0, exactly: true });
    }
    for (const { pool, terms } of termsOf.values()) {
      const free = this.#table.freeGpu(pool.row);
      for (const { name, row, device } of this.opened) {
        if (row === pool.row && pool.devices.includes(device)) terms.push(term(1, name));
      }
      rows.push({ terms, most: pool.devices.filter((i) => free[i] === WHOLE_GPU).length });
    }
    return rows;
  }

  /** Shares fit on their device; on an idle one only when it is opened. */
  #deviceRows(): Row[] {
    const shares = new Map<string, { row: NodeIndex; device: number; terms: string[] }>();
    for (const { name, kind, row, device } of this.places) {
      if (device === undefined) continue;
      const key = `${row}/${device}`;
      const entry = shares.get(key) ?? { row, device, terms: [] };
      entry.terms.push(term(this.#pending[kind]!.ask.gpu, name));
      shares.set(key, entry);
    }
    return [...shares.values()].map(({ row, device, terms }) => {
      const opened = this.opened.find((o) => o.row === row && o.device === device);
      return opened === undefined
        ? { terms, most: this.#table.freeGpu(row)[device]! }
        : { terms: [...terms, term(-WHOLE_GPU, opened.name)], most: 0 };
    });
  }
}

interface Row {
  readonly terms: readonly string[];
  readonly most: number;
  readonly exactly?: true;
}

const fromPool = (place: Place, pool: Pool): string => `${place.name}${pool.name}`;
/** The pools that need a variable each. */
const splitOf = (place: Place): readonly Pool[] => (place.pools.length > 1 ? place.pools : []);

const mayGo = (table: NodeTable, row: NodeIndex, ask: Ask): boolean =>
  // Rows of the program do not say who is beside whom.
  !mindsOthers(ask.constraints) && feasible(table, row, ask);

function isPlainAsk(table: NodeTable, ask: Ask): boolean {
  if (ask.mig !== undefined || ask.gpuMemory !== undefined || aloneFor(ask) !== undefined) {
    return false;
  }
  for (let row = 0; row < table.rows; row++) {
    if (table.node(row) !== undefined && !table.isPlain(row)) return false;
  }
  return true;
}

/** One entry for each variable of the ask on this node: a device for a share, else the node itself. */
function devicesFor(table: NodeTable, row: NodeIndex, ask: Ask): (number | undefined)[] {
  if (ask.gpu === 0 || ask.gpu >= WHOLE_GPU) return [undefined];
  return allowedDevices(table, row, ask).filter((i) => table.freeGpu(row)[i]! >= ask.gpu);
}

const allowedDevices = (table: NodeTable, row: NodeIndex, ask: Ask): number[] =>
  table.node(row)!.gpus.flatMap((gpu, i) => (allowsGpu(ask.constraints, gpu) ? [i] : []));

function poolsFor(table: NodeTable, row: NodeIndex, ask: Ask): Pool[] {
  const { gpus } = table.node(row)!;
  const kinds = Map.groupBy(
    allowedDevices(table, row, ask),
    (i) => `${gpus[i]!.model}/${gpus[i]!.memory}`,
  );
  // A pool is named by its first device of all on the node: the same for every ask.
  return [...kinds.values()].map((devices) => ({
    name: `n${row}d${devices[0]!}`,
    row,
    devices,
  }));
}

function keepsCapacities(
  table: NodeTable,
  pending: readonly Pending[],
  assignments: readonly Assignment[],
): boolean {
  const byRow = Map.groupBy(assignments, ({ row }) => row);
  return [...byRow].every(([row, here]) => {
    const total = (amountOf: (ask: Ask) => number): number =>
      here.reduce((all, { kind }) => all + amountOf(pending[kind]!.ask), 0);
    const names = new Set(here.flatMap(({ kind }) => pending[kind]!.ask.custom.map(([n]) => n)));
    const ids = table.node(row)!.gpus.map(({ id }) => id);
    const held = new Map<string, number>();
    for (const { kind, gpus } of here) {
      const share = Math.min(WHOLE_GPU, pending[kind]!.ask.gpu);
      for (const id of gpus) held.set(id, (held.get(id) ?? 0) + share);
    }
    return (
      within(
        total((ask) => ask.cpu),
        table.freeCpu(row),
      ) &&
      within(
        total((ask) => ask.memory),
        table.freeMemory(row),
      ) &&
      [...names].every((name) =>
        within(
          total((ask) => ask.custom.find(([n]) => n === name)?.[1] ?? 0),
          table.freeCustom(row, name),
        ),
      ) &&
      ids.every((id, i) => (held.get(id) ?? 0) <= table.freeGpu(row)[i]!)
    );
  });
}

const within = (asked: number, free: number): boolean => asked === 0 || asked <= free;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

const term = (factor: number, name: string): string =>
  `${factor < 0 ? '-' : '+'} ${Math.abs(factor)} ${name}`;

/** Terms over several lines: the format allows 560 characters in one. */
const sum = (terms: readonly string[]): string =>
  terms.map((text, i) => (i > 0 && i % 16 === 0 ? `\n  ${text}` : text)).join(' ');
