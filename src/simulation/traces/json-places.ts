import type { Span } from './trace-issue.ts';

/**
 * Where a value of a JSON text stands, or the nearest around it: the text was parsed, so that no sign of it is in a
 * place where it cannot be.
 */
export function placeInJson(text: string, path: readonly PropertyKey[]): Span {
  let start = afterSpace(text, 0);
  for (const part of path) {
    const inner = typeof part === 'number' ? element(text, start, part) : member(text, start, part);
    if (inner === undefined) break;
    start = inner;
  }
  return { start, end: afterValue(text, start) };
}

/** Where the n-th value of the list that begins at `start` begins. */
function element(text: string, start: number, n: number): number | undefined {
  if (text[start] !== '[') return undefined;
  let at = afterSpace(text, start + 1);
  for (let i = 0; text[at] !== ']'; i++) {
    if (i === n) return at;
    at = afterSpace(text, afterValue(text, at));
    if (text[at] === ',') at = afterSpace(text, at + 1);
  }
  return undefined;
}

/** Of the map that begins at `start`, where the value of a key begins; of one that is given twice, the last. */
function member(text: string, start: number, key: PropertyKey): number | undefined {
  if (text[start] !== '{') return undefined;
  let found: number | undefined;
  let at = afterSpace(text, start + 1);
  while (text[at] !== '}') {
    const end = afterString(text, at);
    const name: unknown = JSON.parse(text.slice(at, end));
    // Behind the colon.
    const value = afterSpace(text, afterSpace(text, end) + 1);
    if (name === key) found = value;
    at = afterSpace(text, afterValue(text, value));
    if (text[at] === ',') at = afterSpace(text, at + 1);
  }
  return found;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

function afterString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const sign = text[at];
    if (sign === '\\') at++;
    else if (sign === '"') return at + 1;
  }
  return text.length;
}

function afterValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return afterString(text, start);
  if (first !== '{' && first !== '[') {
    let at = start;
    while (at < text.length && !/[\s,\]}]/.test(text[at]!)) at++;
    return at;
  }
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const sign = text[at];
    if (sign === '"') {
      at = afterString(text, at);
      continue;
    }
    if (sign === '{' || sign === '[') depth++;
    if (sign === '}' || sign === ']') depth--;
    at++;
    if (depth === 0) return at;
  }
  return text.length;
}
