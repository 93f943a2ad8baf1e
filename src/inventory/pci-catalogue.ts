/** What an accelerator is for; the vendor's own driver decides what it can do at a given moment. */
export type AcceleratorKind = 'gpu' | 'tpu' | 'npu' | 'dpu' | 'fpga' | 'data-mover' | 'coprocessor';

export interface CatalogueEntry {
  /** `vvvv:dddd`, or `vvvv:dddd/ssss` where the subsystem device tells two parts apart. */
  readonly id: string;
  readonly kind: AcceleratorKind;
  readonly model: string;
  /** What can be offloaded to it, as tags that placement may ask for. */
  readonly offloads: readonly string[];
  readonly source: string;
}

const ml = ['inference', 'training'];
const infer = ['inference', 'inference_caching'];
/** The offload lists of seeds 000 and 003, as far as the makers' product briefs claim them. */
const dpu = [
  'tcp_termination',
  'ssl',
  'load_balancing',
  'firewall',
  'encryption',
  'erasure_coding',
];
const compressing = [...dpu, 'compression', 'deduplication'];

const jax = 'jax-ml/jax jax/_src/hardware_utils.py, 2025';
const habana = 'Linux drivers/accel/habanalabs PCI id table, 2025';
const idDatabase = 'PCI ID Repository (pci-ids.ucw.cz), 2025';
const compute = 'intel/compute-runtime device ids, 2025';

