import { z } from 'zod';
import { findWritten, type Written } from './document-tree.ts';
import { publishedSchema } from './fields.ts';
import type { Path, Problem } from './issue.ts';
import { knownKeys, schemaProblems } from './schema-problems.ts';

/** Of a list that is longer, which is an error, so many are looked at. */
const ENTRIES_MAX = 10_000;

/** One pass over a site document: what its blocks are read from, and what was found wrong so far. */
export class SiteReading {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #root: Written;
  readonly #text: string;
  readonly #published = new Map<z.ZodType, object>();
  #lineEnds: readonly number[] | undefined;

  constructor(root: Written, text: string) {
    this.#root = root;
    this.#text = text;
  }

  /** What stands at `path`, checked; undefined when it is wrong (told) or not there. */
  read<T extends z.ZodType>(schema: T, path: Path): z.output<T> | undefined {
    const written = findWritten(this.#root, path);
    if (written === undefined) return undefined;
    const parsed = schema.safeParse(written.value);
    if (parsed.success) return parsed.data;
    const published = this.#published.get(schema) ?? publishedSchema(schema);
    this.#published.set(schema, published);
    this.errors.push(
      ...schemaProblems(
        parsed.error.issues,
        path,
        (at) => this.value(at),
        (at) => knownKeys(published, at.slice(path.length)),
      ),
    );
    return undefined;
  }

  /** As `read`, but of a map that is wrong the keys that are right: their contradictions are told at once, too. */
  readPart<T extends z.ZodObject>(schema: T, path: Path): Partial<z.output<T>> | undefined {
    const whole = this.read(schema, path);
    const value = this.value(path);
    if (whole !== undefined) return whole as Partial<z.output<T>>;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const right = Object.entries(value).flatMap(([key, written]) => {
      const parsed = Object.hasOwn(schema.shape, key)
        ? z.safeParse(schema.shape[key] as z.ZodType, written)
        : undefined;
      return parsed?.success ? [[key, parsed.data] as const] : [];
    });
    return Object.fromEntries(right) as Partial<z.output<T>>;
  }

  /** The entries of a list, each as `readPart` gives it; undefined where one is no map. */
  readList<T extends z.ZodObject>(
    schema: z.ZodArray<T>,
    path: Path,
  ): (Partial<z.output<T>> | undefined)[] {
    const value = this.value(path);
    if (this.read(schema, path) === undefined && !Array.isArray(value)) return [];
    const before = this.errors.length;
    const entries = Array.isArray(value) ? value.slice(0, ENTRIES_MAX) : [];
    const read = entries.map((_, i) => this.readPart(schema.element, [...path, i]));
    // They were told with the whole list.
    this.errors.length = before;
    return read;
  }

  value(path: Path): unknown {
    return findWritten(this.#root, path)?.value;
  }

  /** The keys of a map, as written; none when it is no map. */
  keys(path: Path): readonly string[] {
    const written = findWritten(this.#root, path);
    if (written?.children === undefined || Array.isArray(written.value)) return [];
    return [...written.children.keys()].map(String);
  }

  /** From 1. */
  line(path: Path): number {
    const written = findWritten(this.#root, path);
    const offset = (written?.key ?? written?.range)?.start ?? 0;
    this.#lineEnds ??= [...this.#text.matchAll(/\n/g)].map(({ index }) => index);
    return this.#lineEnds.findLastIndex((end) => end < offset) + 2;
  }

  error(path: Path, message: string, more: Partial<Problem> = {}): void {
    this.errors.push({ path, message, ...more });
  }

  warn(path: Path, message: string): void {
    this.warnings.push({ severity: 'warning', path, message, at: 'key' });
  }

  /** Keys of the vocabulary that a later version acts on. */
  later(path: Path, names: readonly string[]): void {
    for (const name of this.keys(path)) {
      if (names.includes(name)) {
        this.warn([...path, name], 'used from a later version; ignored now');
      }
    }
  }

  /** The key that is there, of several that mean the same. */
  oneKey<const K extends string>(path: Path, names: readonly K[]): K | undefined {
    const [first, ...others] = names.filter((name) => findWritten(this.#root, [...path, name]));
    for (const other of others) {
      const line = this.line([...path, first!]);
      const message = `\`${first}\` is given in line ${line}, too, and they are the same thing`;
      this.error([...path, other], message, { at: 'key' });
    }
    return first;
  }
}
