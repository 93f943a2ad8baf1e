import { type DiskCounters, parseDiskstats } from '../../inventory/parsers/diskstats.ts';
import type { Reading } from '../metric.ts';
import { type FileSampler, stateless } from '../sampler.ts';

const DISKSTATS = '/proc/diskstats';
const SECTOR_BYTES = 512;
/** In memory, or a part of a disk whose work is counted for the disk. */
const LEFT_OUT =
  /^(z?ram|loop|fd)\d+$|^(h|s|v|xv)d[a-z]+\d+$|^(nvme\d+n\d+|mmcblk\d+|nbd\d+|md\d+)p\d+$/;

const counters: readonly (readonly [string, (disk: DiskCounters) => number])[] = [
  ['berth_node_disk_read_bytes_total', (disk) => disk.readSectors * SECTOR_BYTES],
  ['berth_node_disk_written_bytes_total', (disk) => disk.writtenSectors * SECTOR_BYTES],
  ['berth_node_disk_reads_total', (disk) => disk.reads],
  ['berth_node_disk_writes_total', (disk) => disk.writes],
  ['berth_node_disk_read_time_seconds_total', (disk) => disk.readMs / 1_000],
  ['berth_node_disk_write_time_seconds_total', (disk) => disk.writeMs / 1_000],
  ['berth_node_disk_busy_seconds_total', (disk) => disk.busyMs / 1_000],
  ['berth_node_disk_queue_seconds_total', (disk) => disk.weightedMs / 1_000],
];

export const disksSampler: FileSampler = {
  name: 'disks',
  kind: 'kept',
  everyMs: 1_000,
  files: [DISKSTATS],
  families: counters.map(([name]) => name),
  open: stateless((texts) => {
    const readings: Reading[] = [];
    for (const disk of parseDiskstats(texts.get(DISKSTATS) ?? '')) {
      if (LEFT_OUT.test(disk.name)) continue;
      const labels = { device: disk.name };
      for (const [name, of] of counters) readings.push({ name, labels, value: of(disk) });
    }
    return readings;
  }),
};