/** Row: id, kind, model, offloads, source. */
const rows: readonly (readonly [string, AcceleratorKind, string, readonly string[], string])[] = [
  ['1ae0:0027', 'tpu', 'TPU v2 or v3', ml, jax],
  ['1ae0:005e', 'tpu', 'TPU v4', ml, jax],
  ['1ae0:0062', 'tpu', 'TPU v5p', ml, jax],
  ['1ae0:0063', 'tpu', 'TPU v5e', ml, jax],
  ['1ae0:006f', 'tpu', 'TPU v6e', ml, jax],
  ['1ae0:0076', 'tpu', 'TPU v7', ml, 'vllm-project TPU topology table, 2026'],
  ['1ac1:089a', 'tpu', 'Coral Edge TPU', infer, idDatabase],
  ['1da3:0001', 'npu', 'Goya', infer, habana],
  ['1da3:1000', 'npu', 'Gaudi', ml, habana],
  ['1da3:1001', 'npu', 'Gaudi HL-2000M', ml, habana],
  ['1da3:1010', 'npu', 'Gaudi (secured)', ml, habana],
  ['1da3:1011', 'npu', 'Gaudi HL-2000M (secured)', ml, habana],
  ['1da3:1020', 'npu', 'Gaudi 2', ml, habana],
  ['1da3:1021', 'npu', 'Gaudi 2 HL-288', ml, habana],
  ['1da3:1060', 'npu', 'Gaudi 3', ml, habana],
  ['1da3:1063', 'npu', 'Gaudi 3 HL-338', ml, habana],
  ['1e60:2864', 'npu', 'Hailo-8', infer, idDatabase],
  ['8086:7d1d', 'npu', 'Intel NPU (Meteor Lake)', infer, 'Linux drivers/accel/ivpu, 2025'],
  ['8086:643e', 'npu', 'Intel NPU (Lunar Lake)', infer, 'Linux drivers/accel/ivpu, 2025'],
  ['8086:ad1d', 'npu', 'Intel NPU (Arrow Lake)', infer, 'Linux drivers/accel/ivpu, 2025'],
  ['8086:b03e', 'npu', 'Intel NPU (Panther Lake)', infer, 'Linux drivers/accel/ivpu, 2025'],
  ['1022:1502', 'npu', 'AMD XDNA NPU (Phoenix)', infer, 'Linux drivers/accel/amdxdna, 2025'],
  ['1022:17f0', 'npu', 'AMD XDNA NPU (Strix)', infer, 'Linux drivers/accel/amdxdna, 2025'],
  ['17cb:a100', 'npu', 'Qualcomm Cloud AI 100', infer, 'Linux drivers/accel/qaic, 2025'],
  ['15b3:a2d2', 'dpu', 'BlueField', dpu, idDatabase],
  ['15b3:a2d6', 'dpu', 'BlueField-2', compressing, idDatabase],
  ['15b3:a2dc', 'dpu', 'BlueField-3', compressing, idDatabase],
  ['10ee:5000', 'fpga', 'Alveo U200', ['feature_hashing', 'preprocessing'], idDatabase],
  ['10ee:5004', 'fpga', 'Alveo U250', ['feature_hashing', 'preprocessing'], idDatabase],
  ['10ee:500c', 'fpga', 'Alveo U280', ['feature_hashing', 'preprocessing'], idDatabase],
  ['10ee:5020', 'fpga', 'Alveo U50', ['feature_hashing', 'preprocessing'], idDatabase],
  ['8086:09c4', 'fpga', 'Intel PAC Arria 10', ['preprocessing'], idDatabase],
  ['8086:0b30', 'fpga', 'Intel PAC N3000', ['preprocessing'], idDatabase],
  [
    '8086:4940',
    'data-mover',
    'Intel QAT 4xxx',
    ['compression', 'encryption', 'ssl'],
    'Linux drivers/crypto/intel/qat, 2025',
  ],
  [
    '8086:4942',
    'data-mover',
    'Intel QAT 401xx',
    ['compression', 'encryption', 'ssl'],
    'Linux drivers/crypto/intel/qat, 2025',
  ],
  [
    '8086:37c8',
    'data-mover',
    'Intel QAT C62x',
    ['compression', 'encryption', 'ssl'],
    'Linux drivers/crypto/intel/qat, 2025',
  ],
  ['8086:0b25', 'data-mover', 'Intel DSA', ['data_copy'], 'Linux drivers/dma/idxd, 2025'],
  ['8086:0cfe', 'data-mover', 'Intel IAA', ['compression'], 'Linux drivers/dma/idxd, 2025'],
  ['8086:2250', 'coprocessor', 'Xeon Phi 5100', [], idDatabase],
  ['8086:225c', 'coprocessor', 'Xeon Phi 7120', [], idDatabase],
  ['8086:225d', 'coprocessor', 'Xeon Phi 3120', [], idDatabase],
  ['8086:0bd5', 'gpu', 'Data Center GPU Max 1550', ml, compute],
  ['8086:0bda', 'gpu', 'Data Center GPU Max 1100', ml, compute],
  ['8086:56c0', 'gpu', 'Data Center GPU Flex 170', infer, compute],
  ['8086:56c1', 'gpu', 'Data Center GPU Flex 140', infer, compute],
  ['8086:56a0', 'gpu', 'Arc A770', infer, compute],
  ['8086:56a1', 'gpu', 'Arc A750', infer, compute],
  ['8086:e20b', 'gpu', 'Arc B580', infer, compute],
  ['8086:e20c', 'gpu', 'Arc B570', infer, compute],
  ['1002:738c', 'gpu', 'Instinct MI100', ml, idDatabase],
  ['1002:740c', 'gpu', 'Instinct MI250', ml, idDatabase],
  ['1002:7408', 'gpu', 'Instinct MI250X', ml, idDatabase],
  ['1002:740f', 'gpu', 'Instinct MI210', ml, idDatabase],
  ['1002:74a0', 'gpu', 'Instinct MI300A', ml, idDatabase],
  ['1002:74a1', 'gpu', 'Instinct MI300X', ml, idDatabase],
  ['1002:74a5', 'gpu', 'Instinct MI325X', ml, idDatabase],
  ['1002:75a0', 'gpu', 'Instinct MI350X', ml, idDatabase],
  ['1002:75a3', 'gpu', 'Instinct MI355X', ml, idDatabase],
];

export const pciCatalogue: readonly CatalogueEntry[] = rows.map(
  ([id, kind, model, offloads, source]) => ({ id, kind, model, offloads, source }),
);

const byId = new Map(pciCatalogue.map((entry) => [entry.id, entry]));

/** The part with this `vvvv:dddd`, if the catalogue has it. */
export function catalogued(id: string): CatalogueEntry | undefined {
  return byId.get(id.toLowerCase());
}

const vendors: Readonly<Record<string, string>> = {
  '1002': 'AMD',
  '1022': 'AMD',
  '10de': 'NVIDIA',
  '10ee': 'AMD Xilinx',
  '15b3': 'NVIDIA Mellanox',
  '17cb': 'Qualcomm',
  '19e5': 'Huawei',
  '1ac1': 'Google',
  '1ae0': 'Google',
  '1d0f': 'Amazon',
  '1d95': 'Graphcore',
  '1da3': 'Intel Habana',
  '1dd8': 'AMD Pensando',
  '1e52': 'Tenstorrent',
  '1e60': 'Hailo',
  '8086': 'Intel',
  cabc: 'Cambricon',
};

export function pciVendor(vendorId: string): string | undefined {
  return vendors[vendorId.toLowerCase()];
}
