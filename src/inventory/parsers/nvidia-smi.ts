import { type Fact, fact, unknown } from '../fact.ts';
import { type Gpu, type GpuMemory, type GpuProcess, type MigDevice, pciAddress } from '../gpu.ts';
import { parseIndented } from './indented.ts';
import {
  eccTotal,
  migNodes,
  type NvidiaField,
  type NvidiaForm,
  treeField,
} from './nvidia-fields.ts';
import { gpuUuid } from './nvidia-listing.ts';
import { byteSize, count, scaled, told, words, yesNo } from './scalars.ts';
import { childrenOf, nodeAt, type TreeNode, textAt } from './tree-node.ts';
import { parseXml } from './xml.ts';

/** As many as any host has, and a bound on what hostile output can make us keep. */
const GPUS_MAX = 256;
const PROCESSES_MAX = 4096;

export interface NvidiaReport {
  readonly driverVersion: Fact<string>;
  readonly cudaVersion: Fact<string>;
  readonly gpus: readonly Gpu[];
  /** What was wrong with the text. The GPUs that could be read are there all the same. */
  readonly problems: readonly string[];
}

/** The output of `nvidia-smi -q -x` or `nvidia-smi -q`; undefined when it is neither. */
export function parseNvidiaSmi(text: string): NvidiaReport | undefined {
  const head = text.slice(0, 4096);
  if (/<\?xml|<!DOCTYPE nvidia|<nvidia_smi_log/.test(head)) return fromXml(text);
  return /NVSMI LOG|^Attached GPUs\s+:/m.test(head) ? fromText(text) : undefined;
}

function fromXml(text: string): NvidiaReport | undefined {
  const { root, problem } = parseXml(text);
  if (root === undefined || root.name !== 'nvidia_smi_log') return undefined;
  return report(root, 'xml', childrenOf(root, 'gpu'), problem === undefined ? [] : [problem]);
}

function fromText(text: string): NvidiaReport {
  const root = parseIndented(text);
  const gpus = root.children.filter((node) => /^GPU [0-9A-Fa-f]{4,8}:/.test(node.name));
  return report(root, 'text', gpus, []);
}

function report(
  root: TreeNode,
  form: NvidiaForm,
  nodes: readonly TreeNode[],
  problems: readonly string[],
): NvidiaReport {
  const top = (xml: string, plain: string) => textAt(root, [form === 'xml' ? xml : plain]);
  const attached = told(top('attached_gpus', 'Attached GPUs'), 'driver', count);
  const found = [...problems];
  if (attached.known && attached.value !== nodes.length) {
    found.push(`the driver counts ${attached.value} GPUs and describes ${nodes.length}`);
  }
  return {
    driverVersion: told(top('driver_version', 'Driver Version'), 'driver', words),
    cudaVersion: told(top('cuda_version', 'CUDA Version'), 'driver', words),
    gpus: nodes.slice(0, GPUS_MAX).map((node, index) => treeGpu(node, index, form)),
    problems: found,
  };
}

function treeGpu(node: TreeNode, index: number, form: NvidiaForm): Gpu {
  const field = treeField(node, form);
  const heading = form === 'xml' ? node.attributes['id'] : node.name.slice('GPU '.length);
  const total = (section: 'volatile' | 'aggregate', kind: 'corrected' | 'uncorrected') => {
    const sum = eccTotal(node, form, section, kind);
    return sum === undefined ? unknown('not-reported') : fact(sum, 'driver');
  };
  return {
    ...nvidiaGpu(field, index),
    pciAddress: told(field('pciAddress') ?? heading, 'driver', pciAddress),
    ecc: {
      ...nvidiaEcc(field),
      correctedVolatile: total('volatile', 'corrected'),
      uncorrectedVolatile: total('volatile', 'uncorrected'),
      uncorrectedAggregate: total('aggregate', 'uncorrected'),
    },
    throttledBy: throttles(node, form),
    mig: {
      enabled: told(field('migMode'), 'driver', yesNo),
      pending: told(field('migPending'), 'driver', yesNo),
      devices: migNodes(node, form)
        .slice(0, 64)
        .map((mig) => migDevice(mig, form)),
    },
    processes: processes(node, form),
  };
}

