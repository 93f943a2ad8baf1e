import type { AutoscalingDefaults } from '../model/autoscaling.ts';
import type { QueueName } from '../model/ids.ts';
import type { DocumentDefaults } from '../model/site-config.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import type { Programs } from './actions/define-action.ts';
import { actionsOf } from './actions/own-actions.ts';
import { type Layer, layerErrors, layerWarnings } from './assemble-step.ts';
import { type AutoscalingBlock, readAutoscaling, replicasAtFirst } from './autoscaling-block.ts';
import { cacheDefaults } from './cache-defaults.ts';
import { documentDefaults } from './defaults.ts';
import {
  jobJsonSchema,
  jobSchema,
  pipelineJsonSchema,
  pipelineSchema,
  siteOnlyBlocks,
  wholeKeys,
} from './document-schema.ts';
import { type Format, findWritten, readTree, type Tree, type Written } from './document-tree.ts';
import { readVars, type VarOverrides } from './document-vars.ts';
import { ExpressionReading } from './expression-reading.ts';
import { fillHoles, RuntimeTexts } from './fill-holes.ts';
import type { Issue, Path, Problem } from './issue.ts';
import { formatOf, type IncludedFiles, joinIncludes } from './join-includes.ts';
import { locateIssues } from './locate-issues.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { commandProblems } from './read-command.ts';
import { knownKeys, schemaProblems } from './schema-problems.ts';
import type { ServiceBlock } from './service-block.ts';
import type { StepNames } from './step-flow.ts';
import { stepGraphProblems } from './step-graph.ts';
import { STEPS_MAX, stepSchema, TASKS_MAX } from './step-schema.ts';
import { type StepUnit, stepUnits } from './step-units.ts';
import { sizeProblem, tokenProblem } from './text-bounds.ts';
import {
  readUnit,
  type SiteDefaults,
  textsAt,
  type UnitReading,
  warnOfSiteLimits,
} from './unit-reader.ts';
import {
  batchingOf,
  notOfService,
  preferredOf,
  utcOnly,
  withGathering,
  type ZoneReader,
} from './waiting-terms.ts';
import {
  classesOf,
  classProblems,
  limitProblems,
  limitsOf,
  unmetProblems,
  type WorkloadBlocks,
  withClass,
  withGpuAlone,
  withWorkspace,
} from './workload-terms.ts';

export interface ParseOptions {
  /** Names the workload where the document does not; `.json` chooses the format. */
  readonly fileName: string;
  readonly format?: Format;
  /** What it includes, and files of variables. */
  readonly files?: IncludedFiles;
  readonly vars?: VarOverrides;
  /** Where the programs of actions are; by their names alone where nobody says. */
  readonly programs?: Programs;
  /** What the site says for services that are autoscaled. */
  readonly autoscaling?: AutoscalingDefaults;
  /** What the site says of storage; without it, what a document takes from there stays open. */
  readonly storage?: SiteDefaults;
  /** UTC alone is known where nobody says. */
  readonly zoneOf?: ZoneReader;
  /** What the site says for documents that say nothing. */
  readonly site?: DocumentDefaults;
}

export type ParsedDocument =
  | { readonly ok: true; readonly spec: WorkloadSpec; readonly warnings: readonly Issue[] }
  /** Errors only, all that were found at once, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** The short way for what is plain; the same tree as the long one. */
function treeOf(text: string, format: Format): Tree {
  const plain = format === 'yaml' ? readPlainYaml(text) : undefined;
  if (plain !== undefined) return { root: plain, problems: [] };
  const unfit = tokenProblem(text);
  return unfit === undefined ? readTree(text, format) : { root: undefined, problems: [unfit] };
}

const noFiles: IncludedFiles = { texts: new Map() };

