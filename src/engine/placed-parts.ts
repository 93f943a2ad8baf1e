import { isSpot } from '../model/spot.ts';
import type { NodeTable } from '../scheduling/node-table.ts';
import { PinnedCores } from './pinned-cores.ts';
import type { AttemptRecord, ShapeTables } from './records.ts';

/** What placed attempts have of their nodes beside amounts: whole cores, space by phases, a share of spot nodes. */
export class PlacedParts {
  readonly cores = new PinnedCores();
  readonly #table: NodeTable;
  readonly #shapes: ShapeTables['shapes'];

  constructor({ table, shapes }: { readonly table: NodeTable } & Pick<ShapeTables, 'shapes'>) {
    this.#table = table;
    this.#shapes = shapes;
  }

  /** From its placement on. */
  add(attempt: AttemptRecord): void {
    this.cores.add(attempt);
    this.holdSpot(attempt);
    const scratch = attempt.task.step.spec.constraints?.scratch;
    const row = this.#table.rowOf(attempt.placement.node);
    if (scratch === undefined || row === undefined) return;
    this.#table.space.hold(attempt.id, row, scratch, attempt.placedAt);
  }

  /** Also once its node has become another kind. */
  holdSpot({ id, task, placement }: AttemptRecord): void {
    const row = this.#table.rowOf(placement.node);
    if (row === undefined || this.#shapes.ask(task.shape).constraints?.spot === undefined) return;
    this.#table.spot.hold(id, isSpot(this.#table.node(row)!));
  }

  /** After its end. */
  remove(attempt: AttemptRecord): void {
    this.cores.remove(attempt);
    this.#table.space.release(attempt.id);
    this.#table.spot.release(attempt.id);
  }
}