const percent = scaled('%', 100);
const celsius = scaled('C', 1000);
const watts = scaled('W', 1000);
const megahertz = scaled('MHz', 1);
const lanes = (text: string) => count(text.replace(/x$/, ''));

/** The part that every form of the report shares; `field` finds the text of a field. */
export function nvidiaGpu(field: (name: NvidiaField) => string | undefined, index: number): Gpu {
  const driver = <T>(name: NvidiaField, parse: (text: string) => T | undefined): Fact<T> =>
    told(field(name), 'driver', parse);
  return {
    vendor: 'nvidia',
    index: field('index') === undefined ? fact(index, 'driver') : driver('index', count),
    model: driver('model', words),
    architecture: driver('architecture', words),
    uuid: driver('uuid', gpuUuid),
    serial: driver('serial', words),
    pciAddress: driver('pciAddress', pciAddress),
    pciId: driver('pciId', pciId),
    numaNode: unknown('not-reported'),
    computeCapability: driver('computeCapability', (text) => /^\d{1,2}\.\d$/.exec(text)?.[0]),
    memory: {
      totalBytes: driver('memoryTotal', byteSize),
      reservedBytes: driver('memoryReserved', byteSize),
      usedBytes: driver('memoryUsed', byteSize),
      freeBytes: driver('memoryFree', byteSize),
    },
    utilization: {
      computeBp: driver('computeUtilization', percent),
      memoryBp: driver('memoryUtilization', percent),
    },
    temperature: {
      currentMilliCelsius: driver('temperature', celsius),
      memoryMilliCelsius: driver('memoryTemperature', celsius),
      slowdownMilliCelsius: driver('slowdownTemperature', celsius),
      shutdownMilliCelsius: driver('shutdownTemperature', celsius),
      marginMilliCelsius: driver('temperatureMargin', celsius),
    },
    power: {
      drawMilliwatts: driver('powerDraw', watts),
      limitMilliwatts: driver('powerLimit', watts),
      defaultLimitMilliwatts: driver('powerDefaultLimit', watts),
      minLimitMilliwatts: driver('powerMinLimit', watts),
      maxLimitMilliwatts: driver('powerMaxLimit', watts),
    },
    clocks: {
      graphicsMhz: driver('graphicsClock', megahertz),
      memoryMhz: driver('memoryClock', megahertz),
      graphicsMaxMhz: driver('graphicsClockMax', megahertz),
      memoryMaxMhz: driver('memoryClockMax', megahertz),
    },
    pcie: {
      generation: driver('pcieGeneration', count),
      generationMax: driver('pcieGenerationMax', count),
      lanes: driver('pcieLanes', lanes),
      lanesMax: driver('pcieLanesMax', lanes),
      replays: driver('pcieReplays', count),
    },
    ecc: nvidiaEcc(field),
    throttledBy: unknown('not-reported'),
    mig: {
      enabled: driver('migMode', yesNo),
      pending: driver('migPending', yesNo),
      devices: [],
    },
    processes: unknown('not-reported'),
  };
}

function nvidiaEcc(field: (name: NvidiaField) => string | undefined): Gpu['ecc'] {
  const remapPending = told(field('remapPending'), 'driver', yesNo);
  return {
    enabled: told(field('eccMode'), 'driver', yesNo),
    correctedVolatile: told(field('eccCorrectedVolatile'), 'driver', count),
    uncorrectedVolatile: told(field('eccUncorrectedVolatile'), 'driver', count),
    uncorrectedAggregate: told(field('eccUncorrectedAggregate'), 'driver', count),
    remappedRows: told(field('remappedUncorrectable'), 'driver', count),
    remapFailed: told(field('remapFailed'), 'driver', yesNo),
    repairPending: remapPending.known
      ? remapPending
      : told(field('retirementPending'), 'driver', yesNo),
  };
}

