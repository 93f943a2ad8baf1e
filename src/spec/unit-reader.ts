import { UNLIMITED } from '../base/units.ts';
import type { ServiceTerms } from '../model/service.ts';
import type { StepSpec } from '../model/workload.ts';
import type { Action, Programs } from './actions/define-action.ts';
import {
  assembleStep,
  type Layer,
  layerErrors,
  layerWarnings,
  type StepParts,
} from './assemble-step.ts';
import { mergeNetwork } from './blocks/network-block.ts';
import { readExecution } from './blocks/read-execution.ts';
import { documentDefaults } from './defaults.ts';
import { findWritten, type Written } from './document-tree.ts';
import { escaped } from './fill-holes.ts';
import type { Path, Problem } from './issue.ts';
import { asWritten, type ReadCommand, readCommand } from './read-command.ts';
import { readService, replicasWanted, type ServiceBlock } from './service-block.ts';
import { withSiteStorage } from './site-storage.ts';
import { type FlowReading, type ReadFlow, readFlow } from './step-flow.ts';
import type { ResourceLimitsBlock, StepBlock } from './step-schema.ts';
import { type StepUnit, workersOf } from './step-units.ts';

export type SiteDefaults = Parameters<typeof withSiteStorage>[1];

type NetworkBlock = Parameters<typeof mergeNetwork>[0][number];

/** What all steps of one document are read with. */
export interface UnitReading {
  readonly root: Written;
  readonly flow: FlowReading;
  readonly actions: readonly Action[];
  readonly programs: Programs;
  /** Of the site that it is submitted to. */
  readonly site: SiteDefaults | undefined;
  /** What the document says for steps that do not say otherwise; the first wins. */
  readonly base: readonly Layer[];
  readonly network: readonly NetworkBlock[];
  readonly errors: Problem[];
  readonly warnings: Problem[];
}

export interface ReadUnit {
  readonly step: StepSpec;
  /** As many as it may have. */
  readonly countMax: number;
}

/** Where a service says what a job says by that key. */
const instead = {
  count: '`service.replicas`',
  parallel: '`service.replicas`',
  gang: '`service.replicas`',
  retry: '`service.restart`',
} as const;
const notOfService = ['matrix', 'each', 'map', 'cache'] as const;

/** One step, or the one of a job; nothing where it has no command. What is wrong is added to the problems. */
export function readUnit(
  unit: StepUnit,
  reading: UnitReading,
  service?: ServiceBlock,
): ReadUnit | undefined {
  const { block, path, outer } = unit;
  const { errors, warnings, root } = reading;
  const read = readFlow(unit, reading.flow);
  const layers = layersOf(unit, reading);
  const isRuntime = runtimePaths(unit, reading);
  const holes = read.flow?.holes === true;
  const limits = limitsOf(layers);
  const { actions, programs } = reading;
  const command = readCommand(block, path, {
    root,
    actions,
    programs,
    limits,
    isRuntime,
    holes,
    problems: errors,
  });
  const own = layers.slice(0, outer === undefined ? 1 : 2);
  for (const layer of own) {
    errors.push(...layerErrors(layer));
    warnings.push(...layerWarnings(layer));
  }
  const network = { network: networkOf(unit, layers, reading) };
  const parts: StepParts = {
    id: unit.id,
    // What has no command is never used: its error is in the list already.
    run: command?.run ?? { kind: 'shell', script: '' },
    needs: unit.needs,
    count: service === undefined ? countOf(unit, read, errors) : replicasWanted(service),
    maxParallel: workersOf(block) ?? UNLIMITED,
    cwd: block.cwd ?? '',
    path,
    gang: block.gang,
    preemption: block.preemption,
    ...withSiteStorage(
      readExecution({ ...block, ...network }, path, errors),
      reading.site,
      path,
      errors,
    ),
    ...(service && { service: readServiceOf(service, block, errors) }),
    flow: read.flow,
    actionEnv: command?.env ?? {},
    layers: holes ? layers.map((layer) => withEscapedEnv(layer, isRuntime)) : layers,
  };
  if (!/^(\/|$)/.test(parts.cwd)) {
    const message = 'the path is relative';
    errors.push({ path: [...path, 'cwd'], message, expected: 'an absolute path' });
  }
  const step = assembleStep(parts, errors);
  if (command === undefined) return undefined;
  warnOfMissing(command, step, path, warnings);
  return { step, countMax: read.countMax ?? step.count };
}

