import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DeviceNumber } from '../../term-site.ts';
import { read } from './cgroup-files.ts';

/** The disks that the folders lie on, or will; none for what is in memory or on no single disk. */
export function disksOf(folders: readonly string[]): readonly DeviceNumber[] {
  const disks = new Set<DeviceNumber>();
  for (const folder of folders) {
    const disk = diskOf(folder);
    if (disk !== undefined) disks.add(disk);
  }
  return [...disks];
}

function diskOf(folder: string): DeviceNumber | undefined {
  let there = folder;
  while (!existsSync(there) && there !== dirname(there)) there = dirname(there);
  try {
    const { dev } = statSync(there, { bigint: true });
    const device = `/sys/dev/block/${majorOf(dev)}:${minorOf(dev)}`;
    if (!existsSync(device)) return undefined;
    // The kernel limits whole disks.
    const disk = existsSync(`${device}/partition`) ? dirname(realpathSync(device)) : device;
    return read(`${disk}/dev`)?.trim();
  } catch {
    return undefined;
  }
}

/** gnu_dev_major and gnu_dev_minor of sysmacros.h. */
const majorOf = (dev: bigint): bigint => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
const minorOf = (dev: bigint): bigint => (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
