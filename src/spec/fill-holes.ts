import { fillTemplate, splitTemplate, type TemplatePart, textOf } from '../expression/template.ts';
import type { FlowValue } from '../model/flow.ts';
import { codeKeysOf } from './actions/registry.ts';
import { findWritten, type Written } from './document-tree.ts';
import type { ExpressionReading, ReadExpression } from './expression-reading.ts';
import type { Path, Problem, Range } from './issue.ts';

/** Characters and values that filling a document may add: a variable of 64 KiB may stand in many holes. */
const ADDED_MAX = 8_388_608;

/** A text with holes that are filled when its step runs. */
export interface RuntimeText {
  readonly path: Path;
  readonly expressions: readonly ReadExpression[];
}

export interface FilledTree {
  readonly root: Written;
  /** Texts whose holes are wrong: what they are otherwise nobody knows. */
  readonly unfilled: readonly Path[];
  readonly runtimeTexts: readonly RuntimeText[];
}

/** What may stand in the holes of a text, by its place. */
type Place = 'known' | 'task' | 'code' | 'expression';

/**
 * Puts what is known now into the holes of all texts: a text that is one hole gets its value with its type.
 * Texts with what is known only later stay as they are, where that is allowed, and are told.
 */
export function fillHoles(
  root: Written,
  reading: ExpressionReading,
  problems: Problem[],
): FilledTree {
  const filler = new Filler(root, reading, problems);
  const { runtimeTexts, unfilled } = filler;
  return { root: filler.fill(root, []), runtimeTexts, unfilled };
}

class Filler {
  readonly runtimeTexts: RuntimeText[] = [];
  readonly unfilled: Path[] = [];
  readonly #root: Written;
  readonly #reading: ExpressionReading;
  readonly #problems: Problem[];
  #added = 0;

  constructor(root: Written, reading: ExpressionReading, problems: Problem[]) {
    this.#root = root;
    this.#reading = reading;
    this.#problems = problems;
  }

  /** `path` is used as a stack. */
  fill(written: Written, path: (string | number)[]): Written {
    const { value, children } = written;
    if (children === undefined) {
      return typeof value === 'string' && value.includes('${{')
        ? this.#fillText(written, value, [...path])
        : written;
    }
    let changed: Map<string | number, Written> | undefined;
    for (const [key, child] of children) {
      // They were filled before, or are read by themselves.
      if (path.length === 0 && (key === 'vars' || key === 'include')) continue;
      path.push(key);
      const filled = this.fill(child, path);
      path.pop();
      if (filled === child) continue;
      changed ??= new Map(children);
      changed.set(key, filled);
    }
    if (changed === undefined) return written;
    if (Array.isArray(value)) {
      return { ...written, children: changed, value: [...changed.values()].map((c) => c.value) };
    }
    const map: Record<string, unknown> = Object.create(null);
    for (const [name, child] of changed) map[name] = child.value;
    return { ...written, children: changed, value: map };
  }

  #fillText(written: Written, text: string, path: Path): Written {
    const place = this.#placeOf(path);
    if (place === 'expression') return written;
    const before = this.#problems.length;
    const filled = this.#tryFill(written, text, path, place);
    if (this.#problems.length > before) this.unfilled.push(path);
    return filled;
  }

