import type { Gpu } from './gpu.ts';
import { found } from './inventory.ts';
import type { DeviceLink, GpuTopology } from './parsers/nvidia-topo.ts';
import type { Outcomes } from './registry.ts';
import type { GpuLink } from './topology.ts';

/** The GPUs of all drivers that answered, vendor by vendor in the order of the registry. */
export function gpusOf(outcomes: Outcomes): readonly Gpu[] {
  return [
    ...(found(outcomes.nvidia)?.gpus ?? []),
    ...(found(outcomes.amd)?.gpus ?? []),
    ...(found(outcomes['intel-gpu']) ?? []),
  ];
}

/** How the GPUs reach each other, as the driver's matrix has it, by PCI address. */
export function gpuLinksOf(outcomes: Outcomes): readonly GpuLink[] {
  const nvidia = found(outcomes.nvidia);
  return nvidia?.topology === undefined ? [] : linksByAddress(nvidia.topology, nvidia.gpus);
}

/** The matrix names GPUs by their index; a pair with a GPU that has no address is left out. */
function linksByAddress(topology: GpuTopology, gpus: readonly Gpu[]): GpuLink[] {
  const addresses = new Map<string, string>();
  for (const { index, pciAddress } of gpus) {
    if (index.known && pciAddress.known) addresses.set(`GPU${index.value}`, pciAddress.value);
  }
  return topology.pairs.flatMap(({ a, b, link }): GpuLink[] => {
    const [from, to] = [addresses.get(a), addresses.get(b)];
    return from === undefined || to === undefined
      ? []
      : [{ between: [from, to], ...linkKindOf(link) }];
  });
}

const KINDS = { pix: 'PIX', pxb: 'PXB', phb: 'PHB', node: 'NODE', sys: 'SYS' } as const;

export const linkKindOf = (link: DeviceLink): Pick<GpuLink, 'kind' | 'lanes'> =>
  link.kind === 'nvlink' ? { kind: 'NV', lanes: link.links } : { kind: KINDS[link.kind], lanes: 1 };
