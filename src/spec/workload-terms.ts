import { nearest } from '../base/nearest.ts';
import { type Bytes, type MilliCpu, spanMs, UNLIMITED } from '../base/units.ts';
import { noConstraints } from '../model/constraints.ts';
import type { WorkloadLimits } from '../model/flow.ts';
import { type QosClass, qosClasses } from '../model/qos.ts';
import type { StepSpec } from '../model/workload.ts';
import type { CostOptimizationBlock } from './blocks/cost-optimization-block.ts';
import { noLimits, type PipelineBlock, readPipelineLimits } from './blocks/limits-block.ts';
import { type ModelsBlock, type UnmetRow, unmetModels } from './blocks/models-block.ts';
import { type MonitoringBlock, siteMonitoring } from './blocks/monitoring-block.ts';
import type { OptimizationBlock } from './blocks/optimization-block.ts';
import type { RequirementsBlock } from './blocks/requirements-block.ts';
import { plainWord } from './fields.ts';
import type { Path, Problem } from './issue.ts';
import { printBytes, printCpu } from './quantities.ts';
import { NOT_ENABLED } from './waiting-terms.ts';

/** The blocks of a document that are about the workload as a whole. */
export interface WorkloadBlocks {
  readonly class?: string | undefined;
  readonly pipeline?: PipelineBlock | undefined;
  readonly resource_requirements?: RequirementsBlock | undefined;
  readonly optimization?: OptimizationBlock | undefined;
  readonly cost_optimization?: CostOptimizationBlock | undefined;
  readonly models?: ModelsBlock | undefined;
  readonly monitoring?: MonitoringBlock | undefined;
}

/** The smaller of what several blocks say; nothing where none says anything. */
export function limitsOf(blocks: WorkloadBlocks): WorkloadLimits | undefined {
  const written = readPipelineLimits(blocks.pipeline);
  const { compute, cost_controls: costs } = blocks.resource_requirements ?? {};
  const hourlyCost = costs?.max_hourly_cost;
  const limits: WorkloadLimits = {
    ...written,
    cpu: Math.min(written.cpu, compute?.cpu ?? UNLIMITED),
    memory: Math.min(written.memory, compute?.memory ?? UNLIMITED),
    ...(compute?.gpu !== undefined && { gpu: compute.gpu }),
    concurrentTasks: Math.min(
      written.concurrentTasks,
      blocks.optimization?.parallel_tasks ?? UNLIMITED,
    ),
    ...(hourlyCost !== undefined && { hourlyCost }),
  };
  const isLimited = Object.entries(limits).some(
    ([key, value]) => value !== noLimits[key as keyof WorkloadLimits],
  );
  return isLimited ? limits : undefined;
}

/** A task that alone is beyond what the workload may have would wait for ever. */
export function limitProblems(
  limits: WorkloadLimits | undefined,
  steps: readonly { readonly step: StepSpec; readonly path: Path }[],
): Problem[] {
  if (limits === undefined) return [];
  const problems: Problem[] = [];
  for (const { step, path } of steps) {
    const together = step.gangMin ?? 1;
    const wrong = (what: string, request: string, limit: string): void => {
      const tasks =
        together === 1
          ? 'a task of this step asks'
          : `${together} tasks of this step that start together ask`;
      problems.push({
        path,
        message: `${tasks} for ${request} of ${what}, more than the ${limit} of the workload as a whole`,
        at: 'key',
      });
    };
    const { cpu, memory, gpu } = step.request;
    if (cpu * together > limits.cpu) {
      wrong('CPU', printCpu((cpu * together) as MilliCpu), printCpu(limits.cpu as MilliCpu));
    }
    if (memory * together > limits.memory) {
      wrong('memory', printBytes((memory * together) as Bytes), printBytes(limits.memory as Bytes));
    }
    if (limits.gpu !== undefined && gpu * together > limits.gpu) {
      wrong('GPUs', `${(gpu * together) / 1000}`, `${limits.gpu / 1000}`);
    }
    if (together > limits.concurrentTasks) {
      wrong('tasks', `${together}`, `${limits.concurrentTasks} at once`);
    }
  }
  return problems;
}

/** The classes that a document names: each of the two places may name one of either kind. */
export interface NamedClasses {
  readonly qos?: QosClass;
  /** A priority class, which only a site knows. */
  readonly priority?: string;
}

const classPaths = [['class'], ['resource_requirements', 'class']] as const;

export function classesOf(blocks: WorkloadBlocks): NamedClasses {
  const classes: { qos?: QosClass; priority?: string } = {};
  for (const name of [blocks.resource_requirements?.class, blocks.class]) {
    if (name === undefined) continue;
    const qos = qosNamed(name);
    if (qos === undefined) classes.priority = name;
    else classes.qos = qos;
  }
  return classes;
}

const qosNamed = (name: string): QosClass | undefined =>
  qosClasses.find((one) => one === plainWord(name));

