import { CST, Lexer } from 'yaml';
import type { Problem, Range } from './issue.ts';

export const TEXT_BYTES_MAX = 1_048_576;
/** Lists and maps within each other; also how far the tree behind them is followed. */
export const DEPTH_MAX = 64;
/** A pipeline of 10,000 steps of six lines each has about 380,000. */
const TOKENS_MAX = 500_000;
const ANCHORS_MAX = 10_000;
/** Two commas or two values in a row are an error each, and an error is the parser's slowest path. */
const UNSEPARATED_MAX = 100;

/** What makes the text not worth parsing, or dangerous to parse. Nothing for a text that is fine. */
export const textProblem = (text: string): Problem | undefined =>
  sizeProblem(text) ?? tokenProblem(text);

/** Too large, or no text at all. */
export function sizeProblem(text: string): Problem | undefined {
  const bytes = utf8Length(text);
  if (bytes > TEXT_BYTES_MAX) {
    const message = `the document has ${bytes} bytes`;
    return whole(message, `at most ${TEXT_BYTES_MAX} (1 MiB)`);
  }
  const odd = text.search(/\0|\ufffd/);
  if (odd !== -1) {
    const at = { start: odd, end: odd + 1 };
    const message =
      text[odd] === '\0'
        ? 'a NUL byte: this is not a text file, or it is UTF-16'
        : 'a byte that is not UTF-8 was replaced here';
    return { path: [], message, expected: 'UTF-8 text', at };
  }
  return undefined;
}

/** Counts tokens and nesting with the lexer, which is fast on any input; the parser is not. */
export function tokenProblem(text: string): Problem | undefined {
  let offset = 0;
  let tokens = 0;
  let anchors = 0;
  let unseparated = 0;
  let flowDepth = 0;
  let lineDepth = 0;
  let before: string | null = null;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    const type = isScalar ? 'scalar' : CST.tokenType(token);
    isScalar = token === CST.SCALAR && !isScalar;
    if (isScalar || type === 'doc-mode' || type === 'flow-error-end') continue;
    const at = { start: offset, end: offset + Math.max(1, token.length) };
    offset += token.length;
    if (type === 'space' || type === 'comment') continue;
    tokens++;
    if (type === 'newline') lineDepth = 0;
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind') lineDepth++;
    else if (opening.has(type)) flowDepth++;
    else if (closing.has(type)) flowDepth = Math.max(0, flowDepth - 1);
    else if (properties.has(type)) anchors++;
    else if (type === before && neverTwice.has(type)) unseparated++;
    before = type;
    if (flowDepth + lineDepth > DEPTH_MAX) return tooDeep(at);
    if (tokens > TOKENS_MAX) return tooMany('words and signs', TOKENS_MAX, at);
    if (anchors > ANCHORS_MAX) return tooMany('anchors, aliases and tags', ANCHORS_MAX, at);
    if (unseparated > UNSEPARATED_MAX) {
      const message = 'many values stand without exactly one comma between them';
      return { path: [], message, expected: 'one comma between two values of a list', at };
    }
  }
  return undefined;
}

const opening = new Set<string | null>(['flow-map-start', 'flow-seq-start']);
const closing = new Set<string | null>(['flow-map-end', 'flow-seq-end']);
const properties = new Set<string | null>(['anchor', 'alias', 'tag']);
const neverTwice = new Set<string | null>([
  'comma',
  'scalar',
  'double-quoted-scalar',
  'single-quoted-scalar',
]);

function tooMany(what: string, max: number, at: Range): Problem {
  return { path: [], message: `the document has too many ${what}`, expected: `at most ${max}`, at };
}

export function tooDeep(at: Range): Problem {
  return {
    path: [],
    message: 'the document is nested too deeply',
    expected: `at most ${DEPTH_MAX} lists and maps within each other`,
    at,
  };
}

function whole(message: string, expected: string): Problem {
  return { path: [], message, expected, at: { start: 0, end: 1 } };
}

function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a surrogate pair stands for two of its four bytes.
    length += unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit < 0xe000 ? 2 : 3;
  }
  return length;
}
