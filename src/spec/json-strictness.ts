import type { Problem } from './issue.ts';

type State = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end' | 'end';

const expectations: Record<State, string> = {
  value: 'a value',
  'value or ]': 'a value or `]`',
  key: 'a key in double quotes',
  'key or }': 'a key in double quotes or `}`',
  colon: '`:`',
  'comma or end': '`,` or the closing bracket',
  end: 'nothing more',
};

/**
 * The first place where the text is not JSON (RFC 8259). YAML reads more than JSON: comments, trailing
 * commas, plain words. A `.json` file that other programs cannot read is better refused.
 */
export function jsonProblem(text: string): Problem | undefined {
  const tokens =
    /[ \t\r\n]*(?:([{}[\],:])|("[^"\\\r\n\t]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\r\n\t]*)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|$)/y;
  tokens.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  const open: string[] = [];
  let state: State = 'value';
  for (;;) {
    const start = tokens.lastIndex;
    const found = tokens.exec(text);
    const at = start + (/^[ \t\r\n]*/.exec(text.slice(start, start + 1000))?.[0].length ?? 0);
    const next: State | undefined = found === null ? undefined : following(state, open, found);
    if (next === undefined) {
      const message = at >= text.length ? 'the JSON ends too early' : 'not valid JSON';
      return { path: [], message, expected: expectations[state], at: { start: at, end: at + 1 } };
    }
    if (next === 'end' && found?.[0].trim() === '' && tokens.lastIndex >= text.length)
      return undefined;
    state = next;
  }
}

function following(state: State, open: string[], found: RegExpExecArray): State | undefined {
  const [, sign, string, word] = found;
  const after = (): State => (open.length === 0 ? 'end' : 'comma or end');
  const isValue = state === 'value' || state === 'value or ]';
  if (sign === '{' || sign === '[') {
    if (!isValue) return undefined;
    open.push(sign);
    return sign === '{' ? 'key or }' : 'value or ]';
  }
  if (sign === '}' || sign === ']') {
    const [opening, empty] =
      sign === '}' ? (['{', 'key or }'] as const) : (['[', 'value or ]'] as const);
    if (open.at(-1) !== opening || (state !== 'comma or end' && state !== empty)) return undefined;
    open.pop();
    return after();
  }
  if (sign === ',') {
    if (state !== 'comma or end') return undefined;
    return open.at(-1) === '{' ? 'key' : 'value';
  }
  if (sign === ':') return state === 'colon' ? 'value' : undefined;
  if (string !== undefined && (state === 'key' || state === 'key or }')) return 'colon';
  if (string !== undefined || word !== undefined) return isValue ? after() : undefined;
  return state === 'end' ? 'end' : undefined;
}
