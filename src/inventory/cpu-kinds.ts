import { firstOf, type IdSet, idsOf, includes, intersection, isEmpty, setOf } from './cpu-set.ts';
import { type Fact, fact, unknown } from './fact.ts';
import type { HostReader } from './host-reader.ts';
import { CPU_FOLDER } from './online-cpus.ts';
import { sysfsInteger, sysfsList, sysfsText } from './sysfs.ts';

/** CPUs of one make within a machine; a uniform machine has one kind. Slowest first. */
export interface CpuKind {
  readonly name: string;
  readonly cpus: IdSet;
  /** The scheduler's measure of one CPU at its highest frequency: 1,024 is the fastest of the machine. */
  readonly capacity: Fact<number>;
  readonly maxHertz: Fact<number>;
  readonly baseHertz: Fact<number>;
}

interface CpuSpeed {
  readonly cpu: number;
  readonly capacity: number | undefined;
  readonly maxKilohertz: number | undefined;
  readonly baseKilohertz: number | undefined;
}

/** Turbo Boost Max gives some cores of one make up to this much more; that makes no other kind. */
const MAX_FREQUENCY_TOLERANCE = 0.1;

/**
 * What tells kinds apart, best first: the core type that the PMU drivers know (Intel), the part number
 * in MIDR (ARM), the base frequency, the capacity, the highest frequency.
 */
export function readCpuKinds(host: HostReader, placed: IdSet): readonly CpuKind[] {
  const speeds = idsOf(placed).map((cpu) => readSpeed(host, cpu));
  const groups = intelKinds(host, placed) ?? armKinds(host, placed) ?? groupBySpeed(speeds);
  const kinds = groups.map(({ name, cpus }): CpuKind => {
    const members = speeds.filter(({ cpu }) => includes(cpus, setOf([cpu])));
    return {
      name,
      cpus,
      capacity: least(members.map((m) => m.capacity)),
      maxHertz: least(
        members.map((m) => m.maxKilohertz),
        1000,
      ),
      baseHertz: least(
        members.map((m) => m.baseKilohertz),
        1000,
      ),
    };
  });
  return kinds.sort((a, b) => rank(a) - rank(b) || firstOf(a.cpus)! - firstOf(b.cpus)!);
}

function readSpeed(host: HostReader, cpu: number): CpuSpeed {
  const folder = `${CPU_FOLDER}/cpu${cpu}`;
  const positive = (path: string) => {
    const n = sysfsInteger(host, path);
    return n !== undefined && n > 0 ? n : undefined;
  };
  return {
    cpu,
    capacity: positive(`${folder}/cpu_capacity`),
    maxKilohertz: positive(`${folder}/cpufreq/cpuinfo_max_freq`),
    baseKilohertz: positive(`${folder}/cpufreq/base_frequency`),
  };
}

interface Group {
  readonly name: string;
  readonly cpus: IdSet;
}

function intelKinds(host: HostReader, placed: IdSet): Group[] | undefined {
  const found: Group[] = [];
  for (const name of ['core', 'atom', 'lowpower']) {
    const listed = sysfsList(host, `/sys/devices/cpu_${name}/cpus`);
    const cpus = listed === undefined ? undefined : intersection(listed, placed);
    if (cpus !== undefined && !isEmpty(cpus)) found.push({ name, cpus });
  }
  return found.length > 0 ? found : undefined;
}

function armKinds(host: HostReader, placed: IdSet): Group[] | undefined {
  return groupBy(idsOf(placed), (cpu) => {
    const path = `${CPU_FOLDER}/cpu${cpu}/regs/identification/midr_el1`;
    const midr = sysfsText(host, path);
    if (midr === undefined || !/^0x[0-9a-f]{8,16}$/.test(midr)) return undefined;
    // Bits 15 to 4 of the Main ID Register are the part number.
    return `part 0x${((Number(BigInt(midr) & 0xffffffffn) >>> 4) & 0xfff).toString(16)}`;
  });
}

function groupBySpeed(speeds: readonly CpuSpeed[]): Group[] {
  const by = (key: (s: CpuSpeed) => number | undefined, unit: string) =>
    groupBy(
      speeds,
      (s) => (key(s) === undefined ? undefined : `${key(s)} ${unit}`),
      (s) => s.cpu,
    );
  const base = by((s) => s.baseKilohertz, 'kHz base');
  if (base !== undefined && base.length > 1) return base;
  const capacity = by((s) => s.capacity, 'capacity');
  if (capacity !== undefined && capacity.length > 1) return capacity;
  const highest = Math.max(...speeds.map((s) => s.maxKilohertz ?? 0));
  const isTurbo = (s: CpuSpeed) => (s.maxKilohertz ?? 0) * (1 + MAX_FREQUENCY_TOLERANCE) >= highest;
  const max = by((s) => (isTurbo(s) ? highest : s.maxKilohertz), 'kHz');
  if (highest > 0 && max !== undefined && max.length > 1) return max;
  return [{ name: 'uniform', cpus: setOf(speeds.map((s) => s.cpu)) }];
}

/** Groups in order of first member; undefined as soon as one member has no key. */
function groupBy<T>(
  members: readonly T[],
  key: (member: T) => string | undefined,
  id: (member: T) => number = Number,
): Group[] | undefined {
  const groups = new Map<string, number[]>();
  for (const member of members) {
    const name = key(member);
    if (name === undefined) return undefined;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [id(member)]);
    else group.push(id(member));
  }
  return [...groups].map(([name, ids]) => ({ name, cpus: setOf(ids) }));
}

function least(values: readonly (number | undefined)[], scale = 1): Fact<number> {
  const known = values.filter((v) => v !== undefined);
  return known.length === 0 ? unknown('not-reported') : fact(Math.min(...known) * scale, 'kernel');
}

function rank(kind: CpuKind): number {
  if (kind.capacity.known) return kind.capacity.value;
  return kind.maxHertz.known ? kind.maxHertz.value : 0;
}
