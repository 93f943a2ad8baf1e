import { assert } from '../base/assert.ts';
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

const pinsCores = ({ execution }: StepSpec): boolean => execution?.process?.cores === 'exclusive';
