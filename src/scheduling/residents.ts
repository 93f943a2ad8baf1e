import type { CompanyRule } from '../model/constraints.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { NodeIndex } from './node-table.ts';

/** Whose a task is, as others may ask. One object for all tasks of a workload. */
export interface Who {
  readonly workload: WorkloadId;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Kinds of company counted at once; of more, the one asked for longest ago is counted afresh when asked again. */
const WATCHED_MAX = 256;

interface Watch {
  readonly matches: (who: Who) => boolean;
  readonly byRow: Map<NodeIndex, number>;
  total: number;
}

/** How many tasks of one kind run on which rows. */
export type Company = Pick<Watch, 'total'> & { readonly byRow: ReadonlyMap<NodeIndex, number> };

const NOBODY: readonly never[] = [];

/** Whose tasks run where. Counts of a kind are kept from the first time that somebody asks for it. */
export class Residents {
  readonly #byRow = new Map<NodeIndex, Who[]>();
  readonly #watched = new Map<string, Watch>();
  #version = 0;

  /** Counts changes, so that what is derived can be kept. */
  get version(): number {
    return this.#version;
  }

  /** In no order that may be relied on. */
  on(row: NodeIndex): readonly Who[] {
    return this.#byRow.get(row) ?? NOBODY;
  }

  add(row: NodeIndex, who: Who): void {
    const here = this.#byRow.get(row);
    if (here === undefined) this.#byRow.set(row, [who]);
    else here.push(who);
    this.#changed(row, who, 1);
  }

  remove(row: NodeIndex, who: Who): void {
    const here = this.#byRow.get(row);
    const i = here?.findIndex((other) => other.workload === who.workload) ?? -1;
    if (here === undefined || i < 0) return;
    const last = here.pop()!;
    if (i < here.length) here[i] = last;
    if (here.length === 0) this.#byRow.delete(row);
    this.#changed(row, who, -1);
  }

  /** Those whom a rule of `self` means, itself not counted while it waits. */
  company(rule: CompanyRule, self: Who): Company {
    const key = companyKey(rule, self);
    let watch = this.#watched.get(key);
    this.#watched.delete(key);
    if (watch === undefined) {
      watch = { matches: (who) => isMeant(rule, self, who), byRow: new Map(), total: 0 };
      for (const [row, here] of this.#byRow) for (const who of here) count(watch, row, who, 1);
    }
    // Re-inserted last: the map's order is the order of use.
    this.#watched.set(key, watch);
    if (this.#watched.size > WATCHED_MAX) {
      this.#watched.delete(this.#watched.keys().next().value!);
    }
    return watch;
  }

  #changed(row: NodeIndex, who: Who, sign: 1 | -1): void {
    this.#version++;
    for (const watch of this.#watched.values()) count(watch, row, who, sign);
  }
}

/** Whether the rule of `self` means the other; asked of itself, whether it is one of those. */
export function isMeant({ label, values }: CompanyRule, self: Who, other: Who): boolean {
  if (label === undefined) return other.workload === self.workload;
  const value = labelOf(other, label);
  if (value === undefined) return false;
  if (values.length > 0) return values.includes(value);
  const own = labelOf(self, label);
  return own === undefined || own === value;
}

/** Who has no label `pipeline` is in the pipeline of its own name. */
function labelOf({ labels, name }: Who, label: string): string | undefined {
  if (Object.hasOwn(labels, label)) return labels[label];
  return label === 'pipeline' ? name : undefined;
}

function companyKey({ label, values }: CompanyRule, self: Who): string {
  if (label === undefined) return `workload ${self.workload}`;
  const own = values.length > 0 ? values : labelOf(self, label);
  return `label ${JSON.stringify([label, own])}`;
}

function count(watch: Watch, row: NodeIndex, who: Who, sign: 1 | -1): void {
  if (!watch.matches(who)) return;
  watch.total += sign;
  const left = (watch.byRow.get(row) ?? 0) + sign;
  if (left === 0) watch.byRow.delete(row);
  else watch.byRow.set(row, left);
}
