import { assert } from '../base/assert.ts';
import type { MilliCpu } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import type { StepSpec } from '../model/workload.ts';
import { chooseCores } from '../scheduling/core-choice.ts';
import type { AttemptRecord } from './records.ts';

/** Which CPUs of which node belong to tasks with exclusive cores. Follows from the placements. */
export class PinnedCores {
  readonly #byNode = new Map<NodeId, Set<number>>();

  /** What a task runs on there; undefined where it may run on any, or too few are free of pins. */
  coresFor(node: Node, spec: StepSpec, held: Resources): readonly number[] | undefined {
    const pinned = this.#byNode.get(node.id) ?? NONE;
    if (node.cpus === undefined || spec.run.kind === 'held') return undefined;
    if (pinsCores(spec)) {
      const count = held.cpu / 1000;
      return Number.isInteger(count) && count > 0
        ? chooseCores(node.cpus, pinned, count)
        : undefined;
    }
    return this.restOf(node);
  }

  /** What is left there to tasks without cores of their own; undefined where they may run on any. */
  restOf({ id: node, cpus }: Pick<Node, 'id' | 'cpus'>): readonly number[] | undefined {
    const pinned = this.#byNode.get(node) ?? NONE;
    if (pinned.size === 0 || cpus === undefined) return undefined;
    const rest = cpus.filter(({ id }) => !pinned.has(id)).map(({ id }) => id);
    // Where all are pinned, whoever asked for little or nothing runs between the others.
    return rest.length === 0 ? undefined : rest.sort((a, b) => a - b);
  }

  /**
   * What a task with cores of its own gets once it holds so much CPU: those it has as far as they go, then the
   * best of the free. How many are free of others' pins, where that is not enough or not a whole number.
   */
  coresAgain(
    node: Node,
    { placement }: AttemptRecord,
    cpu: MilliCpu,
  ): readonly number[] | { readonly free: number } {
    const own = new Set(placement.cores);
    const all = this.#byNode.get(node.id) ?? NONE;
    const others = new Set([...all].filter((id) => !own.has(id)));
    const cpus = node.cpus ?? [];
    const free = cpus.filter(({ id }) => !others.has(id)).length;
    const count = cpu / 1000;
    if (!Number.isInteger(count) || count === 0 || free < count) return { free };
    if (count <= own.size) {
      const given = new Set(cpus.filter(({ id }) => !own.has(id)).map(({ id }) => id));
      return chooseCores(cpus, given, count)!;
    }
    const more = chooseCores(cpus, new Set([...all, ...own]), count - own.size)!;
    return [...own, ...more].sort((a, b) => a - b);
  }

  /** Those that belong to tasks. */
  on(node: NodeId): ReadonlySet<number> {
    return this.#byNode.get(node) ?? NONE;
  }

  /** From its placement on. */
  add({ id, placement, task }: AttemptRecord): void {
    const { node, cores } = placement;
    if (cores === undefined || !pinsCores(task.step.spec)) return;
    const pinned = this.#byNode.get(node) ?? new Set();
    this.#byNode.set(node, pinned);
    for (const core of cores) {
      assert(!pinned.has(core), `CPU ${core} of ${node} is pinned once: ${id}`);
      pinned.add(core);
    }
  }

  /** After its end. */
  remove({ placement, task }: AttemptRecord): void {
    const { node, cores } = placement;
    if (cores === undefined || !pinsCores(task.step.spec)) return;
    const pinned = this.#byNode.get(node)!;
    for (const core of cores) pinned.delete(core);
    if (pinned.size === 0) this.#byNode.delete(node);
  }
}

const NONE: ReadonlySet<number> = new Set();

export const pinsCores = ({ execution }: StepSpec): boolean =>
  execution?.process?.cores === 'exclusive';