/** A job or pipeline document → what is submitted. Never throws for what the text says. */
export function parseDocument(text: string, options: ParseOptions): ParsedDocument {
  const { fileName, files = noFiles } = options;
  const unfit = sizeProblem(text);
  if (unfit !== undefined) return { ok: false, issues: locateIssues([unfit], undefined, text) };
  const tree = treeOf(text, options.format ?? formatOf(fileName));
  if (tree.root === undefined) {
    return { ok: false, issues: locateIssues(tree.problems, tree.root, text) };
  }
  const errors = [...tree.problems];
  const joined = joinIncludes(tree.root, fileName, files, errors);
  const vars = readVars(joined, options.vars ?? {}, files, errors);
  const expressions = new ExpressionReading(vars, { text, files: files.texts }, errors);
  const { root, runtimeTexts, unfilled } = fillHoles(joined, expressions, errors);
  const told = errors.length;
  const reader = new DocumentReader({
    root,
    errors,
    expressions,
    runtimeTexts: new RuntimeTexts(runtimeTexts),
    programs: options.programs ?? ((name) => name),
    autoscaling: options.autoscaling,
    storage: options.storage,
    written: joined,
    zoneOf: options.zoneOf ?? utcOnly,
    site: options.site ?? {},
  });
  const spec = reader.read(sourceOf(text, files), fileName);
  if (errors.length === 0 && spec !== undefined) {
    const warnings = locateIssues(reader.warnings, root, text, files.texts);
    return { ok: true, spec: { ...spec, ...(hasKeys(vars) && { vars }) }, warnings };
  }
  const wrong = new Set(unfilled.map((path) => path.join('\n')));
  // Of a hole that is wrong, what stands there instead of its value is no mistake of its own.
  const all = errors.filter(({ path }, i) => i < told || !wrong.has(path.join('\n')));
  return { ok: false, issues: locateIssues(all, root, text, files.texts) };
}

const hasKeys = (map: object): boolean => Object.keys(map).length > 0;

const SOURCE_MAX = 1_048_576;

/** The document, and behind it the files that it is made of, each under its name. */
function sourceOf(text: string, { texts }: IncludedFiles): string {
  let source = text;
  for (const [name, included] of texts) {
    const next = `${source}\n--- # ${name}\n${included}`;
    if (next.length > SOURCE_MAX) break;
    source = next;
  }
  return source;
}

interface DocumentDeps {
  readonly root: Written;
  /** Before anything was filled in. */
  readonly written: Written;
  readonly zoneOf: ZoneReader;
  readonly site: DocumentDefaults;
  readonly errors: Problem[];
  readonly expressions: ExpressionReading;
  readonly runtimeTexts: RuntimeTexts;
  readonly programs: Programs;
  readonly autoscaling: AutoscalingDefaults | undefined;
  readonly storage: SiteDefaults | undefined;
}

interface Head extends WorkloadBlocks {
  readonly name?: string | undefined;
  readonly queue?: string | undefined;
  readonly priority?: number | undefined;
}

class DocumentReader {
  readonly warnings: Problem[] = [];
  readonly #errors: Problem[];
  readonly #root: Written;
  readonly #deps: DocumentDeps;

  constructor(deps: DocumentDeps) {
    this.#deps = deps;
    this.#root = deps.root;
    this.#errors = deps.errors;
  }

  read(source: string, fileName: string): WorkloadSpec | undefined {
    const { children, value } = this.#root;
    if (children === undefined || Array.isArray(value)) {
      const what = Array.isArray(value) ? 'a list' : 'a single value';
      const message = `${what} is not a document`;
      this.#errors.push({ path: [], message, expected: 'a map with `run` or `steps`' });
      return undefined;
    }
    for (const name of Object.keys(siteOnlyBlocks)) {
      if (!children.has(name)) continue;
      const message = 'belongs in the site document of the daemon; ignored here';
      this.warnings.push({ severity: 'warning', path: [name], message, at: 'key' });
    }
    return children.has('steps') ? this.#pipeline(source, fileName) : this.#job(source, fileName);
  }

  #job(source: string, fileName: string): WorkloadSpec | undefined {
    const parsed = jobSchema.safeParse(this.#root.value);
    this.#errors.push(...commandProblems(this.#root, []));
    if (!parsed.success) {
      this.#errors.push(...this.#schemaProblems(parsed.error.issues, jobJsonSchema(), ['steps']));
      return undefined;
    }
    const name = parsed.data.name ?? nameOfFile(fileName);
    const { service } = parsed.data;
    const id = stepIdOf(name);
    const unit: StepUnit = { id, block: { ...parsed.data, id }, path: [], needs: [] };
    const names = stepNames([unit]);
    const network = [networkOfRequirements(parsed.data)];
    const reading = this.#unitReading(parsed.data, { names, base: [], network });
    const read = readUnit(unit, reading, service);
    if (read === undefined) return undefined;
    const kind = service === undefined ? 'job' : 'service';
    if (service !== undefined) this.#errors.push(...notOfService(parsed.data));
    const head = this.#head(parsed.data, name);
    const step = this.#scaled(read.step, head.queue, parsed.data);
    return { kind, ...head, ...this.#whole(parsed.data, [{ step, path: [] }]), source };
  }

  /** The step of a service with how it is autoscaled. */
  #scaled(
    step: StepSpec,
    queue: QueueName,
    {
      autoscaling: block,
      service,
    }: { autoscaling?: AutoscalingBlock | undefined; service?: ServiceBlock | undefined },
  ): StepSpec {
    if (block === undefined || block.enabled === false) return step;
    if (step.service === undefined) {
      this.#warnUnscaled();
      return step;
    }
    const written = service?.replicas;
    const scaled = { queue, replicas: written };
    const more = { site: this.#deps.autoscaling, problems: this.#errors };
    const autoscaling = readAutoscaling(block, scaled, more);
    const count = replicasAtFirst(written, autoscaling);
    return { ...step, count, service: { ...step.service, autoscaling } };
  }

  #warnUnscaled(): void {
    const message = 'only a service has replicas to scale, and this is none; ignored';
    this.warnings.push({ severity: 'warning', path: ['autoscaling'], message, at: 'key' });
  }

