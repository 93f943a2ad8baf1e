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
  /**
   * How the sharing is told: since Linux 5.3 in `core_cpus` and `package_cpus`, before that in
   * `thread_siblings` and `core_siblings`; else only by the numbers of core and package.
   */
  readonly names: 'new' | 'old' | 'numbers';
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
  const tells = (...names: readonly string[]) => names.some((n) => host.exists(`${topology}/${n}`));
  const names = tells('package_cpus', 'core_cpus')
    ? 'new'
    : tells('core_siblings', 'thread_siblings')
      ? 'old'
      : tells('core_id')
        ? 'numbers'
        : undefined;
  if (names === undefined) return undefined;
  return { present: setOf(all), online: setOf(running), placed: setOf(placed), names };
}
