import { childrenOf, nodeAt, type TreeNode, textAt } from './tree-node.ts';

/**
 * Where each field stands: in `nvidia-smi -q -x` (schemas v10 to v13, newest first), in the text of
 * `nvidia-smi -q`, and as a column of `--query-gpu`.
 */
export const nvidiaFields = {
  index: { xml: [], text: [], csv: ['index'] },
  model: { xml: ['product_name'], text: ['Product Name'], csv: ['name', 'gpu_name'] },
  architecture: { xml: ['product_architecture'], text: ['Product Architecture'], csv: [] },
  uuid: { xml: ['uuid'], text: ['GPU UUID'], csv: ['uuid', 'gpu_uuid'] },
  serial: { xml: ['serial'], text: ['Serial Number'], csv: ['serial', 'gpu_serial'] },
  pciAddress: {
    xml: ['pci/pci_bus_id'],
    text: ['PCI/Bus Id'],
    csv: ['pci.bus_id', 'gpu_bus_id'],
  },
  pciId: { xml: ['pci/pci_device_id'], text: ['PCI/Device Id'], csv: ['pci.device_id'] },
  computeCapability: { xml: ['compute_cap'], text: [], csv: ['compute_cap'] },
  memoryTotal: {
    xml: ['fb_memory_usage/total'],
    text: ['FB Memory Usage/Total'],
    csv: ['memory.total'],
  },
  memoryReserved: {
    xml: ['fb_memory_usage/reserved'],
    text: ['FB Memory Usage/Reserved'],
    csv: ['memory.reserved'],
  },
  memoryUsed: {
    xml: ['fb_memory_usage/used'],
    text: ['FB Memory Usage/Used'],
    csv: ['memory.used'],
  },
  memoryFree: {
    xml: ['fb_memory_usage/free'],
    text: ['FB Memory Usage/Free'],
    csv: ['memory.free'],
  },
  computeUtilization: {
    xml: ['utilization/gpu_util'],
    text: ['Utilization/GPU', 'Utilization/Gpu'],
    csv: ['utilization.gpu'],
  },
  memoryUtilization: {
    xml: ['utilization/memory_util'],
    text: ['Utilization/Memory'],
    csv: ['utilization.memory'],
  },
  temperature: {
    xml: ['temperature/gpu_temp'],
    text: ['Temperature/GPU Current Temp'],
    csv: ['temperature.gpu'],
  },
  memoryTemperature: {
    xml: ['temperature/memory_temp'],
    text: ['Temperature/Memory Current Temp'],
    csv: ['temperature.memory'],
  },
  slowdownTemperature: {
    xml: ['temperature/gpu_temp_slow_threshold'],
    text: ['Temperature/GPU Slowdown Temp'],
    csv: [],
  },
  shutdownTemperature: {
    xml: ['temperature/gpu_temp_max_threshold'],
    text: ['Temperature/GPU Shutdown Temp'],
    csv: [],
  },
  temperatureMargin: {
    xml: ['temperature/gpu_temp_tlimit'],
    text: ['Temperature/GPU T.Limit Temp'],
    csv: ['temperature.gpu.tlimit'],
  },
  powerDraw: {
    xml: [
      'gpu_power_readings/instant_power_draw',
      'gpu_power_readings/average_power_draw',
      'gpu_power_readings/power_draw',
      'power_readings/power_draw',
    ],
    text: [
      'GPU Power Readings/Instantaneous Power Draw',
      'GPU Power Readings/Average Power Draw',
      'GPU Power Readings/Power Draw',
      'Power Readings/Power Draw',
    ],
    csv: ['power.draw.instant', 'power.draw', 'power.draw.average'],
  },
  powerLimit: {
    xml: [
      'gpu_power_readings/current_power_limit',
      'gpu_power_readings/power_limit',
      'power_readings/power_limit',
    ],
    text: ['GPU Power Readings/Current Power Limit', 'Power Readings/Power Limit'],
    csv: ['power.limit', 'enforced.power.limit'],
  },
  powerDefaultLimit: {
    xml: ['gpu_power_readings/default_power_limit', 'power_readings/default_power_limit'],
    text: ['GPU Power Readings/Default Power Limit', 'Power Readings/Default Power Limit'],
    csv: ['power.default_limit'],
  },
  powerMinLimit: {
    xml: ['gpu_power_readings/min_power_limit', 'power_readings/min_power_limit'],
    text: ['GPU Power Readings/Min Power Limit', 'Power Readings/Min Power Limit'],
    csv: ['power.min_limit'],
  },
  powerMaxLimit: {
    xml: ['gpu_power_readings/max_power_limit', 'power_readings/max_power_limit'],
    text: ['GPU Power Readings/Max Power Limit', 'Power Readings/Max Power Limit'],
    csv: ['power.max_limit'],
  },
  graphicsClock: {
    xml: ['clocks/graphics_clock'],
    text: ['Clocks/Graphics'],
    csv: ['clocks.current.graphics', 'clocks.gr'],
  },
  memoryClock: {
    xml: ['clocks/mem_clock'],
    text: ['Clocks/Memory'],
    csv: ['clocks.current.memory', 'clocks.mem'],
  },
  graphicsClockMax: {
    xml: ['max_clocks/graphics_clock'],
    text: ['Max Clocks/Graphics'],
    csv: ['clocks.max.graphics', 'clocks.max.gr'],
  },
  memoryClockMax: {
    xml: ['max_clocks/mem_clock'],
    text: ['Max Clocks/Memory'],
    csv: ['clocks.max.memory', 'clocks.max.mem'],
  },
  pcieGeneration: {
    xml: ['pci/pci_gpu_link_info/pcie_gen/current_link_gen'],
    text: ['PCI/GPU Link Info/PCIe Generation/Current'],
    csv: ['pcie.link.gen.current', 'pcie.link.gen.gpucurrent'],
  },
  pcieGenerationMax: {
    xml: ['pci/pci_gpu_link_info/pcie_gen/max_link_gen'],
    text: ['PCI/GPU Link Info/PCIe Generation/Max'],
    csv: ['pcie.link.gen.max'],
  },
  pcieLanes: {
    xml: ['pci/pci_gpu_link_info/link_widths/current_link_width'],
    text: ['PCI/GPU Link Info/Link Width/Current'],
    csv: ['pcie.link.width.current'],
  },
  pcieLanesMax: {
    xml: ['pci/pci_gpu_link_info/link_widths/max_link_width'],
    text: ['PCI/GPU Link Info/Link Width/Max'],
    csv: ['pcie.link.width.max'],
  },
  pcieReplays: {
    xml: ['pci/replay_counter'],
    text: ['PCI/Replays Since Reset', 'PCI/Replays since reset'],
    csv: [],
  },
  eccMode: {
    xml: ['ecc_mode/current_ecc'],
    text: ['ECC Mode/Current', 'Ecc Mode/Current'],
    csv: ['ecc.mode.current'],
  },
  eccCorrectedVolatile: { xml: [], text: [], csv: ['ecc.errors.corrected.volatile.total'] },
  eccUncorrectedVolatile: { xml: [], text: [], csv: ['ecc.errors.uncorrected.volatile.total'] },
  eccUncorrectedAggregate: { xml: [], text: [], csv: ['ecc.errors.uncorrected.aggregate.total'] },
  remappedUncorrectable: {
    xml: ['remapped_rows/remapped_row_unc'],
    text: ['Remapped Rows/Uncorrectable Error'],
    csv: ['remapped_rows.uncorrectable'],
  },
  remapFailed: {
    xml: ['remapped_rows/remapped_row_failure'],
    text: ['Remapped Rows/Remapping Failure Occurred'],
    csv: ['remapped_rows.failure'],
  },
  remapPending: {
    xml: ['remapped_rows/remapped_row_pending'],
    text: ['Remapped Rows/Pending'],
    csv: ['remapped_rows.pending'],
  },
  retirementPending: {
    xml: ['retired_pages/pending_retirement', 'retired_pages/pending_blacklist'],
    text: ['Retired Pages/Pending Page Blacklist'],
    csv: ['retired_pages.pending'],
  },
  migMode: {
    xml: ['mig_mode/current_mig'],
    text: ['MIG Mode/Current'],
    csv: ['mig.mode.current'],
  },
  migPending: {
    xml: ['mig_mode/pending_mig'],
    text: ['MIG Mode/Pending'],
    csv: ['mig.mode.pending'],
  },
} as const satisfies Record<string, Record<'xml' | 'text' | 'csv', readonly string[]>>;

