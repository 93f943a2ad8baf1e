import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Bytes, bytes } from '../base/units.ts';
import type { VolumeSpace } from '../engine/volume-space.ts';
import type { StorageConfig } from '../model/site-config.ts';

/** The sizes of the disks that volumes lie on, as they are now. One that cannot be told holds volumes of any size. */
export function volumeSpace(stateDir: string, storage: StorageConfig | undefined): VolumeSpace {
  const folders = [['', stateDir], ...Object.entries(storage?.classes ?? {})] as const;
  const sizes = folders.flatMap(([storageClass, folder]) => {
    const size = diskSize(folder);
    return size === undefined ? [] : [[storageClass, size] as const];
  });
  return { bytes: Object.fromEntries(sizes), ofSite: storage?.volumes ?? [] };
}

/** Sentences about classes whose volumes of the site are larger together than their disk. */
export function overPromised({ bytes: disks, ofSite }: VolumeSpace): string[] {
  return Object.entries(disks).flatMap(([storageClass, disk]) => {
    const own = ofSite.filter((volume) => (volume.storageClass ?? '') === storageClass);
    const sum = own.reduce((total, { size }) => total + size, 0);
    const where = storageClass === '' ? 'the state folder' : `the class ${storageClass}`;
    return sum <= disk
      ? []
      : [`the volumes of ${where} have ${sum} bytes together, and their disk has ${disk}`];
  });
}

/** Of a folder that is not there yet, the disk on which it will be. */
function diskSize(folder: string): Bytes | undefined {
  if (!existsSync(folder) && dirname(folder) !== folder) return diskSize(dirname(folder));
  try {
    const { blocks, bsize } = statfsSync(folder);
    return bytes(blocks * bsize);
  } catch {
    return undefined;
  }
}
