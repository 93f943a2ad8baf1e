import {
  difference,
  firstOf,
  type IdSet,
  idsOf,
  intersection,
  setOf,
  single,
  sizeOf,
} from './cpu-set.ts';
import type { HostReader } from './host-reader.ts';
import { CPU_FOLDER, type CpuFolders } from './online-cpus.ts';
import type { Cpuinfo } from './parsers/cpuinfo.ts';
import { parseInteger, sysfsInteger, sysfsMask } from './sysfs.ts';

/** One hardware thread and the sets of placed threads that it shares each level with, itself included. */
export interface CpuThread {
  readonly id: number;
  /** Undefined where the kernel does not say. Numbers are the firmware's: with gaps, and not unique. */
  readonly coreNumber: number | undefined;
  readonly packageNumber: number | undefined;
  readonly core: IdSet | undefined;
  readonly cluster: IdSet | undefined;
  readonly die: IdSet | undefined;
  readonly package: IdSet | undefined;
  /** s390: several packages on one board, several boards in one frame. */
  readonly book: IdSet | undefined;
  readonly drawer: IdSet | undefined;
}

export function readCpuThreads(
  host: HostReader,
  folders: CpuFolders,
  hasComputeUnits: boolean,
): CpuThread[] {
  const threads = idsOf(folders.placed).map((cpu) => readThread(host, folders, cpu));
  if (folders.names === 'numbers') return byNumbers(threads);
  return hasComputeUnits ? splitComputeUnits(threads) : threads;
}

function readThread(host: HostReader, folders: CpuFolders, cpu: number): CpuThread {
  const folder = `${CPU_FOLDER}/cpu${cpu}/topology`;
  const shared = (name: string): IdSet | undefined => {
    const mask = sysfsMask(host, `${folder}/${name}`);
    return mask === undefined ? undefined : intersection(mask, folders.placed);
  };
  const number = (name: string): number | undefined => {
    const n = sysfsInteger(host, `${folder}/${name}`);
    return n !== undefined && n >= 0 ? n : undefined;
  };
  return {
    id: cpu,
    coreNumber: number('core_id'),
    packageNumber: number('physical_package_id'),
    core: shared(folders.names === 'old' ? 'thread_siblings' : 'core_cpus'),
    cluster: shared('cluster_cpus'),
    die: shared('die_cpus'),
    package: shared(folders.names === 'old' ? 'core_siblings' : 'package_cpus'),
    book: shared('book_siblings'),
    drawer: shared('drawer_siblings'),
  };
}

/** Two "threads" with different core numbers are two cores that share a compute unit. */
function splitComputeUnits(threads: readonly CpuThread[]): CpuThread[] {
  const numbers = new Map(threads.map((t) => [t.id, t.coreNumber]));
  const shared = threads.find((t) => t.core !== undefined && sizeOf(t.core) > 1);
  if (shared?.core === undefined) return [...threads];
  const other = firstOf(difference(shared.core, single(shared.id)));
  if (other === undefined || numbers.get(other) === shared.coreNumber) return [...threads];
  return threads.map((t) => ({ ...t, core: t.core === undefined ? undefined : single(t.id) }));
}

/** Where /sys tells no topology: packages and cores by the numbers in /proc/cpuinfo, if it has them. */
export function threadsOfCpuinfo(info: Cpuinfo): CpuThread[] {
  const number = (fields: ReadonlyMap<string, string>, name: string) =>
    parseInteger(fields.get(name));
  const rows = info.blocks.map(({ processor, fields }) => ({
    id: processor,
    coreNumber: number(fields, 'core id'),
    packageNumber: number(fields, 'physical id'),
  }));
  const unique = [...new Map(rows.map((row) => [row.id, row])).values()];
  return byNumbers(unique.sort((a, b) => a.id - b.id));
}

type Numbered = Pick<CpuThread, 'id' | 'coreNumber' | 'packageNumber'>;

/** Threads with the same core number in the same package are of one core. */
function byNumbers(rows: readonly Numbered[]): CpuThread[] {
  const packages = Map.groupBy(rows, (row) => row.packageNumber);
  const cores = Map.groupBy(rows, (row) => `${row.packageNumber}/${row.coreNumber}`);
  const setOfRows = (same: readonly Numbered[] | undefined) => setOf((same ?? []).map((r) => r.id));
  return rows.map(({ id, coreNumber, packageNumber }) => ({
    id,
    coreNumber,
    packageNumber,
    core:
      coreNumber === undefined ? undefined : setOfRows(cores.get(`${packageNumber}/${coreNumber}`)),
    package: packageNumber === undefined ? undefined : setOfRows(packages.get(packageNumber)),
    cluster: undefined,
    die: undefined,
    book: undefined,
    drawer: undefined,
  }));
}
