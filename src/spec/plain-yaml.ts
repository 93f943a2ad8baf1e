import type { Range } from './issue.ts';

/** As `Written` in document-tree.ts, before numbers and words are told from text. */
interface Plain {
  readonly value: unknown;
  readonly source: string | undefined;
  readonly range: Range;
  readonly key: Range | undefined;
  readonly children: ReadonlyMap<string | number, Plain> | undefined;
}

/** What the reader does not know: the document is for the parser of all of YAML. */
class Beyond extends Error {}
const beyond = new Beyond();

const VALUES_MAX = 300_000;
const DEPTH_MAX = 32;

/** Before a value of a map: a plain key. */
const KEY = /[A-Za-z_][A-Za-z0-9_-]*(?=:(?: |\n|$))/y;
/** Text without any sign that YAML may take for something else; where it ends is looked at. */
const WORD = /[A-Za-z_./][\w./+=@;()~$-]*(?: +[\w./+=@;()~$-]+)*|\d[\w.]*/y;
const QUOTED = /"[^"\\\n]*"|'[^'\n]*'/y;

/** Words that are not text in the core schema of YAML 1.2. */
const special =
  /^(?:null|Null|NULL|~|true|True|TRUE|false|False|FALSE|\.(?:inf|Inf|INF|nan|NaN|NAN))$/;
const INTEGER = /^(?:0|[1-9]\d{0,14})$/;
const DECIMAL = /^(?:0|[1-9]\d{0,9})\.\d{1,5}$/;
/** Begins like a number, and is none for certain: `64Mi`, `100m`. */
const AMOUNT = /^\d+(?:\.\d+)?[A-DF-WYZa-df-np-wyz][A-Za-z]*$/;

/**
 * Reads the plain part of YAML that most documents keep to: block maps and lists, simple keys, words, numbers,
 * quotes without escapes, lists and maps of one line, comments on lines of their own. Undefined for anything else.
 * What it reads is what the parser of all of YAML reads, about ten times as fast: a document of 10,000 steps.
 */
export function readPlainYaml(text: string): Plain | undefined {
  // Tabs, other line ends, anchors, tags, block texts, directives: not plain.
  if (/[\t\r\0\ufeff\ufffd\u0085\u2028\u2029]/.test(text)) return undefined;
  try {
    return new PlainReader(text).read();
  } catch (error) {
    if (error instanceof Beyond || error instanceof RangeError) return undefined;
    throw error;
  }
}

class PlainReader {
  readonly #text: string;
  /** Of the line that is read next: where it begins, its indent, and where its content ends. */
  #start = 0;
  #indent = 0;
  #end = 0;
  /** Behind the last line that was read, with its line break. */
  #behind = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Plain {
    this.#toLine(0);
    if (this.#isOver()) throw beyond;
    const root = this.#block(undefined, 0);
    if (!this.#isOver()) throw beyond;
    return root;
  }

  #isOver(): boolean {
    return this.#start >= this.#text.length;
  }

