import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  parseDocument as parseYaml,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { parseDecimal, sameDecimal } from './decimal.ts';
import type { Path, Problem, Range } from './issue.ts';
import { jsonProblem } from './json-strictness.ts';
import { shown } from './quantities.ts';
import { DEPTH_MAX, tooDeep } from './text-bounds.ts';

/** A value of the document together with where it stands; aliases stand where their anchor does. */
export interface Written {
  /** Plain data: text, number, boolean, null, lists, and maps without a prototype. */
  readonly value: unknown;
  /** A scalar as it was written. */
  readonly source: string | undefined;
  readonly range: Range;
  readonly key: Range | undefined;
  readonly children: ReadonlyMap<string | number, Written> | undefined;
}

export interface Tree {
  readonly root: Written | undefined;
  readonly problems: readonly Problem[];
}

export type Format = 'yaml' | 'json';

/** Values in the tree, those that aliases repeat counted each time. */
const VALUES_MAX = 300_000;
const PROBLEMS_MAX = 1000;
/** Maps that one `<<` takes. */
const MERGED_MAX = 100;

const parserOptions = {
  schema: 'core',
  stringKeys: true,
  // The parser compares each key with all others; ours are compared while the tree is built.
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  // Below this level the parser does not report a second document.
  logLevel: 'error',
} as const;

/** `file` is the name of a text that is not the document itself; every range says so then. */
export function readTree(text: string, format: Format, file?: string): Tree {
  const document = parseYaml(text, parserOptions);
  if (text.trim() === '') return { root: undefined, problems: inFile([empty(text)], file) };
  const loose = format === 'json' ? jsonProblem(text) : undefined;
  const problems = loose === undefined ? syntaxProblems(document, text) : [loose];
  if (problems.length > 0) return { root: undefined, problems: inFile(problems, file) };
  if (document.contents === null) return { root: undefined, problems: inFile([empty(text)], file) };
  const builder = new TreeBuilder(document, format === 'yaml', file);
  const root = builder.build(document.contents, [], undefined, 0);
  return { root: builder.isComplete ? root : undefined, problems: builder.problems };
}

/** A tree for each document of a stream of them, with places in the whole text; those without content are left out. */
export function readTrees(text: string): readonly Tree[] {
  const documents = parseAllDocuments(text, parserOptions);
  const trees: Tree[] = [];
  let spent = 0;
  for (const document of Array.isArray(documents) ? documents : []) {
    const problems = syntaxProblems(document, text);
    if (problems.length > 0) {
      trees.push({ root: undefined, problems });
      continue;
    }
    if (document.contents === null) continue;
    const builder = new TreeBuilder(document, true, undefined, spent);
    const root = builder.build(document.contents, [], undefined, 0);
    spent = builder.values;
    trees.push({ root: builder.isComplete ? root : undefined, problems: builder.problems });
    if (!builder.isComplete) break;
  }
  return trees;
}

/** Problems that stand at a place of a text, told of the file that has it. */
export function inFile(problems: readonly Problem[], file: string | undefined): Problem[] {
  if (file === undefined) return [...problems];
  return problems.map((problem) =>
    typeof problem.at === 'object' ? { ...problem, at: { ...problem.at, file } } : problem,
  );
}

/** The written value at `path`, or nothing where the document has none. */
export function findWritten(root: Written | undefined, path: Path): Written | undefined {
  let here = root;
  for (const part of path) here = here?.children?.get(part);
  return here;
}

class TreeBuilder {
  readonly problems: Problem[] = [];
  readonly #document: Document.Parsed;
  readonly #open = new Set<Node>();
  #values: number;
  readonly #mergesKeys: boolean;
  readonly #file: string | undefined;
  #ended = false;

  /** `spent` are the values of other documents that the bound counts, too. */
  constructor(document: Document.Parsed, mergesKeys: boolean, file: string | undefined, spent = 0) {
    this.#document = document;
    this.#values = spent;
    this.#file = file;
    this.#mergesKeys = mergesKeys;
  }

