import { Expression, type ExpressionProblem } from '../expression/expression.ts';
import type { FlowValue } from '../model/flow.ts';
import type { Path, Problem, Range } from './issue.ts';
import type { FileTexts } from './locate-issues.ts';
import { shown } from './quantities.ts';

/** What is known only while a workload runs. */
const runtimeVariables = ['steps', 'item', 'index', 'matrix'] as const;
export type RuntimeVariable = (typeof runtimeVariables)[number];

const variables: readonly string[] = ['vars', ...runtimeVariables];
/** One bound for what all expressions of a document may take of time and memory. */
const DISTINCT_MAX = 20_000;

/** One expression as it stands in a document. */
export interface WrittenExpression {
  readonly source: string;
  readonly path: Path;
  /** Of the value that it stands in. */
  readonly range: Range;
}

export interface ReadExpression extends WrittenExpression {
  readonly expression: Expression;
  /** The variables that it names, and which step where that is written. */
  readonly uses: ReadonlySet<RuntimeVariable>;
}

/** Reads the expressions of one document; each text once. */
export class ExpressionReading {
  readonly vars: Readonly<Record<string, FlowValue>>;
  readonly #text: string;
  readonly #files: FileTexts;
  readonly #problems: Problem[];
  readonly #read = new Map<string, Expression | ExpressionProblem>();

  constructor(
    vars: Readonly<Record<string, FlowValue>>,
    texts: { readonly text: string; readonly files: FileTexts },
    problems: Problem[],
  ) {
    this.vars = vars;
    this.#text = texts.text;
    this.#files = texts.files;
    this.#problems = problems;
  }

  /** Undefined where it is wrong, which the problems tell. */
  read(written: WrittenExpression): ReadExpression | undefined {
    const expression = this.#parsed(written.source);
    if (!(expression instanceof Expression)) {
      this.#problems.push(this.#unreadable(written, expression));
      return undefined;
    }
    const uses = new Set<RuntimeVariable>();
    let isRight = true;
    for (const { names } of expression.names()) {
      const [first = '', second] = names;
      if (isRuntime(first)) uses.add(first);
      if (first !== 'vars' || second === undefined || Object.hasOwn(this.vars, second)) continue;
      isRight = false;
      const near = { word: second.slice(0, 64), words: Object.keys(this.vars) };
      const expected = near.words.length === 0 ? 'a document with `vars`' : undefined;
      this.report(written, `no variable is called ${shown(second)}`, { near, expected });
    }
    return isRight ? { ...written, expression, uses } : undefined;
  }

  report(written: WrittenExpression, message: string, more: Partial<Problem> = {}): void {
    this.#problems.push({ path: written.path, message, ...more, at: this.#placeOf(written) });
  }

  #parsed(source: string): Expression | ExpressionProblem {
    const known = this.#read.get(source);
    if (known !== undefined) return known;
    if (this.#read.size >= DISTINCT_MAX) {
      return { message: `the document has more than ${DISTINCT_MAX} expressions`, offset: 0 };
    }
    const read = Expression.read(source, variables);
    this.#read.set(source, read);
    return read;
  }

  #unreadable(written: WrittenExpression, { message, offset }: ExpressionProblem): Problem {
    const { path, source } = written;
    const whole = this.#placeOf(written);
    const found = whole.end - whole.start === source.length;
    const at = found ? { ...whole, start: whole.start + Math.min(offset, source.length) } : whole;
    if (source === '') {
      return { path, message: 'the expression is empty', expected: 'CEL: `vars.x`', at };
    }
    const unknown = /^Unknown variable: (\w+)/.exec(message)?.[1];
    if (unknown !== undefined) {
      const near = { word: unknown.slice(0, 64), words: variables };
      const expected = variables.join(', ');
      return {
        path,
        message: `an expression has no variable ${shown(unknown)}`,
        expected,
        near,
        at,
      };
    }
    const call = /\b(succeeded|failed|skipped|success|failure|always)\(/.exec(source);
    const expected =
      call === null ? undefined : "the state of a step: `steps.ID.state == 'succeeded'`";
    return { path, message: `not an expression in CEL: ${message}`, expected, at };
  }

  /** Where the expression itself stands within its value, as far as it is written as it is. */
  #placeOf({ source, range }: WrittenExpression): Range {
    const text = range.file === undefined ? this.#text : (this.#files.get(range.file) ?? '');
    const at = source === '' ? -1 : text.slice(range.start, range.end).indexOf(source);
    if (at < 0) return range;
    return { ...range, start: range.start + at, end: range.start + at + source.length };
  }
}

const isRuntime = (name: string): name is RuntimeVariable =>
  runtimeVariables.some((variable) => variable === name);