/** Two classes of one kind contradict each other; a misspelt class of service would be a priority class. */
export function classProblems(blocks: WorkloadBlocks): Problem[] {
  const named = [blocks.class, blocks.resource_requirements?.class];
  const [first, second] = named;
  const problems = named.flatMap((name, i): Problem[] => {
    if (name === undefined || qosNamed(name) !== undefined) return [];
    const near = nearest(plainWord(name), qosClasses);
    if (near === undefined) return [];
    const message = `\`${name}\` is taken as a priority class of the site: it is none of ${qosClasses.join(', ')}`;
    return [{ severity: 'warning', path: classPaths[i]!, message, suggestion: near }];
  });
  if (first === undefined || second === undefined) return problems;
  const [one, other] = [qosNamed(first), qosNamed(second)];
  if ((one === undefined) !== (other === undefined)) return problems;
  if (one === undefined ? first === second : one === other) return problems;
  const what = one === undefined ? 'priority classes' : 'classes of service';
  const message = `says ${second}, but \`class\` says ${first}: two ${what}`;
  return [...problems, { path: classPaths[1], message }];
}

/** What the class of service of a workload means for a step that does not say so itself. */
export function withClass(step: StepSpec, { qos: name, priority }: NamedClasses): StepSpec {
  if (name === undefined) return step;
  const process = {
    ...(name === 'guaranteed' && { memoryProtection: 'hard' as const }),
    ...(name === 'burstable' && { memoryProtection: 'soft' as const }),
    // Half of what the kernel knows: behind anything that was not asked to go first.
    ...(name === 'best-effort' && { oomScoreAdjust: 500 }),
    ...step.execution?.process,
  };
  // A task is of this class when it is limited to what it asks for.
  const { cpu, memory } = step.limits;
  const limits = {
    ...step.limits,
    cpu: cpu === UNLIMITED ? step.request.cpu : cpu,
    memory: memory === UNLIMITED ? step.request.memory : memory,
  };
  const stops = { preemptible: name !== 'guaranteed', restartMs: spanMs(0), minRunMs: spanMs(0) };
  return {
    ...step,
    qos: name,
    execution: { ...step.execution, process },
    ...(name === 'guaranteed' && { limits }),
    // A priority class says first whether its tasks may be stopped.
    ...(name !== 'burstable' && priority === undefined && { stops: step.stops ?? stops }),
  };
}

/** Its working folder is shared by all tasks: each of them is held to its size. */
export function withWorkspace(step: StepSpec, blocks: WorkloadBlocks): StepSpec {
  const workspace = blocks.resource_requirements?.storage?.workspace;
  if (workspace === undefined) return step;
  const storage = { volumes: [], ...step.execution?.storage, workspace };
  return { ...step, execution: { ...step.execution, storage } };
}

/** `gpu_scheduling: exclusive`, of a step that asks for a share: whole devices and instances are its own as they are. */
export function withGpuAlone(step: StepSpec, { optimization }: WorkloadBlocks): StepSpec {
  const { gpu, mig } = step.request;
  const isShare = gpu > 0 && gpu < 1000 && mig === undefined;
  if (optimization?.gpu_scheduling !== 'exclusive' || !isShare) return step;
  return { ...step, constraints: { ...(step.constraints ?? noConstraints), gpuAlone: true } };
}

/** Keys that are checked, and that nothing acts on: each says what is missing. */
export function unmetProblems(blocks: WorkloadBlocks, steps: readonly StepSpec[]): Problem[] {
  const { resource_requirements: asks, cost_optimization: saving } = blocks;
  const gateway =
    'checked; calls of models go through the gateway, which this version does not have';
  const site = 'belongs in the site document of the daemon; ignored here';
  const strategies = saving?.strategies;
  const batching = [blocks.optimization?.batching, strategies?.batching] as const;
  const isSwitched = batching.some((block) => block?.enabled !== undefined);
  const gangs = steps.filter(({ gangMin }) => gangMin !== undefined).map(({ id }) => id);
  const rows: readonly UnmetRow[] = [
    [
      asks?.storage?.cache,
      'resource_requirements.storage.cache',
      'checked; kept results have one size for the whole site',
    ],
    [
      (asks?.use_spot_instances === true && gangs.length > 0) || undefined,
      'resource_requirements.use_spot_instances',
      `not for ${gangs.join(', ')}: tasks that start together do not go to spot nodes`,
    ],
    [
      asks?.cost_controls?.model_selection,
      'resource_requirements.cost_controls.model_selection',
      gateway,
    ],
    [strategies?.model_selection, 'cost_optimization.strategies.model_selection', gateway],
    [strategies?.resource_packing, 'cost_optimization.strategies.resource_packing', site],
    [isSwitched ? undefined : batching[0], 'optimization.batching', NOT_ENABLED],
    [isSwitched ? undefined : batching[1], 'cost_optimization.strategies.batching', NOT_ENABLED],
    ...unmetModels(blocks.models),
    ...siteMonitoring(blocks.monitoring),
  ];
  return rows
    .filter(([value]) => value !== undefined)
    .map(([, path, message]) => ({
      severity: 'warning',
      path: path.split('.'),
      message,
      at: 'key',
    }));
}
