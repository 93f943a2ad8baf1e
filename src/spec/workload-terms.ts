import { type Bytes, type MilliCpu, spanMs, UNLIMITED } from '../base/units.ts';
import type { WorkloadLimits } from '../model/flow.ts';
import type { StepSpec } from '../model/workload.ts';
import type { CostOptimizationBlock } from './blocks/cost-optimization-block.ts';
import { noLimits, type PipelineBlock, readPipelineLimits } from './blocks/limits-block.ts';
import type { OptimizationBlock } from './blocks/optimization-block.ts';
import type { RequirementsBlock } from './blocks/requirements-block.ts';
import type { Path, Problem } from './issue.ts';
import { printBytes, printCpu } from './quantities.ts';

/** The blocks of a document that are about the workload as a whole. */
export interface WorkloadBlocks {
  readonly pipeline?: PipelineBlock | undefined;
  readonly resource_requirements?: RequirementsBlock | undefined;
  readonly optimization?: OptimizationBlock | undefined;
  readonly cost_optimization?: CostOptimizationBlock | undefined;
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
      const tasks = together === 1 ? 'a task' : `${together} tasks that start together`;
      problems.push({
        path,
        message: `${tasks} of this step ask for ${request} of ${what}, more than the ${limit} of the workload as a whole`,
        at: 'key',
      });
    };
    const { cpu, memory } = step.request;
    if (cpu * together > limits.cpu) {
      wrong('CPU', printCpu((cpu * together) as MilliCpu), printCpu(limits.cpu as MilliCpu));
    }
    if (memory * together > limits.memory) {
      wrong('memory', printBytes((memory * together) as Bytes), printBytes(limits.memory as Bytes));
    }
    if (together > limits.concurrentTasks) {
      wrong('tasks', `${together}`, `${limits.concurrentTasks} at once`);
    }
  }
  return problems;
}

/** What the class of a workload means for a step that does not say so itself. */
export function withClass(step: StepSpec, blocks: WorkloadBlocks): StepSpec {
  const name = blocks.resource_requirements?.class;
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
    execution: { ...step.execution, process },
    ...(name === 'guaranteed' && { limits }),
    ...(name !== 'burstable' && { stops: step.stops ?? stops }),
  };
}

/** Keys that are checked, and that nothing acts on yet: each says what is missing. */
export function unmetProblems(blocks: WorkloadBlocks): Problem[] {
  const { resource_requirements: asks, optimization, cost_optimization: saving } = blocks;
  const gateway =
    'checked; calls of models go through the gateway, which this version does not have';
  const site = 'belongs in the site document of the daemon; ignored here';
  const costs = blocks.pipeline?.resource_limits?.cost_limits;
  const strategies = saving?.strategies;
  const rows: readonly (readonly [value: unknown, path: string, message: string])[] = [
    [
      costs?.max_cost,
      'pipeline.resource_limits.cost_limits.max_cost',
      'checked; what a workload costs is not counted yet',
    ],
    [costs?.max_model_calls, 'pipeline.resource_limits.cost_limits.max_model_calls', gateway],
    [costs?.max_tokens, 'pipeline.resource_limits.cost_limits.max_tokens', gateway],
    [
      asks?.compute?.gpu,
      'resource_requirements.compute.gpu',
      'checked; GPUs are counted by what each step asks for, not for all together',
    ],
    [
      asks?.storage?.workspace,
      'resource_requirements.storage.workspace',
      'checked; BERTH_WORKDIR is not held to a size: `storage.temp_storage` of a step is',
    ],
    [
      asks?.storage?.cache,
      'resource_requirements.storage.cache',
      'checked; kept results have one size for the whole site',
    ],
    [
      asks?.use_spot_instances === true || undefined,
      'resource_requirements.use_spot_instances',
      'checked; there are no spot nodes to choose: its tasks run on any node',
    ],
    [
      asks?.cost_controls?.model_selection,
      'resource_requirements.cost_controls.model_selection',
      gateway,
    ],
    [
      optimization?.gpu_scheduling === 'exclusive' || undefined,
      'optimization.gpu_scheduling',
      'checked; a share of a GPU may still be beside those of others: ask for whole ones',
    ],
    [strategies?.model_selection, 'cost_optimization.strategies.model_selection', gateway],
    [strategies?.resource_packing, 'cost_optimization.strategies.resource_packing', site],
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
