import { has, type IdSet, setOf } from './cpu-set.ts';
import type { HostReader } from './host-reader.ts';
import { numberedNames, sysfsInteger, sysfsList } from './sysfs.ts';

export const CPU_FOLDER = '/sys/devices/system/cpu';

export interface CpuFolders {
  /** Every CPU that the kernel has a folder for, online or not. */
  readonly present: IdSet;
  readonly online: IdSet;
  /** Online, and with a topology: only these are placed. */
  readonly placed: IdSet;
  /** Before Linux 5.3 `core_cpus` was `thread_siblings`, and `package_cpus` was `core_siblings`. */
  readonly oldNames: boolean;
}

/** Which CPUs /sys tells the topology of; undefined when it tells none (then /proc/cpuinfo must do). */
export function readCpuFolders(host: HostReader): CpuFolders | undefined {
  const listing = host.list(CPU_FOLDER);
  if (!listing.ok) return undefined;
  const all = numberedNames(listing.value, 'cpu');
  const online = sysfsList(host, `${CPU_FOLDER}/online`);
  const isOnline = (cpu: number) =>
    online === undefined
      ? sysfsInteger(host, `${CPU_FOLDER}/cpu${cpu}/online`) !== 0
      : has(online, cpu);
  const running = all.filter(isOnline);
  const placed = running.filter((cpu) => host.exists(`${CPU_FOLDER}/cpu${cpu}/topology`));
  const first = placed[0];
  if (first === undefined) return undefined;
  const topology = `${CPU_FOLDER}/cpu${first}/topology`;
  const newNames = host.exists(`${topology}/package_cpus`) || host.exists(`${topology}/core_cpus`);
  const oldNames =
    !newNames &&
    (host.exists(`${topology}/core_siblings`) || host.exists(`${topology}/thread_siblings`));
  if (!newNames && !oldNames) return undefined;
  return { present: setOf(all), online: setOf(running), placed: setOf(placed), oldNames };
}