  get values(): number {
    return this.#values;
  }

  /** False when a bound or an alias ended the tree early. */
  get isComplete(): boolean {
    return !this.#ended;
  }

  build(node: Node | null, path: Path, key: Range | undefined, depth: number): Written {
    const range = this.#rangeOf(node) ?? key ?? this.#start();
    const nothing = { value: null, source: '', range, key, children: undefined };
    if (node === null || this.#ended) return nothing;
    if (++this.#values > VALUES_MAX) {
      const expected = `at most ${VALUES_MAX}, aliases written out`;
      return this.#end(
        { path, message: 'the document has too many values', expected, at: range },
        nothing,
      );
    }
    if (depth > DEPTH_MAX) return this.#end({ ...tooDeep(range), path }, nothing);
    if (isAlias(node)) return this.#buildAlias(node.source, node, path, key, depth);
    if (isScalar(node)) return { ...nothing, ...scalarValue(node) };
    this.#open.add(node);
    const children = new Map<string | number, Written>();
    const built = { source: undefined, range, key, children };
    let value: unknown;
    if (isSeq<Node | null>(node)) {
      node.items.forEach((item, i) => {
        children.set(i, this.build(item, [...path, i], undefined, depth + 1));
      });
      value = [...children.values()].map((child) => child.value);
    } else if (isMap<Node, Node | null>(node)) {
      this.#buildMap(node, children, path, depth);
      const map: Record<string, unknown> = Object.create(null);
      for (const [name, child] of children) map[name] = child.value;
      value = map;
    }
    this.#open.delete(node);
    return { value, ...built };
  }

  #buildMap(
    map: YAMLMap<Node, Node | null>,
    children: Map<string | number, Written>,
    path: Path,
    depth: number,
  ): void {
    const merged: Written[] = [];
    for (const { key, value } of map.items) {
      if (!isScalar(key)) continue;
      const at = this.#rangeOf(key) ?? this.#start();
      if (this.#mergesKeys && key.value === '<<' && key.type === 'PLAIN') {
        const source = this.build(value, [...path, '<<'], at, depth + 1);
        merged.push(
          ...(Array.isArray(source.value)
            ? [...(source.children?.values() ?? [])].slice(0, MERGED_MAX)
            : [source]),
        );
        continue;
      }
      const name = String(key.value);
      const first = children.get(name);
      if (first !== undefined)
        this.#report({
          path: [...path, name],
          message: `the key ${shown(name)} is given twice`,
          expected: 'each key once',
          at,
        });
      else if (name === '__proto__')
        this.#report({ path: [...path, name], message: 'a key cannot have this name', at });
      else children.set(name, this.build(value, [...path, name], at, depth + 1));
    }
    for (const source of merged) {
      if (source.children === undefined || Array.isArray(source.value)) {
        const message = '`<<` takes a map or a list of maps';
        this.#report({ path, message, at: source.range });
      }
      for (const [name, child] of source.children ?? []) {
        if (!children.has(name)) children.set(name, child);
      }
    }
  }

  #buildAlias(
    name: string,
    alias: Node,
    path: Path,
    key: Range | undefined,
    depth: number,
  ): Written {
    const at = this.#rangeOf(alias) ?? this.#start();
    const nothing = { value: null, source: '', range: at, key, children: undefined };
    const target = this.#anchored(name, alias);
    if (target === undefined)
      return this.#end({ path, message: `no anchor is named ${shown(name)}`, at }, nothing);
    if (this.#open.has(target)) {
      return this.#end({ path, message: `the alias ${shown(name)} contains itself`, at }, nothing);
    }
    return this.build(target, path, key, depth + 1);
  }

  /** `Alias.resolve` walks the whole document for each alias; anchors are collected once instead. */
  #anchors: ReadonlyMap<string, readonly Node[]> | undefined;

  #anchored(name: string, alias: Node): Node | undefined {
    this.#anchors ??= anchorsOf(this.#document.contents);
    const before = rangeOf(alias)?.start ?? 0;
    return this.#anchors.get(name)?.findLast((node) => (rangeOf(node)?.start ?? 0) < before);
  }

  #rangeOf(node: Node | null): Range | undefined {
    const range = rangeOf(node);
    return range === undefined || this.#file === undefined ? range : { ...range, file: this.#file };
  }

  #start(): Range {
    return { start: 0, end: 0, ...(this.#file !== undefined && { file: this.#file }) };
  }

  #report(problem: Problem): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(problem);
  }

  #end<T>(problem: Problem, value: T): T {
    this.#ended = true;
    this.#report(problem);
    return value;
  }
}

