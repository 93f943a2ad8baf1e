import type { Bytes } from '../base/units.ts';
import type { VolumeUse } from '../model/execution-terms.ts';
import type { Refusal } from '../model/refusal.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import type { WorkloadRecord } from './records.ts';

/** What the disks of a site have for volumes; the class of those without one is empty. */
export interface VolumeSpace {
  readonly bytes: Readonly<Record<string, Bytes>>;
  /** Volumes of the site, used or not. */
  readonly ofSite: readonly VolumeUse[];
}

/**
 * Why a workload may not be submitted: with its volumes, those of a class would together be larger than their
 * disk. Counted are those of the site, and of workloads that have not ended, each once, by its size.
 */
export function volumeRefusal(
  space: VolumeSpace | undefined,
  workloads: Iterable<WorkloadRecord>,
  spec: WorkloadSpec,
): Refusal | undefined {
  const asked = volumesOf(spec);
  if (space === undefined || asked.length === 0) return undefined;
  const sizes = new Map<string, { readonly storageClass: string; size: number }>();
  const add = ({ name, storageClass = '', size }: VolumeUse): void => {
    const key = `${storageClass}/${name}`;
    const known = sizes.get(key);
    sizes.set(key, { storageClass, size: Math.max(known?.size ?? 0, size) });
  };
  const heldOf = (storageClass: string): number => {
    let held = 0;
    for (const one of sizes.values()) if (one.storageClass === storageClass) held += one.size;
    return held;
  };
  space.ofSite.forEach(add);
  for (const workload of workloads) {
    if (workload.state === 'active') volumesOf(workload.spec).forEach(add);
  }
  const classes = [...new Set(asked.map(({ storageClass = '' }) => storageClass))].sort();
  const before = new Map(classes.map((storageClass) => [storageClass, heldOf(storageClass)]));
  asked.forEach(add);
  for (const storageClass of classes) {
    const capacity = space.bytes[storageClass];
    const held = before.get(storageClass)!;
    const more = heldOf(storageClass) - held;
    if (capacity === undefined || more === 0 || held + more <= capacity) continue;
    return { code: 'volume-space', storageClass, held, asked: more, capacity };
  }
  return undefined;
}

const volumesOf = ({ steps }: WorkloadSpec): readonly VolumeUse[] =>
  steps.flatMap(({ execution }) => execution?.storage?.volumes ?? []);
