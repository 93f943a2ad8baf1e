import { nearest } from '../base/nearest.ts';
import type { SpanMs } from '../base/units.ts';
import {
  type Comparison,
  type Condition,
  comparisons,
  type LabelMatcher,
  type MetricTerm,
  overSeries,
  overTime,
} from '../model/alert-rule.ts';
import { parseBitRate, parseBytes, parseSpan } from './quantities.ts';

export type ParsedCondition =
  | { readonly ok: true; readonly condition: Condition; readonly metrics: readonly MetricTerm[] }
  /** `at` is the place in the text, from 0. */
  | ({ readonly ok: false } & ConditionFault);

export interface ConditionFault {
  readonly at: number;
  readonly message: string;
  readonly expected: string;
  readonly suggestion?: string;
}

const TEXT_MAX = 1_000;
const DEPTH_MAX = 40;
/** What is not a number and a name by itself. */
const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[A-Za-z%]*|\.\d+[A-Za-z%]*)|([A-Za-z_][\w.:]*)|(<=|>=|==|!=|[<>=+\-*/(){},]))/y;
const functions: readonly string[] = [...overSeries, 'predict'];
const words: readonly string[] = ['and', 'or', 'not'];

interface Token {
  readonly kind: 'text' | 'number' | 'name' | 'sign' | 'end';
  readonly at: number;
  readonly text: string;
}

/** Thrown and caught in this file. */
class Fault extends Error {
  readonly fault: ConditionFault;

  constructor(at: number, message: string, expected: string, suggestion?: string) {
    super(message);
    this.fault = { at, message, expected, ...(suggestion !== undefined && { suggestion }) };
  }
}

/**
 * condition = conjunction {"or" conjunction}; conjunction = negation {"and" negation}; negation = ["not"] comparison;
 * comparison = sum [sign sum]; sum = product {("+" | "-") product}; product = value {("*" | "/") value};
 * value = amount | metric | function "(" … ")" | "(" condition ")" | "-" value.
 */
export function parseCondition(text: string): ParsedCondition {
  try {
    if (text.length > TEXT_MAX) {
      throw new Fault(TEXT_MAX, 'too long', `at most ${TEXT_MAX} characters`);
    }
    const reader = new Reader(tokenise(text));
    const condition = reader.whole();
    if (!isTruth(condition)) {
      throw new Fault(text.trimEnd().length, 'nothing is compared', 'such as `> 90` behind it');
    }
    return { ok: true, condition, metrics: reader.metrics };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, ...error.fault };
    throw error;
  }
}

function tokenise(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (found === null) {
      const at = from + /^\s*/.exec(text.slice(from))![0].length;
      const message = `'${text.slice(at, at + 8)}' is not understood`;
      throw new Fault(at, message, 'a metric, an amount or a sign, as in cpu_utilization > 90');
    }
    const [whole, quoted, number, name] = found;
    const kind = quoted ? 'text' : number ? 'number' : name ? 'name' : 'sign';
    const at = from + whole.length - whole.trimStart().length;
    tokens.push({ kind, at, text: whole.trim() });
  }
  return [...tokens, { kind: 'end', at: end, text: '' }];
}

class Reader {
  readonly metrics: MetricTerm[] = [];
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Condition {
    const condition = this.#any();
    const rest = this.#peek();
    if (rest.kind === 'end') return condition;
    const said = rest.text === '=' ? '== for equal' : 'and, or, or the end';
    throw new Fault(rest.at, `'${rest.text}' does not belong here`, said);
  }

  #any(): Condition {
    let left = this.#all();
    while (this.#takes('or')) left = { kind: 'or', ...this.#truths(left, () => this.#all()) };
    return left;
  }

  #all(): Condition {
    let left = this.#negation();
    while (this.#takes('and')) {
      left = { kind: 'and', ...this.#truths(left, () => this.#negation()) };
    }
    return left;
  }

