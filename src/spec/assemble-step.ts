import { type BasisPoints, type Bytes, type MilliCpu, milliGpu, UNLIMITED } from '../base/units.ts';
import type { StepId } from '../model/ids.ts';
import type { Resources } from '../model/resources.ts';
import type { Limits, RetryPolicy, Run, StepSpec } from '../model/workload.ts';
import { documentDefaults } from './defaults.ts';
import type { Path, Problem } from './issue.ts';
import { printBytes, printCpu, printSpan } from './quantities.ts';
import {
  laterLimits,
  type ResourceLimitsBlock,
  type ResourcesBlock,
  type RetryBlock,
} from './step-schema.ts';

/** One place that may say something about a step: the step itself, or the defaults of its pipeline. */
export interface Layer {
  readonly path: Path;
  readonly resources?: ResourcesBlock | undefined;
  readonly resource_limits?: ResourceLimitsBlock | undefined;
  readonly retry?: RetryBlock | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface StepParts {
  readonly id: string;
  readonly path: Path;
  readonly run: Run;
  readonly needs: readonly string[];
  readonly count: number;
  readonly maxParallel: number;
  readonly cwd: string;
  /** The first that says something wins, key by key. */
  readonly layers: readonly Layer[];
}

/** A step with every default filled in; what contradicts itself is added to `problems`. */
export function assembleStep(parts: StepParts, problems: Problem[]): StepSpec {
  const { layers } = parts;
  const cpu = shareOf<MilliCpu>('cpu', layers, documentDefaults.request.cpu, printCpu, problems);
  const memory = shareOf<Bytes>(
    'memory',
    layers,
    documentDefaults.request.memory,
    printBytes,
    problems,
  );
  return {
    id: parts.id as StepId,
    needs: [...new Set(parts.needs)] as StepId[],
    run: parts.run,
    count: parts.count,
    maxParallel: parts.maxParallel,
    request: {
      cpu: cpu.request,
      memory: memory.request,
      gpu: gpuOf(layers),
      custom: customOf(layers),
    },
    limits: limitsOf(layers, cpu.limit, memory.limit),
    retry: retryOf(layers, problems),
    env: Object.assign({}, ...layers.toReversed().map((layer) => layer.env)),
    cwd: parts.cwd,
  };
}

/** What a layer says that nothing acts on yet. */
export function layerWarnings(layer: Layer): Problem[] {
  const found: Problem[] = [];
  for (const key of laterLimits) {
    if (layer.resource_limits?.[key] === undefined) continue;
    const path = [...layer.path, 'resource_limits', key];
    found.push({ severity: 'warning', path, message: 'checked, but not enforced yet', at: 'key' });
  }
  const { resources } = layer;
  for (const [block, path] of [
    [resources, []],
    [resources?.compute, ['compute']],
  ] as const) {
    const gpu = block?.gpu;
    if (typeof gpu !== 'object') continue;
    for (const key of ['type', 'memory'] as const) {
      if (gpu[key] === undefined) continue;
      const message = 'not used yet: any GPU of the node may be given';
      found.push({
        severity: 'warning',
        path: [...layer.path, 'resources', ...path, 'gpu', key],
        message,
        at: 'key',
      });
    }
  }
  return found;
}

interface Share<T> {
  readonly request: T;
  readonly limit: T;
}

interface Said<T> {
  readonly request: T | undefined;
  readonly limit: T | undefined;
  readonly path: Path;
}

/** `resource_limits` of a layer go before its `resources`; a limit alone is the request too. */
function shareOf<T extends number>(
  key: 'cpu' | 'memory',
  layers: readonly Layer[],
  defaultRequest: T,
  print: (value: T) => string,
  problems: Problem[],
): Share<T> {
  let share: Said<T> | undefined;
  let limit: { readonly value: T; readonly path: Path } | undefined;
  for (const layer of layers) {
    const own = share === undefined ? saidOf<T>(key, layer) : undefined;
    share ??= own;
    const override = layer.resource_limits?.[key] as T | undefined;
    if (limit !== undefined) continue;
    if (override !== undefined)
      limit = { value: override, path: [...layer.path, 'resource_limits', key] };
    else if (own?.limit !== undefined) limit = { value: own.limit, path: own.path };
  }
  const unlimited = UNLIMITED as T;
  const most = limit?.value ?? unlimited;
  const request = share?.request ?? (most === unlimited ? defaultRequest : most);
  if (limit !== undefined && request > most) {
    const message = `the request ${print(request)} is above the limit ${print(most)}`;
    problems.push({ path: limit.path, message });
  }
  return { request, limit: most };
}

function saidOf<T>(key: 'cpu' | 'memory', layer: Layer): Said<T> | undefined {
  const { resources } = layer;
  const isNested = resources?.[key] === undefined;
  const share = resources?.[key] ?? resources?.compute?.[key];
  if (share === undefined) return undefined;
  const path = [...layer.path, 'resources', ...(isNested ? ['compute'] : []), key];
  if (typeof share === 'number') return { request: share as T, limit: share as T, path };
  const { request, limit } = share as { request?: T; limit?: T };
  return { request, limit, path: limit === undefined ? path : [...path, 'limit'] };
}

function gpuOf(layers: readonly Layer[]): Resources['gpu'] {
  for (const { resources } of layers) {
    const gpu = resources?.gpu ?? resources?.compute?.gpu;
    if (gpu !== undefined) return typeof gpu === 'number' ? gpu : (gpu.count ?? milliGpu(1000));
  }
  return documentDefaults.request.gpu;
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
  return {
    cpu,
    memory,
    pids: said('pids') ?? limits.pids,
    wallMs: said('timeout') ?? limits.wallMs,
    graceMs: said('grace_period') ?? limits.graceMs,
    logBytes: said('log') ?? limits.logBytes,
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
    memoryGrowth: said('memory_growth') ?? (defaults.memoryGrowth satisfies BasisPoints),
  };
}