export type NvidiaField = keyof typeof nvidiaFields;
export type NvidiaForm = 'xml' | 'text';

/**
 * The first of a field's places that holds a value, else what the first filled place says
 * (`N/A`), else nothing.
 */
export function fieldOf(
  field: NvidiaField,
  form: 'xml' | 'text' | 'csv',
  read: (place: string) => string | undefined,
): string | undefined {
  let silent: string | undefined;
  for (const place of nvidiaFields[field][form]) {
    const text = read(place);
    if (text === undefined) continue;
    if (!/^\[?(n\/a|not supported|requested functionality.*)?\]?$/i.test(text.trim())) return text;
    silent ??= text;
  }
  return silent;
}

export function treeField(
  gpu: TreeNode,
  form: NvidiaForm,
): (field: NvidiaField) => string | undefined {
  return (field) => fieldOf(field, form, (place) => textAt(gpu, [place]));
}

const eccSections = {
  xml: { volatile: 'ecc_errors/volatile', aggregate: 'ecc_errors/aggregate' },
  text: { volatile: 'ECC Errors/Volatile', aggregate: 'ECC Errors/Aggregate' },
} as const;

/**
 * Sums the counters of one section. v11 and later name them `sram_uncorrectable[_parity|_secded]`,
 * v10 nests `single_bit/total` and `double_bit/total`. Undefined when none was told.
 */
export function eccTotal(
  gpu: TreeNode,
  form: NvidiaForm,
  section: 'volatile' | 'aggregate',
  kind: 'corrected' | 'uncorrected',
): number | undefined {
  const at =
    nodeAt(gpu, eccSections[form][section]) ??
    nodeAt(gpu, eccSections[form][section].replace('ECC', 'Ecc'));
  // A part of a sum is a wrong sum.
  if (at?.complete !== true) return undefined;
  const bits = kind === 'corrected' ? /^single[_ ]bit$/i : /^double[_ ]bit$/i;
  const nested = at.children.find((child) => bits.test(child.name));
  const total = nested?.children.find((child) => /^total$/i.test(child.name));
  const leaves =
    total !== undefined
      ? [total]
      : at.children.filter((leaf) =>
          (kind === 'corrected' ? /[_ ]correctable/i : /uncorrectable/i).test(leaf.name),
        );
  let sum: number | undefined;
  for (const leaf of leaves) {
    if (/^\d{1,15}$/.test(leaf.text.trim())) sum = (sum ?? 0) + Number(leaf.text);
  }
  return sum;
}

/** The `mig_device` elements, or the "MIG Device" sections of the text. */
export function migNodes(gpu: TreeNode, form: NvidiaForm): readonly TreeNode[] {
  return form === 'xml'
    ? childrenOf(nodeAt(gpu, 'mig_devices'), 'mig_device')
    : childrenOf(gpu, 'MIG Device');
}
