import { z } from 'zod';
import { shown } from '../quantities.ts';
import type { Findings, FoundClass } from './findings.ts';
import type { Manifest } from './manifest.ts';

/** What a workload of Berth may have; see `document-schema.ts`. */
const PRIORITY_MAX = 1000;
/** Of those without a class, where no class is the default. */
const NO_CLASS = 0;

const classSchema = z.looseObject({
  value: z.int().min(-2_147_483_648).max(2_147_483_647),
  globalDefault: z.boolean().nullish(),
  preemptionPolicy: z.enum(['PreemptLowerPriority', 'Never']).nullish(),
});

const known = [
  'apiVersion',
  'kind',
  'metadata',
  'value',
  'globalDefault',
  'preemptionPolicy',
  'description',
];

/**
 * Of several of one name the last counts, as a whole. They are one object, whatever namespaces they name: a
 * PriorityClass is of the cluster, and has none.
 */
export function readPriorityClass(manifest: Manifest, name: string, findings: Findings): void {
  const read = manifest.read(classSchema, []);
  if (read === undefined) return;
  manifest.warnOfOthers([], known, 'not carried over');
  const preempts = read.preemptionPolicy !== 'Never';
  if (!preempts) {
    const why = 'not carried over: whether tasks are stopped for others is said of a site';
    manifest.warn(['preemptionPolicy'], why);
  }
  const earlier = findings.classes.get(name);
  if (earlier !== undefined) {
    const why = `takes the place of the PriorityClass ${shown(name)} of ${earlier.from}`;
    manifest.warn(['metadata', 'name'], why, { at: 'value' });
  }
  findings.classes.set(name, {
    name,
    value: read.value,
    isDefault: read.globalDefault === true,
    preempts,
    from: manifest.origin(['kind']),
  });
}

export interface MappedClasses {
  /** By the value in Kubernetes. */
  readonly priorities: ReadonlyMap<number, number>;
  /** The value that 0 stands for: of those without a class. */
  readonly zero: number;
  readonly isKept: boolean;
}

/**
 * Values in Kubernetes → priorities of Berth: whoever was higher stays higher, and equals stay equal, those without a
 * class included, who have 0. Differences are kept where all fit. Of at most 1,000 classes.
 */
export function mapPriorities(classes: readonly FoundClass[]): MappedClasses {
  const defaults = classes.filter(({ isDefault }) => isDefault).map(({ value }) => value);
  // Of several, Kubernetes takes the lowest.
  const zero = defaults.length === 0 ? NO_CLASS : Math.min(...defaults);
  const values = [...new Set(classes.map(({ value }) => value))].sort((a, b) => a - b);
  if (values.every((value) => Math.abs(value - zero) <= PRIORITY_MAX)) {
    const priorities = new Map(values.map((value) => [value, value - zero]));
    return { priorities, zero, isKept: zero === NO_CLASS };
  }
  const above = values.filter((value) => value > zero);
  const below = values.filter((value) => value < zero).reverse();
  const priorities = new Map([[zero, 0]]);
  for (const [side, sign] of [
    [above, 1],
    [below, -1],
  ] as const) {
    const gap = Math.floor(PRIORITY_MAX / Math.max(1, side.length));
    for (const [i, value] of side.entries()) priorities.set(value, sign * gap * (i + 1));
  }
  return { priorities, zero, isKept: false };
}