function anchorsOf(root: Node | null): Map<string, Node[]> {
  const anchors = new Map<string, Node[]>();
  const waiting: (Node | null)[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node === null || isAlias(node)) continue;
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      const list = anchors.get(node.anchor) ?? [];
      list.push(node);
      anchors.set(node.anchor, list);
    }
    if (isSeq<Node | null>(node)) for (const item of node.items) waiting.push(item);
    if (isMap<Node, Node | null>(node)) {
      for (const { key, value } of node.items) waiting.push(key, value);
    }
  }
  for (const list of anchors.values())
    list.sort((a, b) => (rangeOf(a)?.start ?? 0) - (rangeOf(b)?.start ?? 0));
  return anchors;
}

function scalarValue(node: Scalar): { value: unknown; source: string } {
  const { value, source = '' } = node;
  if (typeof value !== 'number') return { value, source };
  const written = parseDecimal(source);
  const kept = parseDecimal(String(value));
  // A number that would lose digits stays text: quantities read it exactly, and whole numbers refuse it.
  const lost =
    !Number.isFinite(value) ||
    (written !== undefined && (kept === undefined || !sameDecimal(written, kept))) ||
    (written === undefined && !Number.isSafeInteger(value));
  return { value: lost ? source : value, source };
}

function rangeOf(node: Node | null): Range | undefined {
  const range = node?.range;
  return range ? { start: range[0], end: range[1] } : undefined;
}

/** Sentences for the parser's errors that people meet; the others keep its own. */
const sentences: Partial<Record<string, readonly [message: string, expected?: string]>> = {
  TAB_AS_INDENT: ['a tab indents this line', 'spaces'],
  MULTIPLE_DOCS: ['a second document begins here', 'one document per file'],
  BAD_INDENT: ['the indentation does not match the lines above'],
  BLOCK_AS_IMPLICIT_KEY: ['a second `: ` on one line', 'text with `: ` in quotes'],
  BAD_ALIAS: ['an alias without a name'],
  MULTIPLE_ANCHORS: ['two anchors for one value'],
  TAG_RESOLVE_FAILED: ['this tag has no meaning here', 'plain YAML without tags'],
  NON_STRING_KEY: ['a key must be text'],
  MULTILINE_IMPLICIT_KEY: [
    'a line without `:` where a key and its value should be',
    '`key: value`',
  ],
  BAD_SCALAR_START: ['text cannot begin with this sign', 'the text in quotes'],
};

function syntaxProblems(document: Document.Parsed, text: string): Problem[] {
  return [...document.errors, ...document.warnings].slice(0, PROBLEMS_MAX).map((error) => {
    const start = Math.min(error.pos[0], text.length);
    const at = { start, end: Math.max(start + 1, error.pos[1]) };
    if (error.code === 'RESOURCE_EXHAUSTION') return tooDeep(at);
    const [message, expected] = sentences[error.code] ?? [plain(error.message)];
    return { path: [], message, expected, at };
  });
}

function plain(message: string): string {
  const line = message.split('\n')[0] ?? '';
  return `not valid YAML: ${line.slice(0, 1).toLowerCase()}${line.slice(1, 200)}`;
}

function empty(text: string): Problem {
  const message = text.trim() === '' ? 'the document is empty' : 'the document has comments only';
  return {
    path: [],
    message,
    expected: '`run` for a job or `steps` for a pipeline',
    at: { start: 0, end: 1 },
  };
}
