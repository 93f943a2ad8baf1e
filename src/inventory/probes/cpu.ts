import { type CpuKind, readCpuKinds } from '../cpu-kinds.ts';
import { difference, type IdSet, setOf } from '../cpu-set.ts';
import { type CpuThread, readCpuThreads, threadsOfCpuinfo } from '../cpu-threads.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { readSystemNames } from '../machine-name.ts';
import { CPU_FOLDER, readCpuFolders } from '../online-cpus.ts';
import {
  type ArchitectureFamily,
  architectureOf,
  type Cpuinfo,
  familyOfMachine,
  parseCpuinfo,
} from '../parsers/cpuinfo.ts';
import { instructionSets, isaLevel } from '../parsers/isa.ts';
import { defineProbe } from '../probe.ts';
import { factOr, parseInteger, reasonOf, sysfsFact, sysfsList } from '../sysfs.ts';

export interface CpuFacts {
  /** As `uname -m` says: `x86_64`, `aarch64`… */
  readonly architecture: Fact<string>;
  readonly family: Fact<ArchitectureFamily>;
  readonly vendor: Fact<string>;
  readonly model: Fact<string>;
  readonly familyNumber: Fact<string>;
  readonly modelNumber: Fact<string>;
  readonly stepping: Fact<string>;
  readonly microcode: Fact<string>;
  readonly flags: Fact<readonly string[]>;
  readonly isaLevel: Fact<string>;
  readonly instructionSets: Fact<readonly string[]>;
  /** Online and with a known place; the topology is made of these. */
  readonly threads: readonly CpuThread[];
  /** All that the kernel has a folder for; equal to the online ones where only /proc/cpuinfo tells. */
  readonly present: IdSet;
  /** Present and switched off; CPUs that could be plugged in are in `possible` only. */
  readonly offline: Fact<IdSet>;
  readonly possible: Fact<IdSet>;
  /** Kept from the scheduler by `isolcpus`. */
  readonly isolated: Fact<IdSet>;
  readonly nohzFull: Fact<IdSet>;
  /** `on`, `off`, `forceoff`, `notsupported`, `notimplemented`. */
  readonly smtControl: Fact<string>;
  /** Does any core run more than one thread now? */
  readonly smtActive: Fact<boolean>;
  /** How many processors /proc/cpuinfo lists: a second opinion on the number of threads. */
  readonly cpuinfoProcessors: Fact<number>;
  readonly kinds: readonly CpuKind[];
  /** Thermal design power is in no kernel file: from a datasheet, or unknown. */
  readonly thermalDesignWatts: Fact<number>;
}

export const cpuProbe = defineProbe<'cpu', CpuFacts>({
  name: 'cpu',
  cost: 'slow',
  read(host) {
    const read = host.text('/proc/cpuinfo', CPUINFO_BYTES_MAX);
    const info = parseCpuinfo(read.ok ? read.value : '');
    const machine = readSystemNames(host).machine;
    const family =
      architectureOf(info) ?? (machine === undefined ? undefined : familyOfMachine(machine));
    const folders = readCpuFolders(host);
    const threads =
      folders === undefined
        ? threadsOfCpuinfo(info)
        : readCpuThreads(host, folders, hasComputeUnits(info));
    if (threads.length === 0) {
      const cause = read.ok
        ? 'no processor in /proc/cpuinfo and no /sys topology'
        : read.problem.detail;
      return {
        kind: 'failed',
        problem: { kind: read.ok ? 'failed' : read.problem.kind, detail: cause },
      };
    }
    const placed = setOf(threads.map((t) => t.id));
    const value: CpuFacts = {
      ...identity(info, machine, family),
      ...availability(host),
      threads,
      offline:
        folders === undefined
          ? unknown('not-reported')
          : fact(difference(folders.present, folders.online), 'kernel'),
      present: folders?.present ?? placed,
      smtActive: smtActive(threads),
      cpuinfoProcessors: factOr(info.blocks.length || undefined, 'not-reported'),
      kinds: readCpuKinds(host, placed),
      thermalDesignWatts: unknown('not-reported'),
    };
    const problems = read.ok || reasonOf(read.problem) === 'absent' ? [] : [read.problem];
    return { kind: 'found', value, problems };
  },
});

/** A block of 2,500 characters for each of 8,192 CPUs. */
const CPUINFO_BYTES_MAX = 24 * 1024 * 1024;

function identity(
  info: Cpuinfo,
  machine: string | undefined,
  family: ArchitectureFamily | undefined,
) {
  const first = info.blocks[0]?.fields;
  const field = (...names: readonly string[]): Fact<string> => {
    for (const name of names) {
      const value = first?.get(name) ?? info.global.get(name);
      if (value !== undefined && value !== '') return fact(value, 'kernel');
    }
    return unknown('not-reported');
  };
  const flagsText = field('flags', 'Features', 'features', 'isa');
  const flags: Fact<readonly string[]> = flagsText.known
    ? fact(
        flagsText.value.split(/\s+/).filter((flag) => flag !== ''),
        'kernel',
      )
    : flagsText;
  const level = flags.known ? isaLevel(family, flags.value) : undefined;
  return {
    architecture: factOr(machine, 'not-reported'),
    family: factOr(family, 'not-reported'),
    vendor: field('vendor_id', 'vendor', 'CPU implementer', 'mvendorid', 'Vendor'),
    model: field('model name', 'Model Name', 'cpu model', 'cpu', 'Processor', 'uarch', 'machine'),
    familyNumber: field('cpu family', 'CPU Family', 'CPU architecture', 'family'),
    modelNumber: field('model', 'CPU part'),
    stepping: field('stepping', 'CPU revision', 'revision'),
    microcode: field('microcode'),
    flags,
    isaLevel: factOr(level, 'not-reported'),
    instructionSets: flags.known ? fact(instructionSets(flags.value), flags.source) : flags,
  };
}

function availability(host: HostReader) {
  const list = (path: string): Fact<IdSet> => {
    const set = sysfsList(host, path);
    return set === undefined
      ? unknown(host.exists(path) ? 'garbled' : 'absent')
      : fact(set, 'kernel');
  };
  return {
    possible: list(`${CPU_FOLDER}/possible`),
    isolated: list(`${CPU_FOLDER}/isolated`),
    nohzFull: list(`${CPU_FOLDER}/nohz_full`),
    smtControl: sysfsFact(host, `${CPU_FOLDER}/smt/control`, (text) => text || undefined),
  };
}

function smtActive(threads: readonly CpuThread[]): Fact<boolean> {
  const known = threads.filter((t) => t.core !== undefined);
  if (known.length === 0) return unknown('not-reported');
  return fact(
    known.some((t) => t.core !== setOf([t.id])),
    'kernel',
  );
}

/** AMD families 15h and 16h share a front end between two cores; Linux calls those cores threads. */
function hasComputeUnits(info: Cpuinfo): boolean {
  const first = info.blocks[0]?.fields;
  const family = parseInteger(first?.get('cpu family'));
  return first?.get('vendor_id') === 'AuthenticAMD' && (family === 21 || family === 22);
}
