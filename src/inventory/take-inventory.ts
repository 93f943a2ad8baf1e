import { buildTopology } from './build-topology.ts';
import { measureConfidence } from './confidence.ts';
import { crossCheck } from './cross-checks.ts';
import { effectiveLimits } from './effective-limits.ts';
import { unknown } from './fact.ts';
import { gpuLinksOf, gpusOf } from './gpus.ts';
import type { HostReader } from './host-reader.ts';
import { found, type Inventory } from './inventory.ts';
import type { Probe, ProbeOutcome } from './probe.ts';
import type { Outcomes } from './registry.ts';
import type { Topology } from './topology.ts';

/**
 * Runs the probes, those that start programs at the same time, and puts what they found together with
 * what is `known` from other probes.
 * Never rejects for the host's sake: a probe that fails, or has a bug, is an outcome beside the others.
 */
export async function takeInventory(
  host: HostReader,
  probes: readonly Probe[],
  known: Outcomes = {},
): Promise<Inventory> {
  const answers = await Promise.all(
    probes.map(async (probe) => [probe.name, await runProbe(host, probe)] as const),
  );
  // Names and value types belong together by the registry's type; a probe from elsewhere is only looked up by its own name.
  return assemble({ ...known, ...(Object.fromEntries(answers) as Outcomes) });
}

async function runProbe(host: HostReader, probe: Probe): Promise<ProbeOutcome<unknown>> {
  try {
    return await probe.read(host);
  } catch (error) {
    // Also a bug of ours: on a host that nobody foresaw, the other probes are worth more than a crash.
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { kind: 'failed', problem: { kind: 'failed', detail: `probe ${probe.name}: ${words}` } };
  }
}

/** The inventory that these outcomes make; what they do not tell is unknown in it. */
function assemble(outcomes: Outcomes): Inventory {
  const topology = topologyOf(outcomes);
  const gpus = gpusOf(outcomes);
  return {
    outcomes,
    topology,
    gpus,
    limits: effectiveLimits(outcomes),
    confidence: measureConfidence(outcomes),
    checks: crossCheck(outcomes, topology, gpus),
  };
}

function topologyOf(outcomes: Outcomes): Topology | undefined {
  const cpu = found(outcomes.cpu);
  if (cpu === undefined) return undefined;
  const cgroup = found(outcomes.cgroup);
  const nodes = found(outcomes.numa) ?? [];
  // On POWER the memory of a GPU comes and goes with its driver; hwloc does not count it as a node either.
  const isPower = cpu.family.known && cpu.family.value === 'power';
  return buildTopology({
    threads: cpu.threads,
    caches: found(outcomes.cache) ?? [],
    nodes: isPower ? nodes.filter((node) => node.kind !== 'gpu') : nodes,
    allNodes: nodes.map((node) => node.id),
    memoryBytes: found(outcomes.memory)?.totalBytes ?? unknown('not-reported'),
    pci: found(outcomes.pci) ?? [],
    devices: found(outcomes['os-devices']) ?? [],
    links: gpuLinksOf(outcomes),
    allowedCpus: cgroup?.cpus.known ? cgroup.cpus.value : undefined,
    allowedNodes: cgroup?.memoryNodes.known ? cgroup.memoryNodes.value : undefined,
  });
}
