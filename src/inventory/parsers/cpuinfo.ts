/** One `processor` block of /proc/cpuinfo: its fields as written. */
export interface CpuinfoBlock {
  readonly processor: number;
  readonly fields: ReadonlyMap<string, string>;
}

export interface Cpuinfo {
  readonly blocks: readonly CpuinfoBlock[];
  /** Fields outside any processor block: s390 and alpha, the end of the file on POWER and ARM. */
  readonly global: ReadonlyMap<string, string>;
}

export type ArchitectureFamily = 'x86' | 'arm' | 'power' | 's390' | 'riscv' | 'ia64' | 'loongarch';

/** A line is kept to this length: the `flags` line of a new CPU has about 2,000 characters. */
const LINE_MAX = 16_384;
const PROCESSORS_MAX = 65_536;

export function parseCpuinfo(text: string): Cpuinfo {
  const blocks: CpuinfoBlock[] = [];
  const global = new Map<string, string>();
  let current: Map<string, string> | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '') {
      current = undefined;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0 || line.length > LINE_MAX || !/^[A-Za-z]/.test(line)) continue;
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    // s390 writes `processor 0: version = FF, ...`; the others `processor : 0`.
    const number = name === 'processor' ? value : /^processor (\d{1,5})$/.exec(name)?.[1];
    if (number !== undefined && /^\d{1,5}$/.test(number) && blocks.length < PROCESSORS_MAX) {
      current = new Map();
      blocks.push({ processor: Number(number), fields: current });
      if (name !== 'processor') addAssignments(current, value);
      continue;
    }
    const into = current ?? global;
    if (!into.has(name)) into.set(name, value);
  }
  return { blocks, global };
}

function addAssignments(into: Map<string, string>, text: string): void {
  for (const part of text.split(',')) {
    const [name, value] = part.split('=');
    if (name !== undefined && value !== undefined) into.set(name.trim(), value.trim());
  }
}

/** The family by the fields that only it writes. */
export function architectureOf(info: Cpuinfo): ArchitectureFamily | undefined {
  const first = info.blocks[0]?.fields;
  const has = (name: string) => first?.has(name) === true || info.global.has(name);
  const value = (name: string) => first?.get(name) ?? info.global.get(name) ?? '';
  if (has('vendor_id') && /^IBM\/S390/.test(value('vendor_id'))) return 's390';
  if (has('cpu family') && has('vendor_id') && (has('flags') || has('stepping'))) return 'x86';
  if (has('CPU implementer') || has('CPU architecture')) return 'arm';
  if (/POWER|PPC|Cell/i.test(value('cpu')) || has('pvr') || has('timebase')) return 'power';
  if (has('isa') && /^rv(32|64)/.test(value('isa'))) return 'riscv';
  if (/IA-64/.test(value('arch'))) return 'ia64';
  if (has('CPU Family') && /Loongson/.test(value('CPU Family'))) return 'loongarch';
  return undefined;
}

/** The family of a `uname -m`. */
export function familyOfMachine(machine: string): ArchitectureFamily | undefined {
  if (/^(x86_64|i\d86|k1om)$/.test(machine)) return 'x86';
  if (/^(aarch64|arm)/.test(machine)) return 'arm';
  if (/^(ppc|power)/.test(machine)) return 'power';
  if (/^s390/.test(machine)) return 's390';
  if (/^riscv/.test(machine)) return 'riscv';
  if (/^loongarch/.test(machine)) return 'loongarch';
  return machine === 'ia64' ? 'ia64' : undefined;
}
