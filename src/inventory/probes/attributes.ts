import { type Fact, type Source, unknown } from '../fact.ts';
import type { HostReader, ReadProblem } from '../host-reader.ts';
import { count, told, wholeNumber } from '../parsers/scalars.ts';

/** Attributes are one line; longer ones (pp_od_clk_voltage) are below this. */
const ATTRIBUTE_BYTES_MAX = 16 * 1024;
/** A host that denies everything says so a hundred times, not ten thousand. */
const PROBLEMS_MAX = 100;

/** Reads the one-value files of sysfs folders into facts, and remembers what was denied. */
export class Attributes {
  readonly problems: ReadProblem[] = [];
  readonly #host: HostReader;

  constructor(host: HostReader) {
    this.#host = host;
  }

  /** The trimmed text of an attribute; undefined when it cannot be read. */
  text(path: string): string | undefined {
    const read = this.#host.text(path, ATTRIBUTE_BYTES_MAX);
    if (!read.ok) this.#remember(read.problem);
    return read.ok ? read.value.trim() : undefined;
  }

  /**
   * A missing attribute is not reported; one that may not be read is denied. Drivers refuse a read with
   * EINVAL or EIO where a value makes no sense (the speed of a link that is down): that has failed.
   */
  fact<T>(
    path: string,
    parse: (text: string) => T | undefined,
    source: Source = 'kernel',
  ): Fact<T> {
    const read = this.#host.text(path, ATTRIBUTE_BYTES_MAX);
    if (read.ok) return told(read.value, source, parse);
    this.#remember(read.problem);
    if (read.problem.kind === 'absent') return unknown('not-reported');
    return unknown(read.problem.kind === 'denied' ? 'denied' : 'failed');
  }

  /** A count where the kernel writes −1 for "not known": a NUMA node, the speed of a link. */
  countOrNone(path: string): Fact<number> {
    const found = this.fact(path, wholeNumber);
    if (!found.known || found.value >= 0) return found;
    return unknown(found.value === -1 ? 'not-reported' : 'garbled');
  }

  /** A count where zero stands for "not told": a limit, a chunk size, the range of a counter. */
  positiveCount(path: string, source: Source = 'kernel'): Fact<number> {
    const found = this.fact(path, count, source);
    return found.known && found.value === 0 ? unknown('not-reported') : found;
  }

  /** Names in a folder; none when it is not there or may not be listed. */
  list(path: string): readonly string[] {
    const read = this.#host.list(path);
    if (!read.ok) this.#remember(read.problem);
    return read.ok ? read.value : [];
  }

  /** Where a link points; undefined when it is none. */
  link(path: string): string | undefined {
    const read = this.#host.link(path);
    return read.ok ? read.value : undefined;
  }

  /** The last part of where a link points: a driver's name, a PCI address. */
  linkName(path: string): string | undefined {
    return this.link(path)
      ?.split('/')
      .filter((part) => part !== '')
      .at(-1);
  }

  /** The NUMA node of a device; asked of its PCI device where it has none of its own (virtio, SCSI). */
  numaNode(at: string, pciAddress: string | undefined): Fact<number> {
    const own = this.countOrNone(`${at}/numa_node`);
    if (own.known || pciAddress === undefined) return own;
    return this.countOrNone(`/sys/bus/pci/devices/${pciAddress}/numa_node`);
  }

  #remember(problem: ReadProblem): void {
    const worth = problem.kind === 'denied' || problem.kind === 'too-large';
    if (worth && this.problems.length < PROBLEMS_MAX) this.problems.push(problem);
  }
}

/** The PCI device that a path under /sys/devices leads through last. */
export function lastPciAddress(path: string): string | undefined {
  return [...path.matchAll(/\/([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=\/|$)/g)].at(
    -1,
  )?.[1];
}