/** NVIDIA writes device before vendor, `0x233010DE`. */
function pciId(text: string): string | undefined {
  const match = /^(?:0x)?([0-9a-f]{4})([0-9a-f]{4})$/i.exec(text.trim());
  return match === null ? undefined : `${match[2]}:${match[1]}`.toLowerCase();
}

function memoryOf(node: TreeNode, section: string, names: readonly string[]): GpuMemory {
  const at = (name: string | undefined) =>
    told(name === undefined ? undefined : textAt(node, [`${section}/${name}`]), 'driver', byteSize);
  const [total, reserved, used, free] = names;
  return {
    totalBytes: at(total),
    reservedBytes: at(reserved),
    usedBytes: at(used),
    freeBytes: at(free),
  };
}

function migDevice(node: TreeNode, form: NvidiaForm): MigDevice {
  const xml = form === 'xml';
  const number = (place: string) => told(textAt(node, [place]), 'driver', count);
  return {
    index: number(xml ? 'index' : 'Index'),
    gpuInstance: number(xml ? 'gpu_instance_id' : 'GPU Instance ID'),
    computeInstance: number(xml ? 'compute_instance_id' : 'Compute Instance ID'),
    uuid: unknown('not-reported'),
    profile: unknown('not-reported'),
    multiprocessors: number(
      xml
        ? 'device_attributes/shared/multiprocessor_count'
        : 'Device Attributes/Shared/Multiprocessor count',
    ),
    memory: xml
      ? memoryOf(node, 'fb_memory_usage', ['total', 'reserved', 'used', 'free'])
      : memoryOf(
          node,
          nodeAt(node, 'Shared FB Memory Usage') === undefined
            ? 'FB Memory Usage'
            : 'Shared FB Memory Usage',
          ['Total', 'Reserved', 'Used', 'Free'],
        ),
    placement: unknown('not-reported'),
  };
}

/** Both sets of names: the driver renamed "throttle reasons" to "event reasons" in 535. */
const reasonSections = {
  xml: ['clocks_event_reasons', 'clocks_throttle_reasons'],
  text: ['Clocks Event Reasons', 'Clocks Throttle Reasons'],
} as const;

function throttles(node: TreeNode, form: NvidiaForm): Fact<readonly string[]> {
  const section = reasonSections[form]
    .map((name) => nodeAt(node, name))
    .find((found) => found !== undefined);
  if (section === undefined || section.children.length === 0) return unknown('not-reported');
  if (!section.complete) return unknown('garbled');
  const active: string[] = [];
  const visit = (leaf: TreeNode) => {
    const name = leaf.name
      .replace(/^clocks_(event|throttle)_reason_/, '')
      .replaceAll(/[ _]+/g, '-')
      .toLowerCase();
    if (/^active$/i.test(leaf.text) && !/^(gpu-)?idle$/.test(name)) active.push(name);
    leaf.children.forEach(visit);
  };
  section.children.forEach(visit);
  return fact(active, 'driver');
}

function processes(node: TreeNode, form: NvidiaForm): Fact<readonly GpuProcess[]> {
  const section = nodeAt(node, form === 'xml' ? 'processes' : 'Processes');
  if (section === undefined || /n\/a/i.test(section.text)) return unknown('not-reported');
  if (!section.complete) return unknown('garbled');
  const found: GpuProcess[] = [];
  let instance: string | undefined;
  for (const child of section.children.slice(0, PROCESSES_MAX * 3)) {
    if (child.name === 'GPU instance ID') instance = child.text;
    const xml = child.name === 'process_info';
    if (!xml && child.name !== 'Process ID') continue;
    const pid = count(xml ? (textAt(child, ['pid']) ?? '') : child.text);
    if (pid === undefined || found.length === PROCESSES_MAX) continue;
    found.push({
      pid,
      type: told(textAt(child, ['type', 'Type']), 'driver', words),
      name: told(textAt(child, ['process_name', 'Name']), 'driver', words),
      usedBytes: told(textAt(child, ['used_memory', 'Used GPU Memory']), 'driver', byteSize),
      gpuInstance: told(xml ? textAt(child, ['gpu_instance_id']) : instance, 'driver', count),
    });
  }
  return fact(found, 'driver');
}
