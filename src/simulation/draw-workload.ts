import type { Prng } from '../base/prng.ts';
import {
  type BasisPoints,
  type Bytes,
  bytes,
  milliCpu,
  milliGpu,
  spanMs,
  UNLIMITED,
} from '../base/units.ts';
import { type Constraints, noConstraints } from '../model/constraints.ts';
import type { ExecutionTerms } from '../model/execution-terms.ts';
import type { QueueName, StepId } from '../model/ids.ts';
import { milliOfInstance } from '../model/mig-profile.ts';
import type { Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import type { StepSpec, StopTerms, WorkloadSpec } from '../model/workload.ts';

const GIB = 1024 ** 3;
const STEPS_MAX = 8;

/** The few requests that the workloads of one world make, so that many of them are the same shape. */
export function drawRequests(prng: Prng, cluster: readonly Node[]): Resources[] {
  return Array.from({ length: prng.between(2, 6) }, () => drawRequest(prng, prng.pick(cluster)));
}

/** A part of what one node has; now and then more than any node has, or nothing of a resource. */
function drawRequest(prng: Prng, node: Node): Resources {
  const custom = node.custom.flatMap(([name, amount]): [string, number][] =>
    prng.chance(40) ? [[name, prng.between(1, amount)]] : [],
  );
  return {
    cpu: milliCpu(prng.chance(12) ? 0 : share(prng, node.cpu)),
    memory: bytes(prng.chance(12) ? 0 : share(prng, node.memory)),
    ...drawGpus(prng, node),
    custom,
  };
}

/** None, whole devices, a share by compute, by memory or by both, or an instance where there are some. */
function drawGpus(prng: Prng, { gpus }: Node): Pick<Resources, 'gpu' | 'gpuMemory' | 'mig'> {
  const [first] = gpus;
  if (first === undefined || prng.chance(50)) return { gpu: milliGpu(0) };
  if (first.mig !== undefined && prng.chance(80)) {
    const mig = prng.pick(['1g.5gb', '1g.10gb', '2g.10gb', '3g.20gb', '7g.40gb']);
    return { gpu: milliGpu(milliOfInstance(mig)), mig };
  }
  if (prng.chance(50)) return { gpu: milliGpu(prng.between(1, gpus.length) * 1000) };
  const compute = prng.pick([100, 250, 500, 700]);
  if (prng.chance(60)) return { gpu: milliGpu(compute) };
  const gpuMemory = bytes(prng.pick([1, 4, 8, 12]) * GIB);
  return { gpu: milliGpu(prng.chance(50) ? 1 : compute), gpuMemory };
}

const share = (prng: Prng, amount: number): number =>
  Math.floor(amount / prng.pick([1, 2, 3, 4, 8]));

export function drawWorkload(
  prng: Prng,
  name: string,
  requests: readonly Resources[],
): WorkloadSpec {
  const steps: StepSpec[] = [];
  const count = prng.chance(60) ? 1 : prng.between(2, STEPS_MAX);
  for (let i = 0; i < count; i++) {
    const needs = steps.filter(() => prng.chance(35)).map((step) => step.id);
    steps.push(drawStep(prng, `s${i}`, needs, requests));
  }
  return {
    kind: count === 1 ? 'job' : 'pipeline',
    name,
    queue: 'default' as QueueName,
    priority: prng.chance(60) ? 0 : prng.between(-2, 2),
    labels: {},
    steps,
    source: '',
  };
}

function drawStep(
  prng: Prng,
  id: string,
  needs: readonly StepId[],
  requests: readonly Resources[],
): StepSpec {
  const request = prng.chance(3) ? tooLarge(prng.pick(requests)) : prng.pick(requests);
  const count = prng.chance(50) ? 1 : prng.chance(80) ? prng.between(2, 6) : prng.between(7, 20);
  const maxParallel = prng.chance(60) ? UNLIMITED : prng.between(1, 4);
  return {
    ...drawGang(prng, Math.min(count, maxParallel)),
    ...(prng.chance(30) ? { stops: drawStops(prng) } : {}),
    ...(prng.chance(30) ? { estimateMs: spanMs(prng.between(1, 600_000)) } : {}),
    id: id as StepId,
    needs,
    run: { kind: 'shell', script: 'true' },
    count,
    maxParallel,
    request,
    ...(isShare(request) && prng.chance(25) && { constraints: alone }),
    ...(maxParallel === UNLIMITED && wholeCores(request) && { execution: pinned }),
    limits: {
      cpu: milliCpu(UNLIMITED),
      memory: drawLimit(prng, request.memory),
      pids: 4096,
      wallMs: spanMs(prng.chance(80) ? UNLIMITED : prng.between(1, 400_000)),
      graceMs: spanMs(prng.pick([0, 1_000, 10_000])),
      logBytes: bytes(16 * 1024 ** 2),
    },
    retry: {
      maxRetries: prng.chance(40) ? 0 : prng.between(1, 4),
      backoffMs: spanMs(prng.pick([0, 1_000, 30_000])),
      backoffFactor: prng.pick([10_000, 15_000, 20_000]) as BasisPoints,
      backoffMaxMs: spanMs(prng.pick([5_000, 120_000])),
      memoryGrowth: prng.pick([10_000, 15_000, 20_000]) as BasisPoints,
    },
    env: {},
    cwd: '',
  };
}

const alone: Constraints = { ...noConstraints, gpuAlone: true };

const isShare = ({ gpu, mig }: Resources): boolean => gpu > 0 && gpu < 1000 && mig === undefined;

const pinned: ExecutionTerms = { process: { cores: 'exclusive' } };

const wholeCores = ({ cpu }: Resources): boolean => cpu > 0 && cpu % 1000 === 0;

/** Every fourth step that can be one is a gang; most of those are of no use with fewer. */
function drawGang(prng: Prng, most: number): Pick<StepSpec, 'gangMin' | 'topology'> {
  if (most < 2 || !prng.chance(25)) return {};
  const gangMin = prng.chance(70) ? most : prng.between(2, most);
  if (!prng.chance(20)) return { gangMin };
  return { gangMin, topology: { label: 'node', required: prng.chance(50) } };
}

function drawStops(prng: Prng): StopTerms {
  const terms = {
    preemptible: prng.chance(80),
    restartMs: spanMs(prng.pick([0, 30_000])),
    minRunMs: spanMs(prng.pick([0, 20_000, 300_000])),
  };
  return prng.chance(50) ? terms : { ...terms, checkpointMs: spanMs(prng.between(1, 120_000)) };
}

function drawLimit(prng: Prng, asked: Bytes): Bytes {
  if (asked === 0 || prng.chance(30)) return UNLIMITED as Bytes;
  return bytes(prng.chance(70) ? asked : asked * 2);
}

const tooLarge = (request: Resources): Resources => ({
  ...request,
  memory: bytes(request.memory + 1_000 * GIB),
});
