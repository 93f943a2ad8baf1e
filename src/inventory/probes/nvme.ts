import type { Fact } from '../fact.ts';
import { count, words } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';

export interface NvmeController {
  readonly name: string;
  readonly model: Fact<string>;
  readonly serial: Fact<string>;
  readonly firmware: Fact<string>;
  /** `live`, `resetting`, `dead`… */
  readonly state: Fact<string>;
  /** `pcie`, `tcp`, `rdma`, `fc`, `loop`. */
  readonly transport: Fact<string>;
  /** A PCI address for `pcie`. */
  readonly address: Fact<string>;
  readonly numaNode: Fact<number>;
  readonly namespaces: readonly NvmeNamespace[];
}

export interface NvmeNamespace {
  readonly name: string;
  readonly sizeBytes: Fact<number>;
  readonly logicalBlockBytes: Fact<number>;
  /** Blocks in use, where the drive keeps account (thin provisioning). */
  readonly usedBlocks: Fact<number>;
}

export const nvmeProbe = defineProbe({
  name: 'nvme',
  cost: 'fast',
  read(host) {
    const listed = host.list('/sys/class/nvme');
    if (!listed.ok) {
      return listed.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: listed.problem };
    }
    if (listed.value.length === 0) return { kind: 'absent' };
    const attributes = new Attributes(host);
    const value = listed.value.slice(0, 1024).map((name) => controller(name, attributes));
    return { kind: 'found', value, problems: attributes.problems };
  },
});

function controller(name: string, attributes: Attributes): NvmeController {
  const at = `/sys/class/nvme/${name}`;
  return {
    name,
    model: attributes.fact(`${at}/model`, words, 'firmware'),
    serial: attributes.fact(`${at}/serial`, words, 'firmware'),
    firmware: attributes.fact(`${at}/firmware_rev`, words, 'firmware'),
    state: attributes.fact(`${at}/state`, words),
    transport: attributes.fact(`${at}/transport`, words),
    address: attributes.fact(`${at}/address`, words),
    numaNode: attributes.countOrNone(`${at}/numa_node`),
    namespaces: attributes
      .list(at)
      .filter((entry) => /^nvme\d+(c\d+)?n\d+$/.test(entry))
      .map((entry) => ({
        name: entry,
        // The size of every block device is told in units of 512 bytes, whatever its block size.
        sizeBytes: attributes.fact(`${at}/${entry}/size`, (text) => {
          const n = count(text);
          return n === undefined || n > 2 ** 44 ? undefined : n * 512;
        }),
        logicalBlockBytes: attributes.fact(`${at}/${entry}/queue/logical_block_size`, count),
        usedBlocks: attributes.fact(`${at}/${entry}/nuse`, count),
      })),
  };
}