function layersOf({ block, path, outer }: StepUnit, { root, base }: UnitReading): Layer[] {
  const layer = (one: StepBlock, at: Path): Layer => ({
    ...one,
    path: at,
    env: textsAt(root, [...at, 'env']),
  });
  if (outer === undefined) return [layer(block, path), ...base];
  // The block of a task has all that its step says: the layer has only what the task says itself.
  const inherited = new Set(
    (['resources', 'resource_limits', 'retry', 'affinity'] as const).filter(
      (key) => findWritten(root, [...path, key]) === undefined,
    ),
  );
  const own = Object.fromEntries(
    Object.entries(layer(block, path)).filter(([key]) => !inherited.has(key as 'retry')),
  );
  return [{ ...own, path }, layer(outer.block, outer.path), ...base];
}

function runtimePaths({ path, outer }: StepUnit, { flow }: UnitReading): (at: Path) => boolean {
  const texts = [
    ...flow.runtimeTexts.of(path),
    ...(outer === undefined ? [] : flow.runtimeTexts.of(outer.path)),
  ];
  if (texts.length === 0) return () => false;
  const known = new Set(texts.map((text) => text.path.join('\n')));
  return (at) => known.has(at.join('\n'));
}

function limitsOf(
  layers: readonly Layer[],
): Pick<ResourceLimitsBlock, 'max_results' | 'max_tokens'> {
  const said = <K extends 'max_results' | 'max_tokens'>(key: K): ResourceLimitsBlock[K] =>
    layers.find((layer) => layer.resource_limits?.[key] !== undefined)?.resource_limits?.[key];
  return { max_results: said('max_results'), max_tokens: said('max_tokens') };
}

function withEscapedEnv(layer: Layer, isRuntime: (at: Path) => boolean): Layer {
  if (layer.env === undefined) return layer;
  const env = Object.entries(layer.env).map(([name, text]) => [
    name,
    isRuntime([...layer.path, 'env', name]) ? text : escaped(text),
  ]);
  return { ...layer, env: Object.fromEntries(env) };
}

/** The step's own, the limits of its layers, and what the document says. */
function networkOf(
  { block, path, outer }: StepUnit,
  layers: readonly Layer[],
  reading: UnitReading,
) {
  for (const [at, network] of [
    [path, block.network],
    [outer?.path, outer?.block.network],
  ] as const) {
    if (at !== undefined && network?.rate_limiting !== undefined) {
      warnOfSiteLimits(at, reading);
    }
  }
  const limits = layers.map((layer) => layer.resource_limits?.network).toReversed();
  return mergeNetwork([...reading.network, ...limits, outer?.block.network, block.network]);
}

export function warnOfSiteLimits(
  path: Path,
  { root, warnings }: Pick<UnitReading, 'root' | 'warnings'>,
): void {
  const at = [...path, 'network', 'rate_limiting'];
  if (findWritten(root, at) === undefined) return;
  const message = 'belongs in the site document of the daemon; ignored here';
  warnings.push({ severity: 'warning', path: at, message, at: 'key' });
}

/** What a job says of its tasks and its end means nothing for replicas. */
function readServiceOf(service: ServiceBlock, block: StepBlock, errors: Problem[]): ServiceTerms {
  for (const key of ['count', 'parallel', 'gang', 'retry'] as const) {
    if (block[key] === undefined) continue;
    errors.push({ path: [key], message: `not for a service: see ${instead[key]}`, at: 'key' });
  }
  for (const key of notOfService) {
    if (block[key] === undefined) continue;
    errors.push({ path: [key], message: 'not for a service, which has replicas', at: 'key' });
  }
  return readService(service, ['service'], errors);
}

function countOf({ block, path, outer }: StepUnit, read: ReadFlow, errors: Problem[]): number {
  if (read.count !== undefined) return read.count;
  const { parallel } = block;
  const inner = outer === undefined && typeof parallel === 'object' ? parallel.count : undefined;
  if (block.count !== undefined && inner !== undefined && block.count !== inner) {
    const message = `says ${inner}, but \`count\` says ${block.count}, and they are the same thing`;
    errors.push({ path: [...path, 'parallel', 'count'], message });
  }
  return block.count ?? inner ?? documentDefaults.count;
}

function warnOfMissing(
  { action, given }: ReadCommand,
  step: StepSpec,
  path: Path,
  warnings: Problem[],
): void {
  const message = action?.missing(given ?? {}, new Set(Object.keys(step.env)));
  if (message === undefined) return;
  warnings.push({ severity: 'warning', path: [...path, 'action'], message });
}

/** A map of plain values as text. */
export function textsAt(root: Written, path: Path): Record<string, string> {
  const names = findWritten(root, path)?.children?.keys() ?? [];
  return Object.fromEntries(
    [...names].map((name) => [String(name), asWritten(root, [...path, name])]),
  );
}
