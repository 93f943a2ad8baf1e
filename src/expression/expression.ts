import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import type { FlowValue } from '../model/flow.ts';
import { fromCel, type Scope, toCel } from './cel-value.ts';

const SOURCE_MAX = 4096;
const PARSED_MAX = 1024;

/** Macros that go through a list. One inside another would take time in the square of its length. */
const loops: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
/** Whatever depends on the moment has no place in a decision that is replayed. */
const refused: ReadonlySet<string> = new Set(['timestamp', 'duration', 'matches']);

export interface ExpressionProblem {
  /** One sentence, without a code frame. */
  readonly message: string;
  /** Where in the text of the expression, in UTF-16 units. */
  readonly offset: number;
}

export type Evaluation =
  | { readonly ok: true; readonly value: FlowValue }
  | { readonly ok: false; readonly message: string };

/** A chain of names as it is written: `steps.prepare.outputs.files` is `['steps', 'prepare', 'outputs', 'files']`. */
export interface NamePath {
  readonly names: readonly string[];
  readonly offset: number;
}

/**
 * One expression in CEL (https://cel.dev) over variables of JSON: whole numbers are `int`, others `double`.
 * Without regular expressions, time, and loops inside loops, so that it ends soon and says the same everywhere.
 */
export class Expression {
  readonly source: string;
  readonly #parsed: ParseResult;

  private constructor(source: string, parsed: ParseResult) {
    this.source = source;
    this.#parsed = parsed;
  }

  /** Parses, and looks for names other than `variables` and for types that never fit. */
  static read(source: string, variables: readonly string[]): Expression | ExpressionProblem {
    if (source.length > SOURCE_MAX) {
      return { message: `longer than ${SOURCE_MAX} characters`, offset: 0 };
    }
    try {
      const expression = new Expression(source, environmentOf(variables).parse(source));
      const unfit = firstUnfit(expression.#parsed.ast);
      if (unfit !== undefined) return unfit;
      const { valid, error } = expression.#parsed.check();
      return valid ? expression : problemOf(error);
    } catch (error) {
      return problemOf(error);
    }
  }

  /** Every chain of names that begins with a variable, the longest form of each. */
  names(): NamePath[] {
    const found: NamePath[] = [];
    collectNames(this.#parsed.ast, found);
    return found;
  }

  /** Never throws. A name that the scope lacks, an overflow or a type that does not fit is a message. */
  evaluate(scope: Scope): Evaluation {
    try {
      const context: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(scope)) context[name] = toCel(value);
      return { ok: true, value: fromCel(this.#parsed(context)) };
    } catch (error) {
      return { ok: false, message: problemOf(error).message };
    }
  }
}

const recent = new Map<string, Expression>();

/**
 * Evaluates a text that was checked before: one that does not parse is a message, too.
 * Remembers what it parsed last, for a step with ten thousand tasks.
 */
export function evaluateExpression(source: string, scope: Scope): Evaluation {
  const names = Object.keys(scope).sort();
  const key = `${names.join(',')}\n${source}`;
  let expression = recent.get(key);
  if (expression === undefined) {
    const read = Expression.read(source, names);
    if (!(read instanceof Expression)) return { ok: false, message: read.message };
    if (recent.size >= PARSED_MAX) recent.clear();
    expression = read;
    recent.set(key, expression);
  }
  return expression.evaluate(scope);
}

function environmentOf(variables: readonly string[]): Environment {
  let environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 1000, maxDepth: 64, maxListElements: 1000, maxMapEntries: 1000 },
  });
  for (const name of variables) environment = environment.registerVariable(name, 'dyn');
  return environment;
}

function firstUnfit(ast: ASTNode): ExpressionProblem | undefined {
  let unfit: ExpressionProblem | undefined;
  const visit = (node: ASTNode, looping: boolean): void => {
    const called = calledName(node);
    const loop = node.op === 'rcall' && called !== undefined && loops.has(called);
    if (called !== undefined && refused.has(called)) {
      unfit ??= { message: `${called}() is not available here`, offset: node.start };
    } else if (loop && looping) {
      unfit ??= { message: `${called}() inside another loop is not allowed`, offset: node.start };
    }
    for (const child of childrenOf(node)) visit(child, looping || loop);
  };
  visit(ast, false);
  return unfit;
}

function calledName({ op, args }: ASTNode): string | undefined {
  return (op === 'call' || op === 'rcall') && typeof args[0] === 'string' ? args[0] : undefined;
}

function collectNames(node: ASTNode, found: NamePath[]): void {
  const names = namesOf(node);
  if (names !== undefined) found.push({ names, offset: node.start });
  else for (const child of childrenOf(node)) collectNames(child, found);
}

function namesOf(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  const [object, member] = node.op === '.' || node.op === '[]' ? node.args : [];
  if (object === undefined || member === undefined) return undefined;
  const name =
    typeof member === 'string' ? member : member.op === 'value' ? member.args : undefined;
  const before = namesOf(object);
  return before !== undefined && typeof name === 'string' ? [...before, name] : undefined;
}

function childrenOf({ args }: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isNode(value)) found.push(value);
  };
  visit(args);
  return found;
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

/** The first line of what was thrown, with its place where it has one. */
function problemOf(error: unknown): ExpressionProblem {
  const text = error instanceof Error ? error.message : String(error);
  const message = text.split('\n', 1)[0]!;
  const range =
    typeof error === 'object' && error !== null && 'range' in error ? error.range : undefined;
  const start =
    typeof range === 'object' && range !== null && 'start' in range ? range.start : undefined;
  return { message, offset: typeof start === 'number' ? start : 0 };
}
