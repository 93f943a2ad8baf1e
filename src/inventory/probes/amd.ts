import { type DescribedGpu, describeGpu } from '../describe-gpu.ts';
import { type Fact, unknown } from '../fact.ts';
import type { Gpu } from '../gpu.ts';
import type { ReadProblem } from '../host-reader.ts';
import { parseAmdSmi } from '../parsers/amd-smi.ts';
import { parseRocmSmi } from '../parsers/rocm-smi.ts';
import { defineProbe } from '../probe.ts';
import { drmCards } from './drm-cards.ts';
import { printed } from './program-output.ts';

export interface AmdGpus {
  readonly driverVersion: Fact<string>;
  readonly gpus: readonly DescribedGpu[];
}

/** Python tools that load a library: a second each on an idle host. */
const TIMEOUT_MS = 5000;

/** AMD GPUs: the kernel's own files, completed by amd-smi, or by rocm-smi where that is all there is. */
export const amdProbe = defineProbe({
  name: 'amd',
  cost: 'slow',
  async read(host) {
    const { gpus: cards, attributes } = drmCards(host, 'amd');
    const fixed = await host.run('amd-smi', ['static', '--json'], TIMEOUT_MS);
    const text = printed(fixed);
    const metric =
      text === undefined
        ? undefined
        : printed(await host.run('amd-smi', ['metric', '--json'], TIMEOUT_MS));
    const problems: ReadProblem[] = [...attributes.problems];
    let told = text === undefined ? undefined : parseAmdSmi(text, metric);
    let driverVersion: Fact<string> = unknown('not-reported');
    if (!fixed.ok && fixed.problem.kind !== 'absent') problems.push(fixed.problem);
    if (told === undefined) {
      const rocm = await host.run('rocm-smi', ['-a', '--json'], TIMEOUT_MS);
      if (!rocm.ok && rocm.problem.kind !== 'absent') problems.push(rocm.problem);
      const report = parseRocmSmi(printed(rocm) ?? '');
      if (report !== undefined) ({ gpus: told, driverVersion } = report);
      else if (rocm.ok && cards.length > 0) {
        problems.push({ kind: 'failed', detail: 'rocm-smi -a --json: not its output' });
      }
    }
    const gpus = merged(told ?? [], cards);
    if (gpus.length > 0) {
      return { kind: 'found', value: { driverVersion, gpus: gpus.map(describeGpu) }, problems };
    }
    const [problem] = problems;
    return problem === undefined ? { kind: 'absent' } : { kind: 'failed', problem };
  },
});

/** One record per device: what the tool told, and the kernel's figure where the tool said nothing. */
function merged(told: readonly Gpu[], cards: readonly Gpu[]): readonly Gpu[] {
  if (told.length === 0) return cards;
  const unused = new Set(cards);
  const found = told.map((gpu) => {
    const card = cards.find(
      (c) =>
        c.pciAddress.known && gpu.pciAddress.known && c.pciAddress.value === gpu.pciAddress.value,
    );
    if (card === undefined) return gpu;
    unused.delete(card);
    return completed(gpu, card);
  });
  // A card whose address the kernel did not tell cannot be matched; listing it might count it twice.
  return [...found, ...[...unused].filter((card) => card.pciAddress.known)];
}

function completed(gpu: Gpu, card: Gpu): Gpu {
  return {
    ...gpu,
    ...filled(gpu, card, ['model', 'uuid', 'serial', 'pciId', 'numaNode', 'index']),
    memory: { ...card.memory, ...knownOf(gpu.memory) },
    utilization: { ...card.utilization, ...knownOf(gpu.utilization) },
    temperature: { ...card.temperature, ...knownOf(gpu.temperature) },
    power: { ...card.power, ...knownOf(gpu.power) },
    clocks: { ...card.clocks, ...knownOf(gpu.clocks) },
    pcie: { ...card.pcie, ...knownOf(gpu.pcie) },
  };
}

function filled<K extends keyof Gpu>(
  gpu: Gpu,
  card: Gpu,
  keys: readonly K[],
): Pick<Gpu, K> | object {
  const entries = keys.flatMap((key) => {
    const own: unknown = gpu[key];
    return isUnknown(own) ? [[key, card[key]] as const] : [];
  });
  return Object.fromEntries(entries);
}

function knownOf(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !isUnknown(value)));
}

const isUnknown = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'known' in value && value.known === false;