  #pipeline(source: string, fileName: string): WorkloadSpec | undefined {
    const parsed = pipelineSchema.safeParse(this.#root.value);
    if (!parsed.success) {
      this.#errors.push(...this.#schemaProblems(parsed.error.issues, pipelineJsonSchema(), []));
    }
    const written = this.#value(['steps']);
    const rawSteps: readonly unknown[] = Array.isArray(written) ? written.slice(0, STEPS_MAX) : [];
    rawSteps.forEach((_, i) => {
      this.#errors.push(...commandProblems(this.#root, ['steps', i]));
    });
    this.#errors.push(...stepGraphProblems(rawSteps));
    const data = parsed.success ? parsed.data : this.#partsThatAreRight();
    // One wrong step must not hide what contradicts itself in the others.
    const blocks = parsed.success
      ? parsed.data.steps
      : rawSteps.map((step) => stepSchema.safeParse(step).data);
    const storage = data.storage;
    const withStorage = storage && blocks.map((block) => block && { storage, ...block });
    const units = stepUnits(withStorage ?? blocks, this.#errors);
    warnOfSiteLimits([], { root: this.#root, warnings: this.warnings });
    if (this.#root.children?.has('autoscaling')) this.#warnUnscaled();
    const reading = this.#unitReading(data, {
      names: stepNames(units),
      base: this.#baseLayers(data.defaults, data.affinity),
      network: [networkOfRequirements(data), data.network],
    });
    const read = units.map((unit) => unit && readUnit(unit, reading));
    const tasks = read.reduce((sum, one) => sum + (one?.countMax ?? 0), 0);
    if (tasks > TASKS_MAX) {
      const message = `the steps have ${tasks} tasks together`;
      this.#errors.push({ path: ['steps'], message, expected: `at most ${TASKS_MAX}`, at: 'key' });
    }
    if (!parsed.success || !read.every((one) => one !== undefined)) return undefined;
    const name = parsed.data.name ?? nameOfFile(fileName);
    const steps = read.map(({ step }, i) => ({ step, path: units[i]!.path }));
    const whole = this.#whole(parsed.data, steps);
    return { kind: 'pipeline', ...this.#head(parsed.data, name), ...whole, source };
  }

  #unitReading(
    blocks: WorkloadBlocks,
    rest: Pick<UnitReading, 'base' | 'network'> & { readonly names: StepNames },
  ): UnitReading {
    const { expressions, runtimeTexts, programs, site, storage } = this.#deps;
    const { names, base, network } = rest;
    const errors = this.#errors;
    const root = this.#root;
    const actions = actionsOf(root, errors);
    const actionNamed = (name: string) => actions.find((action) => action.name === name);
    const cache = cacheDefaults(blocks, site, actionNamed, errors);
    const flow = { root, expressions, runtimeTexts, cache, names, problems: errors };
    const own = { root, flow, actions, programs, base, network };
    return { ...own, site: storage, errors, warnings: this.warnings };
  }

  /** What the blocks about the whole say, of its steps and of itself. */
  #whole(
    blocks: WorkloadBlocks,
    steps: readonly { readonly step: StepSpec; readonly path: Path }[],
  ): Pick<WorkloadSpec, 'steps' | 'limits' | 'spot' | 'preferred'> {
    const { zoneOf, site, written } = this.#deps;
    const problems = { errors: this.#errors, warnings: this.warnings };
    const spot = blocks.resource_requirements?.use_spot_instances;
    const limits = limitsOf(blocks);
    this.#errors.push(...limitProblems(limits, steps));
    this.warnings.push(
      ...unmetProblems(
        blocks,
        steps.map(({ step }) => step),
      ),
    );
    for (const problem of classProblems(blocks)) {
      (problem.severity === 'warning' ? this.warnings : this.#errors).push(problem);
    }
    const preferred = preferredOf(blocks, zoneOf, problems);
    const batching = batchingOf(blocks, site.batching, this.#errors);
    const classes = classesOf(blocks);
    const whole = (step: StepSpec): StepSpec =>
      withWorkspace(withGpuAlone(withClass(step, classes), blocks), blocks);
    return {
      steps: steps.map(({ step, path }) =>
        withGathering(whole(step), batching, { root: written, path }),
      ),
      ...(spot !== undefined && { spot }),
      ...(limits && { limits }),
      ...(preferred && { preferred }),
    };
  }

  /** Of a document that is wrong, the keys that are right: their contradictions are told at once, too. */
  #partsThatAreRight() {
    const { shape } = pipelineSchema;
    const part = <K extends keyof typeof shape>(key: K) =>
      shape[key].safeParse(this.#value([key])).data as
        | ReturnType<(typeof shape)[K]['parse']>
        | undefined;
    const whole = Object.fromEntries(wholeKeys.map((key) => [key, part(key)])) as WorkloadBlocks;
    return {
      ...whole,
      defaults: part('defaults'),
      affinity: part('affinity'),
      network: part('network'),
      storage: part('storage'),
    };
  }

  #baseLayers(
    defaults: Omit<Layer, 'path' | 'env'> | undefined,
    affinity: Layer['affinity'],
  ): Layer[] {
    const layer = {
      ...defaults,
      path: ['defaults'],
      env: textsAt(this.#root, ['defaults', 'env']),
    };
    this.#errors.push(...layerErrors(layer));
    this.warnings.push(...layerWarnings(layer));
    return [layer, { path: [], env: textsAt(this.#root, ['env']), affinity }];
  }

  #head(
    data: Head,
    name: string,
  ): Pick<WorkloadSpec, 'name' | 'queue' | 'priority' | 'class' | 'labels'> {
    const { priority: named } = classesOf(data);
    const said = data.priority !== undefined && { priority: data.priority };
    return {
      name,
      queue: (data.queue as QueueName | undefined) ?? documentDefaults.queue,
      priority: data.priority ?? documentDefaults.priority,
      ...(named !== undefined && { class: { name: named, ...said } }),
      labels: textsAt(this.#root, ['labels']),
    };
  }

  #schemaProblems(
    issues: Parameters<typeof schemaProblems>[0],
    schema: object,
    alsoKnown: readonly string[],
  ): Problem[] {
    const read = (path: Path): unknown => this.#value(path);
    return schemaProblems(issues, [], read, (path) =>
      path.length === 0 ? [...knownKeys(schema, path), ...alsoKnown] : knownKeys(schema, path),
    );
  }

  #value(path: Path): unknown {
    return findWritten(this.#root, path)?.value;
  }
}

/** The class of traffic that the document as a whole asks for, as a step says it. */
function networkOfRequirements(blocks: WorkloadBlocks): UnitReading['network'][number] {
  const network = blocks.resource_requirements?.network;
  if (network === undefined) return undefined;
  const { priority, bandwidth_guarantee: guarantee } = network;
  return {
    ...(priority !== undefined && { priority }),
    ...(guarantee !== undefined && { bandwidth: { guarantee } }),
  };
}

function stepNames(units: readonly (StepUnit | undefined)[]): StepNames {
  const ids = new Set<string>();
  const groups = new Map<string, string[]>();
  for (const unit of units) {
    if (unit === undefined) continue;
    ids.add(unit.id);
    if (unit.group === undefined) continue;
    const members = groups.get(unit.group.id) ?? [];
    members.push(unit.id);
    groups.set(unit.group.id, members);
  }
  // A step that is wrong is told already: that others name it is no mistake.
  return { ids, groups, isComplete: units.every((unit) => unit !== undefined) };
}

function nameOfFile(fileName: string): string {
  const base = fileName.split(/[/\\]/).at(-1) ?? '';
  const name = base.replace(/\.[A-Za-z0-9]+$/, '').replace(/\p{Cc}/gu, '');
  return name.slice(0, 128).trim() || 'workload';
}

/** A step id made from any name: `my job!` → `my-job`. */
function stepIdOf(name: string): string {
  const id = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return id.slice(0, 63) || 'job';
}
