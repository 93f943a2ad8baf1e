import type { ExecutionTerms, StorageTerms, VolumeUse } from '../model/execution-terms.ts';
import type { StorageConfig } from '../model/site-config.ts';
import { scratchOf, scratchProblems, UNSAID_SIZE, volumesOf } from './blocks/storage-block.ts';
import type { Path, Problem } from './issue.ts';
import { printBytes, shown } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';
import type { SiteStorage } from './site-storage-schema.ts';

/** Folders, volumes and scratch of a site, with every class that has no folder told. */
export function readSiteStorage(
  reading: SiteReading,
  { classes = {}, scratch, volumes: written, temp_storage: temp }: Partial<SiteStorage>,
): StorageConfig {
  const path = ['storage'];
  const volumes = volumesOf(written ?? [], path, reading.errors).map((volume, i) => {
    const { storageClass, ...others } = volume;
    if (storageClass === undefined || Object.hasOwn(classes, storageClass)) return volume;
    const message = `\`storage.classes\` names no folder for ${shown(storageClass)}: it lies in the state folder`;
    reading.warn([...path, 'volumes', i, 'type'], message);
    return others;
  });
  if (temp !== undefined) reading.errors.push(...scratchProblems(temp, [...path, 'temp_storage']));
  return {
    classes,
    ...(scratch !== undefined && { scratch }),
    ...(volumes.length > 0 && { volumes }),
    ...(temp && { tempStorage: scratchOf(temp) }),
  };
}

/**
 * What a step says of its storage, with what the site says of volumes that it names and of scratch that it does
 * not. Without a site, as where a document is only checked, it stays as it is written.
 */
export function withSiteStorage<T extends { readonly execution?: ExecutionTerms }>(
  step: T,
  site: Pick<StorageConfig, 'volumes' | 'tempStorage'> | undefined,
  path: Path,
  problems: Problem[],
): T {
  const storage = step.execution?.storage;
  if (site === undefined || (storage === undefined && site.tempStorage === undefined)) return step;
  const volumes = (storage?.volumes ?? []).map((volume, i) => {
    return filledVolume(volume, site.volumes ?? [], [...path, 'storage', 'volumes', i], problems);
  });
  const known = storage?.volumes ?? [];
  volumes.forEach(({ mountPath }, i) => {
    // Those that the document itself has twice were told.
    if (
      known[i]!.mountPath === mountPath &&
      known.findIndex((one) => one.mountPath === mountPath) < i
    )
      return;
    if (mountPath === '' || volumes.findIndex((one) => one.mountPath === mountPath) === i) return;
    const at = [...path, 'storage', 'volumes', i];
    problems.push({ path: at, message: `another volume has ${mountPath}, too` });
  });
  const scratch = storage?.scratch ?? site.tempStorage;
  const filled: StorageTerms = { volumes, ...(scratch && { scratch }) };
  return { ...step, execution: { ...step.execution, storage: filled } };
}

function filledVolume(
  volume: VolumeUse,
  known: readonly VolumeUse[],
  path: Path,
  problems: Problem[],
): VolumeUse {
  const { name, size, storageClass, mountPath, readOnly } = volume;
  const ofSite = known.find((one) => one.name === name);
  const problem = (message: string, more: Partial<Problem> = {}): VolumeUse => {
    problems.push({ path, message, ...more });
    return volume;
  };
  if (ofSite === undefined) {
    if (size !== UNSAID_SIZE && mountPath !== '') return volume;
    const names = known.map((one) => one.name);
    const expected = '`size` and `mount_path`, or the name of a volume of the site';
    const near = { word: name, words: names };
    return problem(`the site has no volume ${shown(name)}`, { expected, near });
  }
  if (size !== UNSAID_SIZE && size !== ofSite.size) {
    return problem(
      `the site has a volume ${shown(name)} of ${printBytes(ofSite.size)}: its size is not said here`,
    );
  }
  if (storageClass !== undefined && storageClass !== (ofSite.storageClass ?? storageClass)) {
    return problem(`the volume ${shown(name)} of the site is of the class ${ofSite.storageClass}`);
  }
  return {
    ...ofSite,
    mountPath: mountPath === '' ? ofSite.mountPath : mountPath,
    readOnly: readOnly || ofSite.readOnly,
  };
}