  /** The next line with content, from `at` on. */
  #toLine(at: number): void {
    const text = this.#text;
    let start = at;
    while (start < text.length) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      let content = start;
      while (content < end && text.charCodeAt(content) === 32) content++;
      if (content < end && text[content] !== '#') {
        if (text.charCodeAt(end - 1) === 32) throw beyond;
        this.#start = start;
        this.#indent = content - start;
        this.#end = end;
        return;
      }
      start = end + 1;
    }
    this.#start = text.length;
    this.#indent = -1;
  }

  #next(): void {
    this.#behind = Math.min(this.#end + 1, this.#text.length);
    this.#toLine(this.#end + 1);
  }

  /** The collection that begins with the line that is read next. */
  #block(key: Range | undefined, depth: number): Plain {
    if (depth > DEPTH_MAX) throw beyond;
    const at = this.#start + this.#indent;
    return this.#isItem(at) ? this.#list(this.#indent, key, depth) : this.#map(at, key, depth);
  }

  #isItem(at: number): boolean {
    return this.#text[at] === '-' && (this.#text[at + 1] === ' ' || at + 1 === this.#end);
  }

  #list(indent: number, key: Range | undefined, depth: number): Plain {
    const start = this.#start + indent;
    const children = new Map<number, Plain>();
    const value: unknown[] = [];
    while (!this.#isOver() && this.#indent === indent && this.#isItem(this.#start + indent)) {
      let at = this.#start + indent + 1;
      while (this.#text[at] === ' ') at++;
      if (at >= this.#end || this.#isItem(at)) throw beyond;
      const item = this.#isKey(at)
        ? this.#map(at, undefined, depth + 1)
        : this.#inline(at, undefined, indent, depth + 1);
      children.set(value.length, item);
      value.push(item.value);
    }
    if (this.#indent > indent) throw beyond;
    return this.#made({ value, range: { start, end: this.#behind }, key, children });
  }

  #isKey(at: number): boolean {
    KEY.lastIndex = at;
    return KEY.test(this.#text);
  }

  /** A map whose first key is at `at`, perhaps behind the dash of an item. */
  #map(at: number, key: Range | undefined, depth: number): Plain {
    if (depth > DEPTH_MAX) throw beyond;
    const indent = at - this.#start;
    const children = new Map<string, Plain>();
    const value: Record<string, unknown> = Object.create(null);
    let here = at;
    for (;;) {
      KEY.lastIndex = here;
      const name = KEY.exec(this.#text)?.[0];
      if (name === undefined || name === '__proto__' || children.has(name)) throw beyond;
      const child = this.#entry({ start: here, end: here + name.length }, indent, depth);
      children.set(name, child);
      value[name] = child.value;
      if (this.#isOver() || this.#indent < indent) break;
      if (this.#indent > indent || this.#isItem(this.#start + indent)) throw beyond;
      here = this.#start + indent;
    }
    return this.#made({ value, range: { start: at, end: this.#behind }, key, children });
  }

  /** What follows a key: on its line, or indented below it; a list may have the indent of its key. */
  #entry(key: Range, indent: number, depth: number): Plain {
    let at = key.end + 1;
    while (at < this.#end && this.#text[at] === ' ') at++;
    if (at < this.#end) return this.#inline(at, key, indent, depth + 1);
    this.#next();
    if (this.#isOver()) throw beyond;
    const isList = this.#indent === indent && this.#isItem(this.#start + indent);
    if (this.#indent <= indent && !isList) throw beyond;
    return this.#block(key, depth + 1);
  }

  /** A value that ends with its line; a further indented line would go on with it. */
  #inline(at: number, key: Range | undefined, indent: number, depth: number): Plain {
    const read = this.#value(at, key, depth);
    if (read.range.end !== this.#end) throw beyond;
    this.#next();
    if (this.#indent > indent) throw beyond;
    return read;
  }

  #value(at: number, key: Range | undefined, depth: number): Plain {
    if (depth > DEPTH_MAX) throw beyond;
    const sign = this.#text[at];
    if (sign === '[') return this.#flowList(at, key, depth);
    if (sign === '{') return this.#flowMap(at, key, depth);
    const isQuoted = sign === '"' || sign === "'";
    const pattern = isQuoted ? QUOTED : WORD;
    pattern.lastIndex = at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw beyond;
    const range = { start: at, end: at + found.length };
    if (range.end > this.#end) throw beyond;
    const source = isQuoted ? found.slice(1, -1) : found;
    const value = isQuoted ? source : plainValue(source);
    return this.#made({ value, source, range, key });
  }

  #flowList(open: number, key: Range | undefined, depth: number): Plain {
    const children = new Map<number, Plain>();
    const value: unknown[] = [];
    let at = this.#skip(open + 1);
    while (this.#text[at] !== ']') {
      const item = this.#value(at, undefined, depth + 1);
      children.set(value.length, item);
      value.push(item.value);
      at = this.#separator(item.range.end, ']');
    }
    return this.#made({ value, range: { start: open, end: at + 1 }, key, children });
  }

  #flowMap(open: number, key: Range | undefined, depth: number): Plain {
    const children = new Map<string, Plain>();
    const value: Record<string, unknown> = Object.create(null);
    let at = this.#skip(open + 1);
    while (this.#text[at] !== '}') {
      KEY.lastIndex = at;
      const name = KEY.exec(this.#text)?.[0];
      if (name === undefined || name === '__proto__' || children.has(name)) throw beyond;
      const range = { start: at, end: at + name.length };
      const child = this.#value(this.#skip(range.end + 1), range, depth + 1);
      children.set(name, child);
      value[name] = child.value;
      at = this.#separator(child.range.end, '}');
    }
    return this.#made({ value, range: { start: open, end: at + 1 }, key, children });
  }

  /** Behind one comma, or at the end sign. */
  #separator(from: number, end: string): number {
    const at = this.#skip(from);
    if (this.#text[at] === end) return at;
    if (this.#text[at] !== ',') throw beyond;
    const next = this.#skip(at + 1);
    if (this.#text[next] === end || this.#text[next] === ',') throw beyond;
    return next;
  }

  #skip(from: number): number {
    let at = from;
    while (this.#text[at] === ' ') at++;
    if (at >= this.#end) throw beyond;
    return at;
  }

  #made(made: Omit<Plain, 'source' | 'children'> & Partial<Plain>): Plain {
    if (++this.#values > VALUES_MAX) throw beyond;
    const { value, source, range, key, children } = made;
    return { value, source, range, key, children };
  }
}

function plainValue(source: string): unknown {
  const first = source.charCodeAt(0);
  if (first >= 48 && first <= 57) {
    if (INTEGER.test(source) || DECIMAL.test(source)) return Number(source);
    if (AMOUNT.test(source)) return source;
    throw beyond;
  }
  if (first === 46 && /^\.\d/.test(source)) throw beyond;
  switch (source) {
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      if (special.test(source)) throw beyond;
      return source;
  }
}
