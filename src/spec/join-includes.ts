import { type Format, findWritten, inFile, readTree, type Written } from './document-tree.ts';
import type { Path, Problem, Range } from './issue.ts';
import { shown } from './quantities.ts';
import { textProblem } from './text-bounds.ts';

/** One within another, the document itself not counted. */
export const INCLUDE_DEPTH_MAX = 8;
export const INCLUDED_FILES_MAX = 64;
const PATH_MAX = 1024;

/** Texts that a document includes, by the names that `includedNames` gives; read at the edge. */
export interface IncludedFiles {
  readonly texts: ReadonlyMap<string, string>;
  /** Why one could not be read, as the end of a sentence. */
  readonly unreadable?: ReadonlyMap<string, string>;
}

export const formatOf = (fileName: string): Format =>
  fileName.endsWith('.json') ? 'json' : 'yaml';

/** The files that this text includes, by name; nothing for a text that cannot be read, which parsing tells. */
export function includedNames(text: string, fileName: string): string[] {
  if (textProblem(text) !== undefined) return [];
  const { root } = readTree(text, formatOf(fileName));
  return root === undefined ? [] : writtenIncludes(root).map(({ path }) => joined(fileName, path));
}

interface Include {
  readonly path: string;
  readonly range: Range;
}

function writtenIncludes(root: Written): Include[] {
  const written = findWritten(root, ['include']);
  const items = Array.isArray(written?.value) ? [...(written.children?.values() ?? [])] : [written];
  return items.flatMap((item) =>
    typeof item?.value === 'string' && isPath(item.value)
      ? [{ path: item.value, range: item.range }]
      : [],
  );
}

const isPath = (path: string): boolean =>
  path.length <= PATH_MAX && path.trim() !== '' && !path.startsWith('/') && !/\p{Cc}/u.test(path);

/** `path` beside the file named `from`, without `.` and without `..` that could be taken back. */
function joined(from: string, path: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') {
      parts.pop();
    } else parts.push(part);
  }
  return parts.join('/');
}

/**
 * The document with all that it includes: maps are joined key by key, where what is nearer to the document counts;
 * steps of included files go before its own; a file that is included twice counts once.
 */
export function joinIncludes(
  root: Written,
  fileName: string,
  files: IncludedFiles,
  problems: Problem[],
): Written {
  if (findWritten(root, ['include']) === undefined) return root;
  const joiner = new Joiner(files, problems);
  return joiner.join(root, [fileName]);
}

class Joiner {
  readonly #files: IncludedFiles;
  readonly #problems: Problem[];
  readonly #taken = new Set<string>();

  constructor(files: IncludedFiles, problems: Problem[]) {
    this.#files = files;
    this.#problems = problems;
  }

  join(root: Written, open: readonly string[]): Written {
    if (root.children === undefined || Array.isArray(root.value)) return root;
    const own = without(root, 'include');
    this.#checkForm(root);
    let below: Written | undefined;
    for (const include of writtenIncludes(root)) {
      const tree = this.#read(include, open);
      if (tree !== undefined) below = below === undefined ? tree : merged(below, tree, []);
    }
    return below === undefined ? own : merged(below, own, []);
  }

  #checkForm(root: Written): void {
    const written = findWritten(root, ['include']);
    const items = Array.isArray(written?.value)
      ? [...(written.children?.values() ?? [])]
      : [written];
    for (const item of items) {
      if (item === undefined || (typeof item.value === 'string' && isPath(item.value))) continue;
      const isAbsolute = typeof item.value === 'string' && item.value.startsWith('/');
      this.#problems.push({
        path: ['include'],
        message: isAbsolute ? 'an absolute path' : 'not the path of a file',
        expected: 'a path from the folder of this file',
        at: item.range,
      });
    }
  }

  #read({ path, range }: Include, open: readonly string[]): Written | undefined {
    const name = joined(open.at(-1)!, path);
    const wrong = (message: string, expected?: string): undefined => {
      this.#problems.push({ path: ['include'], message, expected, at: range });
      return undefined;
    };
    if (open.includes(name)) {
      const circle = [...open.slice(open.indexOf(name)), name].join(' → ');
      return wrong(`files include each other in a circle: ${circle}`);
    }
    if (this.#taken.has(name)) return undefined;
    if (open.length > INCLUDE_DEPTH_MAX) {
      const expected = `at most ${INCLUDE_DEPTH_MAX} within each other`;
      return wrong('files are included too deeply', expected);
    }
    if (this.#taken.size >= INCLUDED_FILES_MAX) {
      return wrong('too many files are included', `at most ${INCLUDED_FILES_MAX}`);
    }
    this.#taken.add(name);
    const text = this.#files.texts.get(name);
    if (text === undefined) {
      const why = this.#files.unreadable?.get(name) ?? 'was not sent along';
      const hint = '`berth run` and `berth submit` send what a document includes';
      return wrong(`${shown(name)} ${why}`, why.includes('sent') ? hint : undefined);
    }
    const unfit = textProblem(text);
    if (unfit !== undefined) {
      this.#problems.push(...inFile([unfit], name));
      return undefined;
    }
    const { root, problems } = readTree(text, formatOf(name), name);
    this.#problems.push(...problems);
    if (root === undefined) return undefined;
    if (root.children === undefined || Array.isArray(root.value)) {
      this.#problems.push({ path: [], message: 'is not a map of keys', at: root.range });
      return undefined;
    }
    return this.join(root, [...open, name]);
  }
}

function without(map: Written, key: string): Written {
  const children = new Map(map.children);
  children.delete(key);
  return { ...map, children, value: dataOf(children) };
}

function merged(far: Written, near: Written, path: Path): Written {
  if (far.children === undefined || near.children === undefined) return near;
  const lists = [far, near].map(({ value }) => Array.isArray(value));
  if (lists[0] !== lists[1]) return near;
  if (lists[0]) {
    if (path.length !== 1 || path[0] !== 'steps') return near;
    const items = [...far.children.values(), ...near.children.values()];
    const children = new Map<string | number, Written>(items.map((item, i) => [i, item]));
    return { ...near, children, value: items.map(({ value }) => value) };
  }
  const children = new Map(far.children);
  for (const [key, child] of near.children) {
    const other = children.get(key);
    children.set(key, other === undefined ? child : merged(other, child, [...path, key]));
  }
  return { ...near, children, value: dataOf(children) };
}

function dataOf(children: ReadonlyMap<string | number, Written>): Record<string, unknown> {
  const value: Record<string, unknown> = Object.create(null);
  for (const [name, child] of children) value[name] = child.value;
  return value;
}
