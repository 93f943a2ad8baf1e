import { type Fact, fact, unknown } from '../fact.ts';
import { hexadecimal } from '../parsers/scalars.ts';
import { type AcceleratorKind, catalogued, pciVendor } from '../pci-catalogue.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';

/** A device that computes beside the CPUs, as the PCI bus shows it: also without a driver. */
export interface Accelerator {
  readonly pciAddress: string;
  /** `vvvv:dddd`. */
  readonly pciId: string;
  readonly kind: AcceleratorKind;
  readonly vendor: Fact<string>;
  /** From the catalogue, so of source `datasheet`. */
  readonly model: Fact<string>;
  readonly offloads: Fact<readonly string[]>;
  /** The kernel driver that has it. Absent: nobody can use it now. */
  readonly driver: Fact<string>;
  readonly numaNode: Fact<number>;
  /** A virtual function of another device; it shares that one's hardware. */
  readonly virtualFunction: boolean;
}

const DEVICES_MAX = 16_384;

/**
 * GPUs, TPUs, NPUs, DPUs, FPGAs and data movers on the PCI bus: by the catalogue, else by class (display
 * controllers that are not plain VGA adapters of a board, and class 0x12, processing accelerators).
 */
export const acceleratorsProbe = defineProbe({
  name: 'accelerators',
  cost: 'slow',
  read(host) {
    const folder = '/sys/bus/pci/devices';
    const listed = host.list(folder);
    if (!listed.ok) {
      return listed.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: listed.problem };
    }
    const attributes = new Attributes(host);
    const value: Accelerator[] = [];
    for (const name of listed.value.slice(0, DEVICES_MAX)) {
      const found = accelerator(`${folder}/${name}`, name, attributes);
      if (found !== undefined) value.push(found);
    }
    if (value.length === 0) return { kind: 'absent' };
    return { kind: 'found', value, problems: attributes.problems };
  },
});

/** Vendors whose display controllers compute; others (ASPEED, Matrox, QXL) only show a console. */
const computing = new Set(['10de', '1002', '8086']);

function accelerator(at: string, name: string, attributes: Attributes): Accelerator | undefined {
  const id = (file: string) =>
    /^0x([0-9a-f]{4})$/i.exec(attributes.text(`${at}/${file}`) ?? '')?.[1];
  const classCode = hexadecimal(attributes.text(`${at}/class`) ?? '');
  // The class first: it leaves most devices out after one read.
  const byClass = classCode === undefined ? undefined : kindOfClass(classCode >> 8);
  const mayBeCatalogued = classCode === undefined || !plain.has(classCode >> 16);
  if (byClass === undefined && !mayBeCatalogued) return undefined;
  const vendor = id('vendor')?.toLowerCase();
  const device = id('device')?.toLowerCase();
  if (vendor === undefined || device === undefined) return undefined;
  const known = catalogued(`${vendor}:${device}`);
  const kind = known?.kind ?? (byClass === 'gpu' && !computing.has(vendor) ? undefined : byClass);
  if (kind === undefined) return undefined;
  const vendorName = pciVendor(vendor);
  const driver = attributes.linkName(`${at}/driver`);
  return {
    pciAddress: name.toLowerCase(),
    pciId: `${vendor}:${device}`,
    kind,
    vendor: vendorName === undefined ? unknown('not-reported') : fact(vendorName, 'datasheet'),
    model: known === undefined ? unknown('not-reported') : fact(known.model, 'datasheet'),
    offloads: known === undefined ? unknown('not-reported') : fact(known.offloads, 'datasheet'),
    driver: driver === undefined ? unknown('absent') : fact(driver, 'kernel'),
    numaNode: attributes.countOrNone(`${at}/numa_node`),
    virtualFunction: attributes.link(`${at}/physfn`) !== undefined,
  };
}

/** Storage, memory, bridges and input: no accelerator of the catalogue has these base classes. */
const plain = new Set([0x01, 0x05, 0x06, 0x07, 0x09, 0x0c]);

function kindOfClass(code: number): AcceleratorKind | undefined {
  if (code >> 8 === 0x03) return 'gpu';
  return code >> 8 === 0x12 ? 'npu' : undefined;
}
