import { type Mount, parseMountinfo } from '../../inventory/parsers/mountinfo.ts';
import type { Reading } from '../metric.ts';
import type { ProgramSampler } from '../sampler.ts';

const MOUNTINFO = '/proc/self/mountinfo';
/** File systems that hold data of people, on a disk, in memory or over a network; not those that the kernel talks by. */
const KINDS =
  /^(ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|vfat|exfat|ntfs3?|overlay|tmpfs|nfs4?|cifs|smb3|ceph|lustre|gpfs|beegfs|fuse\..+|fuseblk|virtiofs|9p)$/;
/**
 * Left out: small ones that belong to the system, whose filling is no news, and those that each container sees of a file
 * system that is measured by itself.
 */
const PLACES = /^\/(proc|sys|dev|run)(\/|$)|^\/var\/lib\/(docker|containers\/storage)\/./;
const MOUNTS_MAX = 256;

/** Sizes of what is mounted. A server that is gone makes whoever asks wait: `stat` does, and is left behind. */
export const fileSystemsSampler: ProgramSampler = {
  name: 'file-systems',
  kind: 'program',
  everyMs: 30_000,
  files: [MOUNTINFO],
  families: [
    'berth_node_filesystem_size_bytes',
    'berth_node_filesystem_available_bytes',
    'berth_node_filesystem_files_free',
  ],
  command(texts) {
    const places = placesOf(parseMountinfo(texts.get(MOUNTINFO) ?? '').mounts);
    return places.length === 0 ? undefined : ['stat', '-f', '-c', '%S %b %a %c %d %n', ...places];
  },
  read(output) {
    const readings: Reading[] = [];
    for (const [, ...cells] of output.matchAll(/^(\d+) (\d+) (\d+) (\d+) (\d+) (\/.*)$/gm)) {
      const [block, blocks, available, files, filesFree] = cells.slice(0, 5).map(Number);
      const labels = { mount: cells[5]! };
      const add = (name: string, value: number): void => {
        if (Number.isSafeInteger(value)) readings.push({ name, labels, value });
      };
      add('berth_node_filesystem_size_bytes', block! * blocks!);
      add('berth_node_filesystem_available_bytes', block! * available!);
      // Some make them when they need them, and say 0 of 0.
      if (files! > 0) add('berth_node_filesystem_files_free', filesFree!);
    }
    return readings.length === 0 ? undefined : readings;
  },
};

/**
 * One place of each file system: the first that it, or a part of it, is mounted at. What lies under another mount is
 * hidden. One that nobody can write to is as full as it was made, and fills no more; that it is read-only where it is
 * mounted says nothing, for the daemon may have been shut out of what others write.
 */
function placesOf(mounts: readonly Mount[]): string[] {
  const at = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
  const devices = new Set<string>();
  const places: string[] = [];
  for (const mount of at.values()) {
    const { type, mountPoint, device, superOptions } = mount;
    if (!KINDS.test(type) || PLACES.test(mountPoint) || devices.has(device)) continue;
    if (superOptions.includes('ro')) continue;
    if (mountPoint.includes('\n')) continue;
    devices.add(device);
    places.push(mountPoint);
    if (places.length === MOUNTS_MAX) break;
  }
  return places;
}
