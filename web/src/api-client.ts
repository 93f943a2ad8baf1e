import type { Problem } from '../../src/api/contract/documents.ts';

/** What went wrong, as the daemon or the network says it. */
export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

const REQUEST_MS_MAX = 20_000;

export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return askWhole(path, { signal: withLimit(signal) }, (answer) => answer.json() as Promise<T>);
}

export function getText(path: string, signal?: AbortSignal): Promise<string> {
  return askWhole(path, { signal: withLimit(signal) }, (answer) => answer.text());
}

/** Nothing is answered but that it was done. */
export async function post(path: string, body?: unknown): Promise<void> {
  await ask(path, posted(body));
}

interface Patience {
  readonly signal?: AbortSignal;
  readonly limitMs?: number;
}

export function postJson<T>(path: string, body: unknown, patience: Patience = {}): Promise<T> {
  return askWhole(path, posted(body, patience), (answer) => answer.json() as Promise<T>);
}

const posted = (body?: unknown, { signal, limitMs }: Patience = {}) => ({
  method: 'POST',
  ...(body !== undefined && {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }),
  signal: withLimit(signal, limitMs),
});

export async function remove(path: string): Promise<void> {
  await ask(path, { method: 'DELETE', signal: withLimit(undefined) });
}

/** Asks for the session cookie; false when the token is not the daemon's. */
export async function login(token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch('/login', { headers, redirect: 'manual' });
  return answer.type === 'opaqueredirect';
}

const withLimit = (signal: AbortSignal | undefined, limitMs = REQUEST_MS_MAX): AbortSignal => {
  const limit = AbortSignal.timeout(limitMs);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
};

export async function ask(path: string, init: RequestInit): Promise<Response> {
  const answer = await heardBy(init.signal, () => fetch(path, init));
  if (answer.ok) return answer;
  throw new ApiProblem(await heardBy(init.signal, () => problemIn(answer)));
}

/** An answer may break off in its middle, too. */
async function askWhole<T>(
  path: string,
  init: RequestInit,
  read: (answer: Response) => Promise<T>,
): Promise<T> {
  const answer = await ask(path, init);
  return heardBy(init.signal, () => read(answer));
}

async function heardBy<T>(
  signal: AbortSignal | null | undefined,
  hear: () => Promise<T>,
): Promise<T> {
  try {
    return await hear();
  } catch (cause) {
    if (
      signal?.aborted === true &&
      !(signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError')
    )
      throw cause;
    throw new ApiProblem({
      type: 'about:blank',
      title: 'No answer',
      status: 0,
      detail: 'The daemon does not answer.',
      code: 'UNREACHABLE',
      hint: 'Is it up? Run `berth status`, or start it with `berth up -d`.',
    });
  }
}

async function problemIn(answer: Response): Promise<Problem> {
  if ((answer.headers.get('content-type') ?? '').startsWith('application/problem+json')) {
    return (await answer.json()) as Problem;
  }
  return {
    type: 'about:blank',
    title: answer.statusText,
    status: answer.status,
    detail: `The daemon answered ${answer.status}.`,
    code: 'UNEXPECTED',
    hint: 'See STATE/logs/daemon.log.',
  };
}
