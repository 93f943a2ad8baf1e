import { UNLIMITED } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import {
  assembleStep,
  type Layer,
  layerErrors,
  layerWarnings,
  type StepParts,
} from './assemble-step.ts';
import { mergeNetwork, networkBlock } from './blocks/network-block.ts';
import { readExecution } from './blocks/read-execution.ts';
import { documentDefaults } from './defaults.ts';
import {
  jobJsonSchema,
  jobSchema,
  laterBlocks,
  pipelineJsonSchema,
  pipelineSchema,
  siteBlockNames,
} from './document-schema.ts';
import { type Format, findWritten, readTree, type Written } from './document-tree.ts';
import type { Issue, Path, Problem } from './issue.ts';
import { locateIssues } from './locate-issues.ts';
import { asWritten, commandProblems, readCommand } from './read-command.ts';
import { knownKeys, schemaProblems } from './schema-problems.ts';
import { stepGraphProblems } from './step-graph.ts';
import { STEPS_MAX, type StepBlock, stepSchema, TASKS_MAX } from './step-schema.ts';
import { textProblem } from './text-bounds.ts';

export interface ParseOptions {
  /** Names the workload where the document does not; `.json` chooses the format. */
  readonly fileName: string;
  readonly format?: Format;
}

export type ParsedDocument =
  | { readonly ok: true; readonly spec: WorkloadSpec; readonly warnings: readonly Issue[] }
  /** Errors only, all that were found at once, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** A job or pipeline document → what is submitted. Never throws for what the text says. */
export function parseDocument(text: string, options: ParseOptions): ParsedDocument {
  const unfit = textProblem(text);
  if (unfit !== undefined) return { ok: false, issues: locateIssues([unfit], undefined, text) };
  const format = options.format ?? (options.fileName.endsWith('.json') ? 'json' : 'yaml');
  const { root, problems } = readTree(text, format);
  if (root === undefined) return { ok: false, issues: locateIssues(problems, root, text) };
  const reader = new DocumentReader(root);
  reader.errors.push(...problems);
  const spec = reader.read(text, options.fileName);
  if (reader.errors.length === 0 && spec !== undefined) {
    return { ok: true, spec, warnings: locateIssues(reader.warnings, root, text) };
  }
  return { ok: false, issues: locateIssues(reader.errors, root, text) };
}

class DocumentReader {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #root: Written;

  constructor(root: Written) {
    this.#root = root;
  }

  read(source: string, fileName: string): WorkloadSpec | undefined {
    const { children, value } = this.#root;
    if (children === undefined || Array.isArray(value)) {
      const what = Array.isArray(value) ? 'a list' : 'a single value';
      const message = `${what} is not a document`;
      this.errors.push({ path: [], message, expected: 'a map with `run` or `steps`' });
      return undefined;
    }
    for (const name of Object.keys(laterBlocks)) {
      if (!children.has(name)) continue;
      const message = siteBlockNames.has(name)
        ? 'belongs in the site document of the daemon; ignored here'
        : 'checked for its form, and used from a later version; ignored now';
      this.warnings.push({ severity: 'warning', path: [name], message, at: 'key' });
    }
    return children.has('steps') ? this.#pipeline(source, fileName) : this.#job(source, fileName);
  }

