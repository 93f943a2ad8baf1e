import type { FlowValue } from '../model/flow.ts';
import type { Scope } from './cel-value.ts';
import { type Evaluation, evaluateExpression } from './expression.ts';

/** A piece of a text with holes. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'hole';
      readonly expression: string;
      /** Where the expression begins in the text, in UTF-16 units. */
      readonly offset: number;
    };

const FILLED_MAX = 131_072;

/** `a ${{ CEL }} b` in pieces. `$${{` stands for the characters themselves; a hole without its end is undefined. */
export function splitTemplate(text: string): TemplatePart[] | undefined {
  const parts: TemplatePart[] = [];
  let plain = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('${{', at);
    if (open < 0) break;
    if (text[open - 1] === '$' && open > at) {
      plain += `${text.slice(at, open - 1)}\${{`;
      at = open + 3;
      continue;
    }
    const close = endOfHole(text, open + 3);
    if (close === undefined) return undefined;
    plain += text.slice(at, open);
    if (plain !== '') parts.push({ kind: 'text', text: plain });
    plain = '';
    const inside = text.slice(open + 3, close);
    const offset = open + 3 + (inside.length - inside.trimStart().length);
    parts.push({ kind: 'hole', expression: inside.trim(), offset });
    at = close + 2;
  }
  plain += text.slice(at);
  if (plain !== '') parts.push({ kind: 'text', text: plain });
  return parts;
}

/** A text whose one part is a hole keeps the type of its value; any other becomes text. */
export function fillTemplate(text: string, scope: Scope): Evaluation {
  const parts = splitTemplate(text);
  if (parts === undefined) return { ok: false, message: 'a hole `${{` has no `}}`' };
  const [only] = parts;
  if (parts.length === 1 && only?.kind === 'hole')
    return evaluateExpression(only.expression, scope);
  let filled = '';
  for (const part of parts) {
    if (part.kind === 'text') filled += part.text;
    else {
      const result = evaluateExpression(part.expression, scope);
      if (!result.ok) return result;
      filled += textOf(result.value);
    }
    if (filled.length > FILLED_MAX) {
      return { ok: false, message: `the text is longer than ${FILLED_MAX} characters` };
    }
  }
  return { ok: true, value: filled };
}

/** A value as it stands in a text: text as it is, anything else as JSON. */
export const textOf = (value: FlowValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** Of the first `}}` outside of quotes and of the braces of a map, or nothing. */
function endOfHole(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"' || char === "'") {
      const end = endOfQuote(text, at);
      if (end === undefined) return undefined;
      at = end;
    } else if (char === '{') depth++;
    else if (char === '}') {
      if (depth > 0) depth--;
      else if (text[at + 1] === '}') return at;
    }
  }
  return undefined;
}

function endOfQuote(text: string, open: number): number | undefined {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[open]) return at;
  }
  return undefined;
}