  #truths(left: Condition, read: () => Condition): { left: Condition; right: Condition } {
    const before = this.#tokens[this.#next - 1]!;
    const { at } = this.#peek();
    const right = read();
    const expected = 'a comparison such as cpu_utilization > 90';
    if (!isTruth(left)) throw new Fault(before.at, `'${before.text}' joins no number`, expected);
    if (!isTruth(right)) throw new Fault(at, `'${before.text}' joins no number`, expected);
    return { left, right };
  }

  #negation(): Condition {
    if (!this.#takes('not')) return this.#comparison();
    const { at } = this.#peek();
    const of = this.#deeper(() => this.#negation());
    if (!isTruth(of)) throw new Fault(at, 'no number is negated', 'a comparison in parentheses');
    return { kind: 'not', of };
  }

  #comparison(): Condition {
    const left = this.#sum();
    const sign = this.#peek();
    const op = comparisons.find((one) => one === sign.text);
    if (op === undefined) return left;
    this.#next++;
    this.#number(left, sign.at);
    const { at } = this.#peek();
    const right = this.#number(this.#sum(), at);
    return { kind: 'compare', op: op satisfies Comparison, left, right };
  }

  #sum(): Condition {
    return this.#chain(['+', '-'], () => this.#product());
  }

  #product(): Condition {
    return this.#chain(['*', '/'], () => this.#value());
  }

  #chain(signs: readonly ('+' | '-' | '*' | '/')[], part: () => Condition): Condition {
    let left = part();
    for (;;) {
      const sign = this.#peek();
      const op = sign.kind === 'sign' ? signs.find((one) => one === sign.text) : undefined;
      if (op === undefined) return left;
      this.#next++;
      this.#number(left, sign.at);
      const { at } = this.#peek();
      left = { kind: 'arithmetic', op, left, right: this.#number(part(), at) };
    }
  }

  #value(): Condition {
    const token = this.#take();
    if (token.kind === 'number') return amount(token);
    if (token.text === '-') {
      const of = this.#deeper(() => this.#value());
      const zero = { kind: 'number', value: 0, percent: false } as const;
      return {
        kind: 'arithmetic',
        op: '-',
        left: zero,
        right: this.#number(of, token.at),
      };
    }
    if (token.text === '(') {
      const inner = this.#deeper(() => this.#any());
      this.#expect(')');
      return inner;
    }
    if (token.kind === 'name' && !words.includes(token.text)) {
      return this.#peek().text === '(' ? this.#call(token) : this.#metric(token);
    }
    const what = token.kind === 'end' ? 'it ends too early' : `'${token.text}' cannot begin here`;
    throw new Fault(token.at, what, 'a metric or an amount');
  }

  #call(name: Token): Condition {
    if (!functions.includes(name.text)) {
      const guess = nearest(name.text.slice(0, 64), functions);
      const expected = `one of ${functions.join(', ')}`;
      throw new Fault(name.at, `no function is called '${name.text}'`, expected, guess);
    }
    this.#expect('(');
    const { at } = this.#peek();
    const of = this.#number(
      this.#deeper(() => this.#sum()),
      at,
    );
    if (name.text === 'predict') {
      this.#expect(',');
      const spanMs = this.#span();
      this.#expect(',');
      const aheadMs = this.#span();
      this.#expect(')');
      return { kind: 'predict', of: metricOnly(of, at), spanMs, aheadMs };
    }
    if (this.#takes(',')) {
      const spanMs = this.#span();
      this.#expect(')');
      const fn = overTime.find((one) => one === name.text);
      if (fn !== undefined) return { kind: 'over-time', fn, of: metricOnly(of, at), spanMs };
      const expected = `one of ${overTime.join(', ')}`;
      throw new Fault(name.at, `'${name.text}' is not told over a span`, expected);
    }
    this.#expect(')');
    return { kind: 'over-series', fn: overSeries.find((one) => one === name.text)!, of };
  }

  #metric({ text: name, at }: Token): MetricTerm {
    const matchers: LabelMatcher[] = [];
    if (this.#takes('{')) {
      while (!this.#takes('}')) {
        if (matchers.length > 0) this.#expect(',');
        const label = this.#take();
        if (label.kind !== 'name') {
          throw new Fault(label.at, 'no label', 'as in {resource="memory"}');
        }
        const sign = this.#take();
        if (!['=', '==', '!='].includes(sign.text)) {
          throw new Fault(sign.at, `no = behind the label '${label.text}'`, '= or !=');
        }
        const value = this.#take();
        if (value.kind !== 'text') {
          throw new Fault(value.at, 'the value of a label has quotes', 'as in {resource="memory"}');
        }
        matchers.push({ label: label.text, equal: sign.text !== '!=', value: unquoted(value) });
      }
    }
    const term: MetricTerm = { kind: 'metric', name, at, matchers };
    this.metrics.push(term);
    return term;
  }

  #span(): SpanMs {
    const token = this.#take();
    const parsed = token.kind === 'number' ? parseSpan(token.text) : undefined;
    if (parsed?.ok && parsed.value > 0) return parsed.value;
    throw new Fault(token.at, `'${token.text}' is no span`, 'a span such as 5m or 6h');
  }

  /** What is true or false is no number. */
  #number(of: Condition, at: number): Condition {
    if (!isTruth(of)) return of;
    throw new Fault(at, 'a comparison is not a number', 'and, or, or a number');
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > DEPTH_MAX) {
      throw new Fault(this.#peek().at, 'nested too deep', `at most ${DEPTH_MAX} levels`);
    }
    const result = read();
    this.#depth--;
    return result;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #takes(text: string): boolean {
    const { kind, text: found } = this.#peek();
    const isIt = (kind === 'sign' || kind === 'name') && found === text;
    if (isIt) this.#next++;
    return isIt;
  }

  #expect(text: string): void {
    const { at, text: found } = this.#peek();
    if (this.#takes(text)) return;
    throw new Fault(at, found === '' ? 'it ends too early' : `'${found}' is out of place`, text);
  }
}

const isTruth = ({ kind }: Condition): boolean =>
  kind === 'compare' || kind === 'and' || kind === 'or' || kind === 'not';

function metricOnly(of: Condition, at: number): MetricTerm {
  if (of.kind === 'metric') return of;
  throw new Fault(at, 'only a metric has been kept over time', 'a metric');
}

/** Bytes, seconds and ratios; bits a second are told as bytes a second. */
function amount({ text, at }: Token): Condition {
  const [, digits = '', unit = ''] = /^([\d.]+(?:[eE][+-]?\d+)?)([A-Za-z%]*)$/.exec(text) ?? [];
  if (unit === '') return { kind: 'number', value: Number(digits), percent: false };
  if (unit === '%') return { kind: 'number', value: Number(digits) / 100, percent: true };
  const span = /^(ms|s|m|h|d)$/.test(unit) ? parseSpan(text) : undefined;
  const rate = /^(|k|M|G|T)bps$/.test(unit) ? parseBitRate(text) : undefined;
  const parsed = span ?? rate ?? parseBytes(text);
  if (!parsed.ok) {
    const expected = 'an amount such as 90, 90%, 1Gi, 5m (minutes) or 100Mbps';
    throw new Fault(at, `'${text}' is no amount`, expected, parsed.suggestion);
  }
  const scale = span ? 1_000 : rate ? 8 : 1;
  return { kind: 'number', value: parsed.value / scale, percent: false };
}

const unquoted = ({ text }: Token): string => text.slice(1, -1).replace(/\\(.)/g, '$1');
