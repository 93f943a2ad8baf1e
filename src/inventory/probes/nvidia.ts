import { type DescribedGpu, describeGpu, nameMigDevices } from '../describe-gpu.ts';
import { type Fact, unknown } from '../fact.ts';
import { type Gpu, pciAddress } from '../gpu.ts';
import type { HostReader, ReadProblem } from '../host-reader.ts';
import { gpusOfCsv, parseNvidiaCsv } from '../parsers/nvidia-csv.ts';
import { parseNvidiaListing } from '../parsers/nvidia-listing.ts';
import { parseMigInstances } from '../parsers/nvidia-mig.ts';
import { parseNvidiaInformation } from '../parsers/nvidia-procfs.ts';
import { type NvidiaReport, nvidiaGpu, parseNvidiaSmi } from '../parsers/nvidia-smi.ts';
import { type GpuTopology, parseGpuTopology } from '../parsers/nvidia-topo.ts';
import { told } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';
import { printed } from './program-output.ts';

export interface NvidiaGpus {
  readonly driverVersion: Fact<string>;
  readonly cudaVersion: Fact<string>;
  readonly gpus: readonly DescribedGpu[];
  /** Undefined when the driver did not tell it. */
  readonly topology: GpuTopology | undefined;
}

/** Some hundred milliseconds as a rule; seconds without persistence mode, when every GPU starts first. */
const SMI_TIMEOUT_MS = 5000;
/** The identifier is last: a cut line then lacks one, and is not taken for a shorter figure. */
const QUERY = ['--query-gpu=index,pci.bus_id,compute_cap,uuid', '--format=csv'];

/**
 * NVIDIA GPUs. The programs start together, so that a driver that never answers costs one time-out;
 * what the kernel module tells in /proc is then still reported.
 */
export const nvidiaProbe = defineProbe({
  name: 'nvidia',
  cost: 'slow',
  async read(host) {
    const smi = (...args: string[]) => host.run('nvidia-smi', args, SMI_TIMEOUT_MS);
    const [full, matrix, query] = await Promise.all([
      smi('-q', '-x'),
      smi('topo', '-m'),
      smi(...QUERY),
    ]);
    const problems: ReadProblem[] = [];
    const text = printed(full);
    if (/^No devices were found/m.test(text ?? '')) return { kind: 'absent' };
    let report = text === undefined ? undefined : parseNvidiaSmi(text);
    if (report === undefined) {
      const csv = parseNvidiaCsv(text ?? '');
      if (csv?.columns.includes('uuid')) report = bare(gpusOfCsv(csv));
    }
    if (report === undefined) {
      const found = fromProcfs(host);
      const problem = full.ok
        ? ({ kind: 'failed', detail: 'nvidia-smi -q -x: not a report of nvidia-smi' } as const)
        : full.problem;
      if (found.length === 0) {
        return problem.kind === 'absent' ? { kind: 'absent' } : { kind: 'failed', problem };
      }
      problems.push(problem);
      report = bare(found);
    }
    problems.push(...report.problems.map(described));
    if (report.gpus.length === 0) {
      const problem = problems[0];
      return problem === undefined ? { kind: 'absent' } : { kind: 'failed', problem };
    }
    const topology = parseGpuTopology(printed(matrix) ?? '');
    problems.push(...(topology?.problems ?? []).map(described));
    const queried = gpusOfCsv(parseNvidiaCsv(printed(query) ?? '') ?? noRows);
    const gpus = await withMigNames(report.gpus, smi);
    return {
      kind: 'found',
      value: {
        driverVersion: report.driverVersion,
        cudaVersion: report.cudaVersion,
        gpus: gpus.map((gpu) => describeGpu(completed(gpu, queried, host))),
        topology,
      },
      problems,
    };
  },
});

const noRows = { columns: [], rows: [], problems: [] };

const described = (detail: string): ReadProblem => ({
  kind: 'failed',
  detail: `nvidia-smi: ${detail}`,
});

const bare = (gpus: readonly Gpu[]): NvidiaReport => ({
  driverVersion: unknown('not-reported'),
  cudaVersion: unknown('not-reported'),
  gpus,
  problems: [],
});

/** The index and compute capability, which XML does not have, and the NUMA node, which the kernel has. */
function completed(gpu: Gpu, queried: readonly Gpu[], host: HostReader): Gpu {
  const same = queried.find((q) => sameDevice(q, gpu));
  const address = gpu.pciAddress.known ? gpu.pciAddress.value : '';
  return {
    ...gpu,
    index: same?.index ?? gpu.index,
    computeCapability: gpu.computeCapability.known
      ? gpu.computeCapability
      : (same?.computeCapability ?? gpu.computeCapability),
    numaNode: new Attributes(host).countOrNone(`/sys/bus/pci/devices/${address}/numa_node`),
  };
}

function sameDevice(a: Gpu, b: Gpu): boolean {
  if (a.uuid.known && b.uuid.known) return a.uuid.value === b.uuid.value;
  return a.pciAddress.known && b.pciAddress.known && a.pciAddress.value === b.pciAddress.value;
}

async function withMigNames(
  gpus: readonly Gpu[],
  smi: (...args: string[]) => ReturnType<HostReader['run']>,
): Promise<readonly Gpu[]> {
  if (!gpus.some((gpu) => gpu.mig.devices.length > 0)) return gpus;
  const [list, instances] = await Promise.all([smi('-L'), smi('mig', '-lgi')]);
  const listings = parseNvidiaListing(printed(list) ?? '');
  const placed = parseMigInstances(printed(instances) ?? '');
  return gpus.map((gpu) => nameMigDevices(gpu, listings, placed));
}

function fromProcfs(host: HostReader): readonly Gpu[] {
  const folder = '/proc/driver/nvidia/gpus';
  const listed = host.list(folder);
  if (!listed.ok) return [];
  return listed.value.slice(0, 256).map((name, index) => {
    const information = host.text(`${folder}/${name}/information`, 16 * 1024);
    const { model, uuid, minor } = parseNvidiaInformation(
      information.ok ? information.value : undefined,
    );
    const gpu = nvidiaGpu(() => undefined, index);
    return { ...gpu, index: minor, model, uuid, pciAddress: told(name, 'driver', pciAddress) };
  });
}
