/**
 * What is measured of a node, each in basis points of what it has; `memory_pressure` of the time in which some
 * task waited for memory (PSI). Absent means that nobody knows.
 */
export const pressures = ['memory', 'memory_pressure', 'cpu', 'disk', 'gpu_memory'] as const;
export type Pressure = (typeof pressures)[number];

/** `memory > 90% or disk >= 95%`, as data. */
export type Threshold =
  | {
      readonly kind: 'above';
      readonly of: Pressure;
      readonly than: number;
      readonly orEqual: boolean;
    }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Threshold[] };

export type ParsedThreshold =
  | { readonly ok: true; readonly threshold: Threshold }
  /** `at` is the place in the text, from 0. */
  | {
      readonly ok: false;
      readonly at: number;
      readonly message: string;
      readonly expected: string;
    };

const TEXT_MAX = 1_000;
const TOKEN = /\s*(?:(\d+(?:\.\d{1,2})?)\s*%|([A-Za-z_]+)|(>=|>))/y;

interface Token {
  readonly at: number;
  readonly text: string;
  readonly percent: string | undefined;
}

class Failure {
  readonly at: number;
  readonly message: string;
  readonly expected: string;

  constructor(at: number, message: string, expected: string) {
    this.at = at;
    this.message = message;
    this.expected = expected;
  }
}

/** expression = conjunction {"or" conjunction}; conjunction = measure {"and" measure}; measure = name (">" | ">=") percentage. */
export function parseThreshold(text: string): ParsedThreshold {
  const tokens = text.length > TEXT_MAX ? undefined : tokenise(text);
  if (tokens === undefined) {
    return {
      ok: false,
      at: TEXT_MAX,
      message: 'too long',
      expected: `at most ${TEXT_MAX} characters`,
    };
  }
  if (tokens instanceof Failure) return { ok: false, ...tokens };
  const reader = new Reader(tokens, text.length);
  const threshold = reader.any();
  if (threshold instanceof Failure) return { ok: false, ...threshold };
  const rest = reader.peek();
  if (rest === undefined) return { ok: true, threshold };
  return {
    ok: false,
    at: rest.at,
    message: `'${rest.text}' is one too many`,
    expected: 'and, or, or the end',
  };
}

/** Whether it is reached; undefined when that hangs on what nobody knows. */
export function isReached(
  threshold: Threshold,
  measured: Readonly<Partial<Record<Pressure, number>>>,
): boolean | undefined {
  if (threshold.kind === 'above') {
    const value = measured[threshold.of];
    if (value === undefined) return undefined;
    return threshold.orEqual ? value >= threshold.than : value > threshold.than;
  }
  const decisive = threshold.kind === 'any';
  let unknown = false;
  for (const part of threshold.parts) {
    const reached = isReached(part, measured);
    if (reached === decisive) return decisive;
    if (reached === undefined) unknown = true;
  }
  return unknown ? undefined : !decisive;
}

function tokenise(text: string): Token[] | Failure {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (found === null) {
      const at = from + /^\s*/.exec(text.slice(from))![0].length;
      return new Failure(
        at,
        `'${text.slice(at, at + 8)}' is not understood`,
        'such as memory > 90%',
      );
    }
    const at = from + found[0].length - found[0].trimStart().length;
    tokens.push({ at, text: found[0].trim(), percent: found[1] });
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  any(): Threshold | Failure {
    return this.#joined('or', 'any', () => this.#joined('and', 'all', () => this.#measure()));
  }

  #joined(
    word: 'and' | 'or',
    kind: 'all' | 'any',
    part: () => Threshold | Failure,
  ): Threshold | Failure {
    const first = part();
    if (first instanceof Failure) return first;
    const parts = [first];
    while (this.peek()?.text.toLowerCase() === word) {
      this.#next++;
      const next = part();
      if (next instanceof Failure) return next;
      parts.push(next);
    }
    return parts.length === 1 ? first : { kind, parts };
  }

  #measure(): Threshold | Failure {
    const expected = `one of ${pressures.join(', ')}`;
    const name = this.#tokens[this.#next++];
    if (name === undefined) return new Failure(this.#end, 'it ends too early', expected);
    const of = pressures.find((one) => one === name.text.toLowerCase());
    if (of === undefined) return new Failure(name.at, `'${name.text}' is not measured`, expected);
    const sign = this.#tokens[this.#next++];
    if (sign?.text !== '>' && sign?.text !== '>=') {
      return new Failure(sign?.at ?? this.#end, `no comparison after ${of}`, '> or >=');
    }
    const value = this.#tokens[this.#next++];
    const than = value?.percent === undefined ? undefined : Math.round(Number(value.percent) * 100);
    if (than === undefined || than > 10_000) {
      return new Failure(
        value?.at ?? this.#end,
        `no percentage after ${of} ${sign.text}`,
        '0% to 100%',
      );
    }
    return { kind: 'above', of, than, orEqual: sign.text === '>=' };
  }
}