  #job(source: string, fileName: string): WorkloadSpec | undefined {
    const parsed = jobSchema.safeParse(this.#root.value);
    this.errors.push(...commandProblems(this.#root, []));
    if (!parsed.success) {
      this.errors.push(...this.#schemaProblems(parsed.error.issues, jobJsonSchema(), ['steps']));
      return undefined;
    }
    const name = parsed.data.name ?? nameOfFile(fileName);
    const step = this.#step({ ...parsed.data, id: stepIdOf(name) }, [], []);
    if (step === undefined) return undefined;
    return { kind: 'job', ...this.#head(parsed.data, name), steps: [step], source };
  }

  #pipeline(source: string, fileName: string): WorkloadSpec | undefined {
    const parsed = pipelineSchema.safeParse(this.#root.value);
    if (!parsed.success) {
      this.errors.push(...this.#schemaProblems(parsed.error.issues, pipelineJsonSchema(), []));
    }
    const written = this.#value(['steps']);
    const rawSteps: readonly unknown[] = Array.isArray(written) ? written.slice(0, STEPS_MAX) : [];
    rawSteps.forEach((_, i) => {
      this.errors.push(...commandProblems(this.#root, ['steps', i]));
    });
    this.errors.push(...stepGraphProblems(rawSteps));
    // One wrong step must not hide what contradicts itself in the others.
    const blocks = parsed.success
      ? parsed.data.steps
      : rawSteps.map((step) => stepSchema.safeParse(step).data);
    this.#warnOfSiteLimits([], parsed.data?.network);
    const base = this.#baseLayers(
      parsed.data?.defaults ?? this.#defaultsAlone(),
      parsed.data?.affinity,
    );
    const storage = parsed.data?.storage;
    const steps = blocks.map(
      (block, i) =>
        block && this.#step({ ...(storage && { storage }), ...block }, ['steps', i], base),
    );
    const tasks = steps.reduce((sum, step) => sum + (step?.count ?? 0), 0);
    if (tasks > TASKS_MAX) {
      const message = `the steps have ${tasks} tasks together`;
      this.errors.push({ path: ['steps'], message, expected: `at most ${TASKS_MAX}`, at: 'key' });
    }
    if (!parsed.success || !steps.every((step) => step !== undefined)) return undefined;
    const name = parsed.data.name ?? nameOfFile(fileName);
    return { kind: 'pipeline', ...this.#head(parsed.data, name), steps, source };
  }

  #defaultsAlone(): Omit<Layer, 'path' | 'env'> | undefined {
    return pipelineSchema.shape.defaults.safeParse(this.#value(['defaults'])).data;
  }

  #baseLayers(
    defaults: Omit<Layer, 'path' | 'env'> | undefined,
    affinity: Layer['affinity'],
  ): Layer[] {
    const layer = { ...defaults, path: ['defaults'], env: this.#texts(['defaults', 'env']) };
    this.#checkLayer(layer);
    return [layer, { path: [], env: this.#texts(['env']), affinity }];
  }

  #step(block: StepBlock, path: Path, base: readonly Layer[]): StepSpec | undefined {
    const own: Layer = { ...block, path, env: this.#texts([...path, 'env']) };
    this.#checkLayer(own);
    this.#warnOfSiteLimits(path, block.network);
    const run = readCommand(block, path, this.#root, this.errors);
    const { needs = [], parallel } = block;
    const workers = typeof parallel === 'number' ? parallel : parallel?.max_workers;
    const parts: StepParts = {
      id: block.id,
      // What has no command is never used: its error is in the list already.
      run: run ?? { kind: 'shell', script: '' },
      needs: typeof needs === 'string' ? [needs] : needs,
      count: this.#count(block, path),
      maxParallel: workers ?? UNLIMITED,
      cwd: block.cwd ?? '',
      path,
      gang: block.gang,
      preemption: block.preemption,
      ...readExecution(
        { ...block, network: this.#network(block, [own, ...base]) },
        path,
        this.errors,
      ),
      layers: [own, ...base],
    };
    if (!/^(\/|$)/.test(parts.cwd)) {
      const message = 'the path is relative';
      this.errors.push({ path: [...path, 'cwd'], message, expected: 'an absolute path' });
    }
    const step = assembleStep(parts, this.errors);
    return run === undefined ? undefined : step;
  }

  /** The step's own, the limits of its layers, and what the pipeline says. */
  #network(block: StepBlock, layers: readonly Layer[]) {
    const ofPipeline = this.#root.children?.has('steps')
      ? networkBlock.schema.safeParse(this.#value(['network'])).data
      : undefined;
    const limits = layers.map((layer) => layer.resource_limits?.network).toReversed();
    return mergeNetwork([ofPipeline, ...limits, block.network]);
  }

  #warnOfSiteLimits(path: Path, block: StepBlock['network']): void {
    if (block?.rate_limiting === undefined) return;
    const message = 'belongs in the site document of the daemon; ignored here';
    const at = [...path, 'network', 'rate_limiting'];
    this.warnings.push({ severity: 'warning', path: at, message, at: 'key' });
  }

  #checkLayer(layer: Layer): void {
    this.errors.push(...layerErrors(layer));
    this.warnings.push(...layerWarnings(layer));
  }

  #count(block: StepBlock, path: Path): number {
    const inner = typeof block.parallel === 'object' ? block.parallel.count : undefined;
    if (block.count !== undefined && inner !== undefined && block.count !== inner) {
      const message = `says ${inner}, but \`count\` says ${block.count}, and they are the same thing`;
      this.errors.push({ path: [...path, 'parallel', 'count'], message });
    }
    return block.count ?? inner ?? documentDefaults.count;
  }

  #head(
    data: { queue?: string | undefined; priority?: number | undefined },
    name: string,
  ): Pick<WorkloadSpec, 'name' | 'queue' | 'priority' | 'labels'> {
    return {
      name,
      queue: (data.queue as QueueName | undefined) ?? documentDefaults.queue,
      priority: data.priority ?? documentDefaults.priority,
      labels: this.#texts(['labels']),
    };
  }

  /** A map of plain values as text. */
  #texts(path: Path): Record<string, string> {
    const names = findWritten(this.#root, path)?.children?.keys() ?? [];
    return Object.fromEntries(
      [...names].map((name) => [String(name), asWritten(this.#root, [...path, name])]),
    );
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
