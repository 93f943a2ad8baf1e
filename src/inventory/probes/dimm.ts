import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader, ReadProblem } from '../host-reader.ts';
import type { MemoryArray, MemoryModule } from '../memory-module.ts';
import { parseDmidecode } from '../parsers/dmidecode.ts';
import { parseMemoryArray, parseMemoryDevice } from '../parsers/smbios.ts';
import { defineProbe } from '../probe.ts';

export interface MemoryModules {
  readonly modules: readonly MemoryModule[];
  readonly arrays: readonly MemoryArray[];
  /** Slots with a module in them, and all. */
  readonly populated: number;
  readonly slots: number;
  readonly installedBytes: Fact<number>;
  readonly errorCorrection: Fact<boolean>;
  /**
   * Memory channels in use, counted from slot names such as `CPU1_CHANNEL_C_DIMM0`.
   * An estimate: the firmware does not tell channels.
   */
  readonly channels: Fact<number>;
}

const ENTRIES_MAX = 4096;
const DMIDECODE_TIMEOUT_MS = 3000;

/** Memory modules, from the raw SMBIOS entries that the kernel shows to root, else from dmidecode. */
export const dimmProbe = defineProbe({
  name: 'dimm',
  cost: 'slow',
  async read(host) {
    const problems: ReadProblem[] = [];
    const raw = fromEntries(host, problems);
    if (raw.modules.length > 0) return { kind: 'found', value: summed(raw), problems };
    const text = await host.run('dmidecode', ['-t', 'memory'], DMIDECODE_TIMEOUT_MS);
    const decoded = parseDmidecode(text.ok ? text.value : '');
    if (decoded.modules.length > 0) return { kind: 'found', value: summed(decoded), problems };
    // Denied is the news: there are entries that somebody else may read.
    const [problem] = problems;
    return problem === undefined ? { kind: 'absent' } : { kind: 'failed', problem };
  },
});

function fromEntries(host: HostReader, problems: ReadProblem[]) {
  const folder = '/sys/firmware/dmi/entries';
  const listed = host.list(folder);
  const modules: MemoryModule[] = [];
  const arrays: MemoryArray[] = [];
  if (!listed.ok) {
    if (listed.problem.kind !== 'absent') problems.push(listed.problem);
    return { modules, arrays };
  }
  const entries = listed.value.filter((name) => /^1[67]-\d{1,5}$/.test(name));
  for (const name of entries.slice(0, ENTRIES_MAX).sort(byInstance)) {
    const read = host.bytes(`${folder}/${name}/raw`, 4096);
    if (!read.ok) {
      if (problems.length < 10) problems.push(read.problem);
      continue;
    }
    const module = parseMemoryDevice(read.value);
    if (module !== undefined) modules.push(module);
    const array = parseMemoryArray(read.value);
    if (array !== undefined) arrays.push(array);
  }
  return { modules, arrays };
}

const byInstance = (a: string, b: string) => Number(a.slice(3)) - Number(b.slice(3));

function summed(found: {
  readonly modules: readonly MemoryModule[];
  readonly arrays: readonly MemoryArray[];
}): MemoryModules {
  const { arrays } = found;
  const main = arrays.filter((a) => !a.use.known || a.use.value === 'System Memory');
  // Some firmware names arrays that are not there: such a module counts as the host's.
  const others = new Set(arrays.filter((a) => !main.includes(a)).map((a) => a.handle));
  const modules = found.modules.filter(
    (m) => m.arrayHandle === undefined || !others.has(m.arrayHandle),
  );
  const present = modules.filter((m) => m.sizeBytes.known && m.sizeBytes.value > 0);
  const unsure = modules.some((m) => !m.sizeBytes.known);
  const installed = present.reduce(
    (sum, m) => sum + (m.sizeBytes.known ? m.sizeBytes.value : 0),
    0,
  );
  return {
    modules,
    arrays: main,
    populated: present.length,
    slots: modules.length,
    // A module of unknown size would make the sum too small.
    installedBytes: unsure ? unknown('not-reported') : fact(installed, 'firmware'),
    errorCorrection: correctionOf(main, present),
    channels: channelsOf(present),
  };
}

function correctionOf(
  arrays: readonly MemoryArray[],
  present: readonly MemoryModule[],
): Fact<boolean> {
  const told = arrays.flatMap((a) => (a.errorCorrection.known ? [a.errorCorrection.value] : []));
  if (told.length > 0)
    return fact(
      told.every((kind) => kind !== 'None'),
      'firmware',
    );
  const widths = present.flatMap((m) =>
    m.totalBits.known && m.dataBits.known ? [m.totalBits.value > m.dataBits.value] : [],
  );
  return widths.length === 0 ? unknown('not-reported') : fact(widths.every(Boolean), 'firmware');
}

/** Names that say "channel"; a bare letter is a socket on some boards and a channel on others. */
function channelsOf(present: readonly MemoryModule[]): Fact<number> {
  const names = new Set<string>();
  for (const { slot, bank } of present) {
    const match = [bank, slot]
      .map((f) => /^(.{0,80}?)channel[ _-]?([a-z]|\d{1,2})/i.exec(f.known ? f.value : ''))
      .find((found) => found !== null);
    if (match === undefined) return unknown('not-reported');
    names.add(`${match[1]}|${match[2]}`.toUpperCase());
  }
  return names.size === 0 ? unknown('not-reported') : fact(names.size, 'estimated');
}
