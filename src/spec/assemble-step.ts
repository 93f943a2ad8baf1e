import { type Bytes, bytes, type MilliCpu, milliCpu, spanMs, UNLIMITED } from '../base/units.ts';
import { noConstraints } from '../model/constraints.ts';
import type { ExecutionTerms, ScratchTerms } from '../model/execution-terms.ts';
import type { StepFlow } from '../model/flow.ts';
import type { StepId } from '../model/ids.ts';
import type { Resources } from '../model/resources.ts';
import type { ServiceTerms } from '../model/service.ts';
import type { Limits, RetryPolicy, Run, StepSpec } from '../model/workload.ts';
import type { AffinityBlock } from './affinity-schema.ts';
import { constraintsOf } from './assemble-constraints.ts';
import { documentDefaults } from './defaults.ts';
import { gpuRequest, migErrors } from './gpu-request.ts';
import type { Path, Problem } from './issue.ts';
import { printBytes, printCpu, printSpan } from './quantities.ts';
import type {
  GangBlock,
  PreemptionBlock,
  ResourceLimitsBlock,
  ResourcesBlock,
  RetryBlock,
} from './step-schema.ts';

/** One place that may say something about a step: the step itself, or the defaults of its pipeline. */
export interface Layer {
  readonly path: Path;
  readonly resources?: ResourcesBlock | undefined;
  readonly resource_limits?: ResourceLimitsBlock | undefined;
  readonly retry?: RetryBlock | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly affinity?: AffinityBlock | undefined;
}

export interface StepParts {
  readonly id: string;
  readonly run: Run;
  readonly needs: readonly string[];
  readonly count: number;
  readonly maxParallel: number;
  readonly cwd: string;
  readonly path: Path;
  readonly gang?: GangBlock | undefined;
  readonly preemption?: PreemptionBlock | undefined;
  readonly execution?: ExecutionTerms | undefined;
  readonly service?: ServiceTerms | undefined;
  readonly flow?: StepFlow | undefined;
  /** Of an action: before all that the layers say. */
  readonly actionEnv: Readonly<Record<string, string>>;
  /** The first that says something wins, key by key. */
  readonly layers: readonly Layer[];
}

/** A step with every default filled in; what contradicts itself is added to `problems`. */
export function assembleStep(parts: StepParts, problems: Problem[]): StepSpec {
  const { layers } = parts;
  const cpu = shareOf(cpuDimension, layers, problems);
  const memory = shareOf(memoryDimension, layers, problems);
  if (
    parts.execution?.process?.cores === 'exclusive' &&
    (cpu.request === 0 || cpu.request % 1000 > 0)
  ) {
    const message = `cores of its own are whole ones, and it requests ${printCpu(cpu.request)} CPU`;
    problems.push({ path: [...parts.path, 'process', 'cores'], message });
  }
  return {
    id: parts.id as StepId,
    needs: [...new Set(parts.needs)] as StepId[],
    run: parts.run,
    count: parts.count,
    maxParallel: parts.maxParallel,
    request: {
      cpu: cpu.request,
      memory: memory.request,
      ...gpuRequest(layers),
      custom: customOf(layers),
    },
    ...withScratch(constraintsOf(layers, problems), parts.execution?.storage?.scratch),
    limits: limitsOf(layers, cpu.limit, memory.limit),
    ...gangOf(parts, problems),
    ...stopsOf(parts.preemption),
    ...(parts.execution && { execution: parts.execution }),
    ...(parts.flow && { flow: parts.flow }),
    ...(parts.service && { service: parts.service }),
    retry: retryOf(layers, problems),
    env: Object.assign({}, parts.actionEnv, ...layers.toReversed().map((layer) => layer.env)),
    cwd: parts.cwd,
  };
}

/** What its scratch holds of a node is a matter of where it may run, and when. */
function withScratch(
  said: Pick<StepSpec, 'constraints'>,
  scratch: ScratchTerms | undefined,
): Pick<StepSpec, 'constraints'> {
  if (scratch === undefined) return said;
  const phases = scratch.phases ?? [{ name: 'scratch', bytes: scratch.size }];
  return { constraints: { ...(said.constraints ?? noConstraints), scratch: phases } };
}

