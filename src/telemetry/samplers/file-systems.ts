import { type Mount, parseMountinfo } from '../../inventory/parsers/mountinfo.ts';
import type { Reading } from '../metric.ts';
import type { ProgramSampler } from '../sampler.ts';

const MOUNTINFO = '/proc/self/mountinfo';
/** File systems that hold data of people, on a disk, in memory or over a network; not those that the kernel talks by. */
const KINDS =
  /^(ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|vfat|exfat|ntfs3?|overlay|tmpfs|nfs4?|cifs|smb3|ceph|lustre|gpfs|beegfs|fuse\..+|fuseblk|virtiofs|9p)$/;
/** Small ones that belong to the system: their filling is no news. */
const PLACES = /^\/(proc|sys|dev|run)(\/|$)/;
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

/** One place of each file system: the first that all of it is mounted at. What lies under another mount is hidden. */
function placesOf(mounts: readonly Mount[]): string[] {
  const at = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
  const devices = new Set<string>();
  const places: string[] = [];
  for (const mount of at.values()) {
    const { type, mountPoint, device } = mount;
    if (!KINDS.test(type) || PLACES.test(mountPoint) || devices.has(device)) continue;
    if (mountPoint.includes('\n')) continue;
    devices.add(device);
    places.push(mountPoint);
    if (places.length === MOUNTS_MAX) break;
  }
  return places;
}
