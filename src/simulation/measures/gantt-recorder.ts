import type { Engine } from '../../engine/engine.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import { type Vector, vectorOf } from '../../scheduling/usage-account.ts';
import type { Observer } from '../observer.ts';
import { addTimes } from './attempt-book.ts';
import { BoundedSeries } from './bounded-series.ts';
import { dominantOf } from './tenant-shares.ts';

/** Nodes beyond are drawn together, as many in each row. */
const ROWS_MAX = 32;
/** Of the time. */
const COLUMNS_MAX = 160;
/** More attempts are not drawn one by one. */
export const BARS_MAX = 400;

export interface GanttBar {
  readonly row: number;
  /** Seconds since the first submission. */
  readonly from_s: number;
  readonly to_s: number;
  readonly attempt: string;
  readonly name: string;
  readonly tenant: string;
  readonly cause: string;
}

/** What ran where and when, in a bounded picture. */
export interface Gantt {
  readonly policy: string;
  readonly rows: readonly { readonly name: string; readonly nodes: number }[];
  /** How much of each row was held, 0 … 1 of its scarcest resource, over steps of time; row by row. */
  readonly step_s: number;
  readonly held: readonly (readonly number[])[];
  /** Absent where there are more attempts than can be seen. */
  readonly bars?: readonly GanttBar[];
}

interface Row {
  readonly names: NodeId[];
  readonly held: [number, number, number];
  readonly capacity: [number, number, number];
}

/** Draws who held which nodes, and when. Of one simulation. */
export class GanttRecorder implements Observer {
  readonly #policy: string;
  readonly #rows: Row[] = [];
  readonly #rowOf = new Map<NodeId, number>();
  readonly #capacities = new Map<NodeId, Vector>();
  readonly #running = new Map<AttemptRecord, { readonly vector: Vector; readonly at: number }>();
  #bars: GanttBar[] | undefined = [];
  #series: BoundedSeries | undefined;
  /** Nodes in each row; known once the first job comes. */
  #perRow = 0;
  #shares = new Float64Array(0);

  constructor(policy: string) {
    this.#policy = policy;
  }

  /** The nodes that are there now are the rows. */
  accepted(_job: unknown, _workload: unknown, at: number): void {
    if (this.#series !== undefined) return;
    const nodes = [...this.#capacities.keys()];
    this.#perRow = Math.max(1, Math.ceil(nodes.length / ROWS_MAX));
    for (const node of nodes) this.#enter(node);
    this.#shares = new Float64Array(this.#rows.length);
    this.#series = new BoundedSeries(this.#rows.length, COLUMNS_MAX);
    this.#series.begin(at);
  }

  happened(event: Event, engine: Engine): void {
    const { state } = engine;
    this.#series?.advance(event.at, this.#shares);
    switch (event.kind) {
      case 'node-joined': {
        const row = state.table.rowOf(event.node.id);
        if (row === undefined) break;
        const { cpu, memory } = event.node;
        const gpu = state.table.gpuCapacity(row);
        this.#change(event.node.id, vectorOf({ cpu, memory, gpu }));
        break;
      }
      case 'node-left':
        this.#change(event.node, [0, 0, 0]);
        break;
      case 'task-placed':
        this.#place(state.attempt(event.attempt)!, event.at);
        break;
      case 'task-ended': {
        const attempt = state.attempt(event.attempt)!;
        this.#end(attempt, event.at, event.end.cause);
        const heir = attempt.next;
        const isHeir = heir !== undefined && heir.behind === undefined && heir.end === undefined;
        if (isHeir && heir.placedAt === event.at) this.#place(heir, event.at);
        break;
      }
      default:
    }
  }

  picture(): Gantt {
    const series = this.#series;
    const spans = series?.spans() ?? [];
    const bars = this.#bars?.filter(({ row }) => row >= 0);
    return {
      policy: this.#policy,
      rows: this.#rows.map(({ names }) => ({
        name: names.length > 1 ? `${names[0]} – ${names.at(-1)}` : `${names[0]}`,
        nodes: names.length,
      })),
      step_s: (series?.stepMs ?? 0) / 1_000,
      held: this.#rows.map((_, row) =>
        (series?.integrals(row) ?? []).map((sum, i) => Number((sum / spans[i]!).toFixed(3))),
      ),
      ...(bars !== undefined && bars.length > 0 && { bars }),
    };
  }

  #enter(node: NodeId): void {
    const index = this.#rowOf.size;
    const row = Math.floor(index / this.#perRow);
    this.#rows[row] ??= { names: [], held: [0, 0, 0], capacity: [0, 0, 0] };
    const { names, capacity } = this.#rows[row];
    names.push(node);
    addTimes(capacity, this.#capacities.get(node)!, 1);
    this.#rowOf.set(node, row);
  }

  /** A node that comes later than the first job is in no row. */
  #change(node: NodeId, now: Vector): void {
    const before = this.#capacities.get(node);
    this.#capacities.set(node, now);
    const row = this.#rowOf.get(node);
    if (row === undefined) return;
    const { capacity } = this.#rows[row]!;
    if (before !== undefined) addTimes(capacity, before, -1);
    addTimes(capacity, now, 1);
    this.#weigh(row);
  }

  #place(attempt: AttemptRecord, at: number): void {
    const vector = vectorOf(attempt.placement.held);
    this.#running.set(attempt, { vector, at });
    this.#hold(attempt, vector, 1);
  }

  #end(attempt: AttemptRecord, at: number, cause: string): void {
    const seat = this.#running.get(attempt);
    if (seat === undefined) return;
    this.#running.delete(attempt);
    this.#hold(attempt, seat.vector, -1);
    if (this.#bars === undefined || this.#series === undefined) return;
    const { task, placement, id } = attempt;
    const { from } = this.#series;
    this.#bars.push({
      row: this.#rowOf.get(placement.node) ?? -1,
      from_s: (seat.at - from) / 1_000,
      to_s: (at - from) / 1_000,
      attempt: id,
      name: task.step.workload.spec.name,
      tenant: task.tenant,
      cause,
    });
    if (this.#bars.length > BARS_MAX) this.#bars = undefined;
  }

  #hold({ placement }: AttemptRecord, vector: Vector, times: 1 | -1): void {
    const row = this.#rowOf.get(placement.node);
    if (row === undefined) return;
    addTimes(this.#rows[row]!.held, vector, times);
    this.#weigh(row);
  }

  #weigh(row: number): void {
    const { held, capacity } = this.#rows[row]!;
    this.#shares[row] = Math.min(1, dominantOf(held, capacity));
  }
}