/** `gang: true` is all of `count`; a minimum that could never run at once is a mistake. */
function gangOf(
  { gang, count, maxParallel, path }: StepParts,
  problems: Problem[],
): Pick<StepSpec, 'gangMin' | 'topology'> {
  if (gang === undefined || gang === false) return {};
  const block = gang === true ? {} : gang;
  const gangMin = block.min ?? count;
  const most = Math.min(count, maxParallel);
  if (gangMin > most) {
    const what = count <= maxParallel ? `\`count\` is ${count}` : `\`parallel\` is ${maxParallel}`;
    const message = `${gangMin} tasks start together, but ${what}`;
    problems.push({ path: [...path, 'gang'], message });
  }
  if (block.same === undefined) return { gangMin };
  return { gangMin, topology: { label: block.same, required: block.same_required ?? true } };
}

function stopsOf(block: PreemptionBlock | undefined): Pick<StepSpec, 'stops'> {
  if (block === undefined) return {};
  return {
    stops: {
      preemptible: block.preemptible ?? true,
      ...(block.checkpoint_every === undefined ? {} : { checkpointMs: block.checkpoint_every }),
      restartMs: block.restart_time ?? spanMs(0),
      minRunMs: block.min_run_time ?? spanMs(0),
    },
  };
}

/** A resource that a layer gives both at the top of `resources` and under `compute`. */
export function layerErrors(layer: Layer): Problem[] {
  const { path, resources } = layer;
  const twice: Problem[] = (['cpu', 'memory', 'gpu'] as const)
    .filter((key) => resources?.[key] !== undefined && resources.compute?.[key] !== undefined)
    .map((key) => ({
      path: [...path, 'resources', 'compute', key],
      message: `\`resources.${key}\` is given, too, and they are the same thing`,
      at: 'key',
    }));
  return [...twice, ...migErrors(layer)];
}

/** What a layer says that cannot be meant. */
export function layerWarnings(layer: Layer): Problem[] {
  const found: Problem[] = [];
  const warn = (message: string, path: Path, suggestion?: string): void => {
    found.push({
      severity: 'warning',
      path: [...layer.path, ...path],
      message,
      suggestion,
      at: 'key',
    });
  };
  const said = saidOf(memoryDimension, layer);
  const override = layer.resource_limits?.memory;
  const limit = override ?? said?.limit;
  if (limit !== undefined && limit < PROCESS_BYTES_MIN) {
    const path =
      said === undefined || override !== undefined
        ? ['resource_limits', 'memory']
        : said.path.slice(layer.path.length);
    const message = `${limit} bytes are too little for any process`;
    warn(message, path, limit < 1024 ? `${limit}Gi` : undefined);
  }
  return found;
}

/** Less than the kernel takes for starting one; `memory: 4` was meant as something else. */
const PROCESS_BYTES_MIN = 64 * 1024;

/** CPU and memory follow the same rules; this is where they differ. */
interface Dimension<T> {
  readonly key: 'cpu' | 'memory';
  readonly initial: T;
  readonly unlimited: T;
  readonly share: (block: Pick<ResourcesBlock, 'cpu' | 'memory'>) => ShareBlock<T> | undefined;
  readonly limit: (block: ResourceLimitsBlock) => T | undefined;
  readonly print: (value: T) => string;
}

type ShareBlock<T> = T | { readonly request?: T | undefined; readonly limit?: T | undefined };

const cpuDimension: Dimension<MilliCpu> = {
  key: 'cpu',
  initial: documentDefaults.request.cpu,
  unlimited: milliCpu(UNLIMITED),
  share: (block) => block.cpu,
  limit: (block) => block.cpu,
  print: printCpu,
};
const memoryDimension: Dimension<Bytes> = {
  key: 'memory',
  initial: documentDefaults.request.memory,
  unlimited: bytes(UNLIMITED),
  share: (block) => block.memory,
  limit: (block) => block.memory,
  print: printBytes,
};

interface Said<T> {
  readonly request: T | undefined;
  readonly limit: T | undefined;
  readonly path: Path;
}

