import type { z } from 'zod';
import type { Program, Run } from '../../model/workload.ts';

/** What a step with an action runs. */
export interface ActionCommand {
  readonly run: Program;
  /** For its environment, before what the step says. */
  readonly env: Readonly<Record<string, string>>;
}

/** A ready-made thing to run: what `with:` takes, and the command that it becomes. */
export interface Action {
  readonly name: string;
  readonly meaning: string;
  readonly arguments: z.ZodType;
  /** Arguments that are read as a program: what is known only later may not be put into them. */
  readonly codeKeys: readonly string[];
  /**
   * Whether the same arguments and files give the same result: `always`; `costly` for those where that is nearly
   * so and a result is worth keeping; `never` for what reads or changes the world.
   */
  readonly repeats: 'always' | 'costly' | 'never';
  /** Whether a result may be kept unasked, of those that repeat; `hasItems`: its tasks are for items of a list. */
  readonly isKept?: ((given: Given, hasItems: boolean) => boolean) | undefined;
  /** Of the document, not of Berth. */
  readonly isOwn: boolean;
  /** A value with holes may stand for an argument of another type than text. */
  readonly takesHoles: boolean;
  /** Limits of a step that bound this action, and the argument that each becomes. */
  readonly limits: Readonly<Partial<Record<ActionLimit, string>>>;
  /** Files that its result depends on. */
  files(given: Given): readonly string[];
  /** `given` has passed `arguments`, where its values have no holes. */
  command(given: Given, programs: Programs): ActionCommand;
  /** What is missing so that it can work, or nothing. */
  missing(given: Given, env: ReadonlySet<string>): string | undefined;
}

export type ActionLimit = 'max_results' | 'max_tokens';
export type Given = Readonly<Record<string, unknown>>;

/** The file of the program that does what the action of this name says. */
export type Programs = (name: string) => string;

/** An action that is a command in itself. */
export function defineCommandAction<T extends z.ZodType>(definition: {
  readonly name: string;
  readonly meaning: string;
  readonly arguments: T;
  readonly codeKeys: readonly string[];
  readonly run: (given: z.output<T>) => Exclude<Run, { kind: 'held' }>;
}): Action {
  const { name, meaning, codeKeys, run } = definition;
  return {
    name,
    meaning,
    arguments: definition.arguments,
    codeKeys,
    repeats: 'never',
    isOwn: false,
    takesHoles: false,
    limits: {},
    files: () => [],
    command: (given) => ({ run: run(definition.arguments.parse(given)), env: {} }),
    missing: () => undefined,
  };
}

/** An action with a program of its own, `src/app/actions/NAME.ts`, that reads the same arguments. */
export function defineProgramAction<T extends z.ZodType>(
  definition: Pick<Action, 'name' | 'meaning' | 'repeats'> & {
    readonly arguments: T;
    /** Arguments that name a file to read. */
    readonly fileKeys?: readonly string[];
  } & Partial<Pick<Action, 'limits' | 'missing' | 'isKept'>>,
): Action {
  const { name, meaning, repeats, fileKeys = [], limits = {} } = definition;
  return {
    name,
    meaning,
    arguments: definition.arguments,
    codeKeys: [],
    repeats,
    isOwn: false,
    takesHoles: true,
    limits,
    files: (given) => fileKeys.map((key) => given[key]).filter((file) => typeof file === 'string'),
    command: (given, programs) => ({
      run: { kind: 'argv', argv: [...starter, programs(name), ...programArguments(given)] },
      env: {},
    }),
    missing: definition.missing ?? (() => undefined),
    isKept: definition.isKept,
  };
}

/** The program that runs Berth is known to the task alone. It honours the proxy that the task is given. */
const starter = ['/bin/sh', '-c', 'NODE_USE_ENV_PROXY=1 exec "$BERTH_NODE" "$0" "$@"'];

/**
 * Arguments, a part each, so that nothing has to be quoted: text as `PATH=TEXT`, anything else as `PATH:=JSON`, such
 * as `headers/accept=text/html`. In a path, `~0` … `~3` stand for `~`, `/`, `=` and `:`.
 */
export function programArguments(given: Given): string[] {
  const found: string[] = [];
  const visit = (value: unknown, path: string): void => {
    const isLeaf = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
    if (typeof value === 'string') found.push(`${path}=${value}`);
    else if (isLeaf) found.push(`${path}:=${JSON.stringify(value)}`);
    else for (const [key, item] of Object.entries(value)) visit(item, `${path}/${pathPart(key)}`);
  };
  for (const [key, value] of Object.entries(given)) visit(value, pathPart(key));
  return found;
}

const pathPart = (key: string): string =>
  key.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('=', '~2').replaceAll(':', '~3');

const signs: Readonly<Record<string, string>> = { '~0': '~', '~1': '/', '~2': '=', '~3': ':' };
const keyOf = (part: string): string => part.replace(/~[0-3]/g, (sign) => signs[sign]!);

interface Leaf {
  readonly path: readonly string[];
  readonly text: string;
}

/**
 * What `programArguments` made, read back. Text that filled a hole may be of another type: it is JSON where the
 * schema does not take text.
 */
export function readProgramArguments<T extends z.ZodType>(
  schema: T,
  argv: readonly string[],
): z.ZodSafeParseResult<z.output<T>> {
  const asJson = new Set<Leaf>();
  const leaves = argv.map((part): Leaf => {
    const [, path = '', sign, text = ''] = /^([^=:]*)(:?=)([\s\S]*)$/.exec(part) ?? [];
    const leaf = { path: path.split('/').map(keyOf), text };
    if (sign === ':=' && isJson(text)) asJson.add(leaf);
    return leaf;
  });
  let parsed = schema.safeParse(assembled(leaves, asJson));
  // A union tells one place for all of its forms, so that what is left after one pass may need another.
  for (let pass = 0; pass < 3 && !parsed.success; pass++) {
    const before = asJson.size;
    for (const { path } of parsed.error.issues) {
      for (const leaf of leaves) {
        const near = path.every(
          (part, i) => i >= leaf.path.length || leaf.path[i] === String(part),
        );
        if (near && isJson(leaf.text)) asJson.add(leaf);
      }
    }
    if (asJson.size === before) break;
    parsed = schema.safeParse(assembled(leaves, asJson));
  }
  return parsed;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function assembled(leaves: readonly Leaf[], asJson: ReadonlySet<Leaf>): unknown {
  const root: Node = new Map();
  for (const leaf of leaves) {
    let here = root;
    for (const part of leaf.path.slice(0, -1)) {
      const below = here.get(part);
      const next: Node = below instanceof Map ? below : new Map();
      here.set(part, next);
      here = next;
    }
    const value: unknown = asJson.has(leaf) ? JSON.parse(leaf.text) : leaf.text;
    here.set(leaf.path.at(-1)!, { value });
  }
  return plain(root);
}

type Node = Map<string, Node | { readonly value: unknown }>;

/** A map whose keys are 0, 1, 2… was a list. */
function plain(node: Node): unknown {
  const entries = [...node].map(([key, item]): [string, unknown] => [
    key,
    item instanceof Map ? plain(item) : item.value,
  ]);
  const isList = entries.length > 0 && entries.every(([key], i) => key === String(i));
  return isList ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}
