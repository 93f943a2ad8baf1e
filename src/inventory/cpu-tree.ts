import { type IdSet, includes, intersects, isEmpty } from './cpu-set.ts';
import type { CpuCache } from './probes/cache.ts';
import type { NumaNode } from './probes/numa.ts';
import type { OsDevice } from './probes/os-devices.ts';
import type { PciDevice } from './probes/pci.ts';
import type { VertexKind } from './topology.ts';

/** A vertex while the tree is being built. */
export interface Branch {
  readonly kind: VertexKind;
  readonly number: number | undefined;
  cpus: IdSet;
  children: Branch[];
  /** Memory and I/O, which hang on a branch without taking part in the order of CPU sets. */
  attached: Branch[];
  readonly cache?: CpuCache;
  readonly memory?: NumaNode;
  readonly pci?: PciDevice;
  readonly device?: OsDevice;
}

type BranchContent = Omit<Branch, 'children' | 'attached'>;

export const branch = (content: BranchContent): Branch => ({
  ...content,
  children: [],
  attached: [],
});

/** Outermost first, for things that have the same CPUs: a package with one core is above that core. */
const ORDER: readonly VertexKind[] = [
  'machine',
  'drawer',
  'book',
  'package',
  'die',
  'group',
  'cluster',
  'cache',
  'core',
  'thread',
];

function rank(b: Branch): number {
  const base = ORDER.indexOf(b.kind) * 100;
  if (b.cache === undefined) return base;
  // Higher levels first; of one level the instruction cache is nearest to the core.
  return base + (10 - b.cache.level) * 2 + (b.cache.kind === 'instruction' ? 1 : 0);
}

/**
 * Puts a branch where its CPU set belongs: below everything that includes it, above everything that it
 * includes. The one that was there is answered when both are the same thing, and undefined when the sets
 * overlap without inclusion: firmware contradicts itself, and the later word is dropped, as hwloc does.
 */
export function insertByCpus(root: Branch, added: Branch): Branch | undefined {
  let parent = root;
  for (;;) {
    const below: Branch[] = [];
    let next: Branch | undefined;
    for (const child of parent.children) {
      if (!intersects(child.cpus, added.cpus)) continue;
      if (child.cpus === added.cpus) {
        const order = rank(child) - rank(added);
        if (order === 0) return child;
        if (order < 0) next = child;
        else below.push(child);
      } else if (includes(child.cpus, added.cpus)) {
        next = child;
      } else if (includes(added.cpus, child.cpus)) {
        below.push(child);
      } else {
        return undefined;
      }
      if (next !== undefined) break;
    }
    if (next === undefined) {
      added.children = below;
      parent.children = [...parent.children.filter((child) => !below.includes(child)), added];
      return added;
    }
    parent = next;
  }
}

/** The outermost branch below the machine with just these CPUs; else the innermost that includes them. */
export function findByCpus(root: Branch, cpus: IdSet): { at: Branch; exact: boolean } {
  let at = root;
  if (isEmpty(cpus)) return { at, exact: false };
  for (;;) {
    const next = at.children.find((child) => includes(child.cpus, cpus));
    if (next === undefined || next.kind === 'thread') return { at, exact: at.cpus === cpus };
    if (next.cpus === cpus) return { at: next, exact: true };
    at = next;
  }
}