/** `resource_limits` of a layer go before its `resources`; a limit alone is the request, too. */
function shareOf<T extends number>(
  dimension: Dimension<T>,
  layers: readonly Layer[],
  problems: Problem[],
): { readonly request: T; readonly limit: T } {
  const { key, initial, unlimited, print } = dimension;
  let share: Said<T> | undefined;
  let limit: { readonly value: T; readonly path: Path } | undefined;
  for (const layer of layers) {
    const own = share === undefined ? saidOf(dimension, layer) : undefined;
    share ??= own;
    const override = layer.resource_limits && dimension.limit(layer.resource_limits);
    if (limit !== undefined) continue;
    if (override !== undefined) {
      limit = { value: override, path: [...layer.path, 'resource_limits', key] };
    } else if (own?.limit !== undefined) limit = { value: own.limit, path: own.path };
  }
  const most = limit?.value ?? unlimited;
  const request = share?.request ?? (most === unlimited ? initial : most);
  if (limit !== undefined && request > most) {
    const message = `the request ${print(request)} is above the limit ${print(most)}`;
    problems.push({ path: limit.path, message });
  }
  return { request, limit: most };
}

function saidOf<T extends number>(dimension: Dimension<T>, layer: Layer): Said<T> | undefined {
  const { resources } = layer;
  const outer = resources && dimension.share(resources);
  const share = outer ?? (resources?.compute && dimension.share(resources.compute));
  if (share === undefined) return undefined;
  const nesting = outer === undefined ? ['compute'] : [];
  const path = [...layer.path, 'resources', ...nesting, dimension.key];
  if (typeof share === 'number') return { request: share, limit: share, path };
  const { request, limit } = share;
  return { request, limit, path: limit === undefined ? path : [...path, 'limit'] };
}

function customOf(layers: readonly Layer[]): Resources['custom'] {
  const all: Record<string, number> = Object.assign(
    {},
    ...layers.toReversed().map((l) => l.resources?.custom),
  );
  return Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
}

function limitsOf(layers: readonly Layer[], cpu: MilliCpu, memory: Bytes): Limits {
  const said = <K extends keyof ResourceLimitsBlock>(key: K): ResourceLimitsBlock[K] | undefined =>
    layers.find((layer) => layer.resource_limits?.[key] !== undefined)?.resource_limits?.[key];
  const { limits } = documentDefaults;
  const cost = said('max_cost');
  const [modelCalls, tokens] = [said('max_model_calls'), said('max_tokens')];
  const results = said('max_results');
  return {
    cpu,
    memory,
    pids: said('pids') ?? limits.pids,
    wallMs: said('timeout') ?? limits.wallMs,
    graceMs: said('grace_period') ?? limits.graceMs,
    logBytes: said('log') ?? limits.logBytes,
    ...(cost !== undefined && { cost }),
    ...(modelCalls !== undefined && { modelCalls }),
    ...(tokens !== undefined && { tokens }),
    ...(results !== undefined && { results }),
  };
}

function retryOf(layers: readonly Layer[], problems: Problem[]): RetryPolicy {
  const said = <K extends keyof RetryBlock>(key: K): RetryBlock[K] | undefined =>
    layers.find((layer) => layer.retry?.[key] !== undefined)?.retry?.[key];
  let maxRetries: number | undefined;
  for (const { path, retry, resource_limits } of layers) {
    const [own, same] = [retry?.max_retries, resource_limits?.max_retries];
    maxRetries ??= own ?? same;
    if (own === undefined || same === undefined || own === same) continue;
    const message = `says ${same}, but retry.max_retries says ${own}, and they are the same thing`;
    problems.push({ path: [...path, 'resource_limits', 'max_retries'], message });
  }
  const defaults = documentDefaults.retry;
  const backoffMs = said('backoff') ?? defaults.backoffMs;
  const longest = said('backoff_max');
  if (longest !== undefined && longest < backoffMs) {
    const layer = layers.find((one) => one.retry?.backoff_max !== undefined);
    const message = `${printSpan(longest)} is below the first wait, ${printSpan(backoffMs)}`;
    problems.push({ path: [...(layer?.path ?? []), 'retry', 'backoff_max'], message });
  }
  return {
    maxRetries: maxRetries ?? defaults.maxRetries,
    backoffMs,
    backoffFactor: said('backoff_factor') ?? defaults.backoffFactor,
    backoffMaxMs:
      longest ?? (backoffMs > defaults.backoffMaxMs ? backoffMs : defaults.backoffMaxMs),
    memoryGrowth: said('memory_growth') ?? defaults.memoryGrowth,
  };
}
