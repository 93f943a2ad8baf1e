import type { ToldUse } from '../model/attempt.ts';

/** As a task writes them. */
const keys: Readonly<Record<string, keyof ToldUse>> = {
  model_calls: 'modelCalls',
  tokens: 'tokens',
  results: 'results',
};

export interface UseLine {
  readonly attempt: string;
  readonly used: ToldUse;
}

/** `ATTEMPT name=count name=count…`: so much more than before. Undefined for what is not of that form. */
export function parseUseLine(line: string): UseLine | undefined {
  const [attempt = '', ...parts] = line.trim().split(/\s+/);
  const used: Partial<Record<keyof ToldUse, number>> = {};
  for (const part of parts) {
    const [, name = '', digits = ''] = /^([a-z_]+)=(\d{1,15})$/.exec(part) ?? [];
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key === undefined) return undefined;
    used[key] = (used[key] ?? 0) + Number(digits);
  }
  return parts.length === 0 ? undefined : { attempt, used };
}

export function addUse(a: ToldUse, b: ToldUse): ToldUse {
  const sum: Partial<Record<keyof ToldUse, number>> = { ...a };
  for (const key of ['modelCalls', 'tokens', 'results', 'requests'] as const) {
    const more = b[key];
    if (more === undefined) continue;
    sum[key] = Math.min(Number.MAX_SAFE_INTEGER, (sum[key] ?? 0) + more);
  }
  return sum;
}
