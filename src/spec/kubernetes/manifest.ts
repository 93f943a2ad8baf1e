import type { z } from 'zod';
import { findWritten, type Written } from '../document-tree.ts';
import type { Path, Problem, Range } from '../issue.ts';
import { LineIndex, rangeOf } from '../locate-issues.ts';
import { schemaProblems } from '../schema-problems.ts';

/** One file of manifests, and what is wrong with it so far: each problem with its place. */
export class ManifestFile {
  readonly name: string;
  readonly text: string;
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #lines: LineIndex;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    this.#lines = new LineIndex(text);
  }

  /** `file:line`. */
  placeOf(range: Range): string {
    return `${this.name}:${this.#lines.place(range).line}`;
  }
}

/** One object of Kubernetes: what is read of it, and told about it. */
export class Manifest {
  readonly #file: ManifestFile;
  readonly #root: Written;
  readonly #base: Path;
  readonly #lifted: (range: Range) => Range;

  /** `lifted` gives the place in the file, where the tree is of a text within it. */
  constructor(
    file: ManifestFile,
    tree: { readonly root: Written; readonly base?: Path },
    lifted: (range: Range) => Range = (range) => range,
  ) {
    this.#file = file;
    this.#root = tree.root;
    this.#base = tree.base ?? [];
    this.#lifted = lifted;
  }

  /** The objects of a `List`, each as one of its own. */
  items(path: Path): Manifest[] {
    const list = this.value(path);
    if (!Array.isArray(list)) return [];
    return list.map((_, i) => {
      const base = [...this.#base, ...path, i];
      return new Manifest(this.#file, { root: this.#root, base }, this.#lifted);
    });
  }

  /** A text within this one, which stands at `range` of the file as `lifted` says. */
  within(root: Written, lifted: (range: Range) => Range): Manifest {
    return new Manifest(this.#file, { root }, lifted);
  }

  /** What stands at `path`, checked; undefined when it is wrong (told) or not there. */
  read<T extends z.ZodType>(schema: T, path: Path): z.output<T> | undefined {
    const written = this.#find(path);
    const parsed = schema.safeParse(written?.value);
    if (parsed.success) return parsed.data;
    const found = schemaProblems(
      parsed.error.issues,
      path,
      (at) => this.value(at),
      () => [],
    );
    for (const { path: at, message, ...more } of found) this.error(at, message, more);
    return undefined;
  }

  value(path: Path): unknown {
    return this.#find(path)?.value;
  }

  /** The keys of a map, as written; none when it is no map. */
  keys(path: Path): readonly string[] {
    const written = this.#find(path);
    if (written?.children === undefined || Array.isArray(written.value)) return [];
    return [...written.children.keys()].map(String);
  }

  text(path: Path): { readonly text: string; readonly range: Range } | undefined {
    const written = this.#find(path);
    return typeof written?.value === 'string'
      ? { text: written.value, range: this.#lifted(written.range) }
      : undefined;
  }

  get fileText(): string {
    return this.#file.text;
  }

  /** `file:line` of the key at `path`. */
  origin(path: Path): string {
    return this.#file.placeOf(this.#range({ path, message: '', at: 'key' }));
  }

  error(path: Path, message: string, more: Partial<Problem> = {}): void {
    this.#file.errors.push(this.#placed({ path, message, ...more }));
  }

  warn(path: Path, message: string, more: Partial<Problem> = {}): void {
    const warning = { severity: 'warning', at: 'key' } as const;
    this.#file.warnings.push(this.#placed({ path, message, ...warning, ...more }));
  }

  /** Of what else is said at `path`, a warning each. */
  warnOfOthers(path: Path, known: readonly string[], why: string): void {
    for (const key of this.keys(path)) {
      if (!known.includes(key)) this.warn([...path, key], why);
    }
  }

  #find(path: Path): Written | undefined {
    return findWritten(this.#root, [...this.#base, ...path]);
  }

  #range(problem: Problem): Range {
    const path = [...this.#base, ...problem.path];
    return this.#lifted(rangeOf({ ...problem, path }, this.#root));
  }

  #placed(problem: Problem): Problem {
    const { start, end } = this.#range(problem);
    return { ...problem, at: { start, end, file: this.#file.name } };
  }
}