  #tryFill(written: Written, text: string, path: Path, place: Place): Written {
    const parts = splitTemplate(text);
    if (parts === undefined) {
      const expected = '`${{ vars.x }}`; `$${{` for the signs themselves';
      this.#problems.push({ path, message: 'a hole `${{` has no `}}`', expected });
      return written;
    }
    const holes = parts.filter((part) => part.kind === 'hole');
    const read = holes.map(({ expression }) =>
      this.#reading.read({ source: expression, path, range: written.range }),
    );
    const expressions = read.filter((one) => one !== undefined);
    if (expressions.length < read.length) return written;
    const later = expressions.filter(({ uses }) => uses.size > 0);
    if (later.length === 0) return this.#filled(written, text, path);
    if (place === 'task') {
      this.runtimeTexts.push({ path, expressions });
      return { ...written, value: withItems(text, parts, read) };
    }
    for (const expression of later) this.#refuse(expression, place);
    return written;
  }

  #filled(written: Written, text: string, path: Path): Written {
    const result = fillTemplate(text, { vars: this.#reading.vars });
    if (!result.ok) {
      this.#problems.push({ path, message: result.message });
      return written;
    }
    this.#added += textOf(result.value).length;
    if (this.#added > ADDED_MAX) {
      const expected = `at most ${ADDED_MAX} characters together`;
      this.#problems.push({ path, message: 'the holes are filled with too much', expected });
      return written;
    }
    return asWrittenValue(result.value, written.range, written.key);
  }

  #refuse(expression: ReadExpression, place: Place): void {
    const names = [...expression.uses].map((name) => `\`${name}\``).join(', ');
    const message = `${names} is known only when the step runs`;
    const [more, expected] =
      place === 'code'
        ? [
            ', and would be read as a part of the program',
            'a value in `env`, and `"$NAME"` in the text',
          ]
        : [
            '',
            '`vars` only; the others in `env`, `with`, `cache`, `if`, `each` and a list of `run`',
          ];
    this.#reading.report(expression, `${message}${more}`, { expected });
  }

  /** What a path below a step, or the top of a job, may have. */
  #placeOf(path: Path): Place {
    const isStep = path[0] === 'steps' && typeof path[1] === 'number';
    const isTask = isStep && path[2] === 'parallel' && path[3] === 'tasks';
    const depth = isTask ? 5 : isStep ? 2 : 0;
    if (depth === 0 && findWritten(this.#root, ['steps']) !== undefined) return 'known';
    const [key, ...rest] = path.slice(depth);
    switch (key) {
      case 'run':
        return rest.length === 0 ? 'code' : 'task';
      case 'env':
      case 'cache':
        return 'task';
      case 'with': {
        const action = findWritten(this.#root, [...path.slice(0, depth), 'action'])?.value;
        return codeKeysOf(action).includes(String(rest[0])) ? 'code' : 'task';
      }
      case 'if':
        return 'expression';
      case 'each':
      case 'map':
        return rest.length === 0 || (rest.length === 1 && rest[0] === 'items')
          ? 'expression'
          : 'known';
      default:
        return 'known';
    }
  }
}

/** The engine knows items alone: a combination of a matrix is the item of its task. */
function withItems(
  text: string,
  parts: readonly TemplatePart[],
  read: readonly (ReadExpression | undefined)[],
): string {
  const offsets = parts
    .filter((part) => part.kind === 'hole')
    .flatMap(({ offset }, i) =>
      (read[i]?.expression.names() ?? [])
        .filter(({ names }) => names[0] === 'matrix')
        .map((name) => offset + name.offset),
    );
  let all = text;
  for (const at of offsets.sort((a, b) => b - a)) {
    all = `${all.slice(0, at)}item${all.slice(at + 'matrix'.length)}`;
  }
  return all;
}

/** A value as if it had been written where the hole is. */
function asWrittenValue(value: FlowValue, range: Range, key: Range | undefined): Written {
  if (typeof value !== 'object' || value === null) {
    return { value, source: value === null ? '' : textOf(value), range, key, children: undefined };
  }
  const entries: [string | number, FlowValue][] = Array.isArray(value)
    ? value.map((item, i) => [i, item])
    : Object.entries(value);
  const children = new Map(
    entries.map(([name, item]) => [name, asWrittenValue(item, range, undefined)]),
  );
  return { value, source: undefined, range, key, children };
}

const noRuntime: readonly RuntimeText[] = [];

/** The runtime texts of a document by the step, or the task of a step, that they stand in. */
export class RuntimeTexts {
  readonly #byOwner = new Map<string, RuntimeText[]>();

  constructor(texts: readonly RuntimeText[]) {
    for (const text of texts) {
      const key = ownerOf(text.path);
      const list = this.#byOwner.get(key) ?? [];
      list.push(text);
      this.#byOwner.set(key, list);
    }
  }

  /** Of the step or task at exactly this path; those of the tasks of a step are theirs alone. */
  of(path: Path): readonly RuntimeText[] {
    return this.#byOwner.get(path.join('/')) ?? noRuntime;
  }
}

function ownerOf(path: Path): string {
  if (path[0] !== 'steps') return '';
  const isTask = path[2] === 'parallel' && path[3] === 'tasks';
  return path.slice(0, isTask ? 5 : 2).join('/');
}

/** A text whose holes were filled already, for those who fill holes again. */
export const escaped = (text: string): string => text.replaceAll('${{', () => '$${{');
