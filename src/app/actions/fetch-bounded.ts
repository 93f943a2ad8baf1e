import { ActionFailure, reasonOf } from './action-program.ts';

export interface Fetched {
  readonly status: number;
  readonly headers: Headers;
  readonly url: string;
  readonly body: Buffer;
}

/**
 * One request and its whole answer, at most so many bytes of it. The proxy of the environment is used.
 * @throws ActionFailure where there is no answer, or too large a one.
 */
export async function fetchBounded(
  url: string,
  init: RequestInit,
  { timeoutMs, bytesMax }: { readonly timeoutMs: number; readonly bytesMax: number },
): Promise<Fetched> {
  const host = hostOf(url);
  try {
    const headers = { 'user-agent': 'berth', ...init.headers };
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { ...init, headers, signal });
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of response.body ?? []) {
      size += piece.length;
      if (size > bytesMax) {
        throw new ActionFailure(`the answer of ${host} has more than ${bytesMax} bytes`);
      }
      pieces.push(piece);
    }
    const { status, headers: answered, url: last } = response;
    return { status, headers: answered, url: last || url, body: Buffer.concat(pieces) };
  } catch (error) {
    if (error instanceof ActionFailure) throw error;
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    const why = isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    throw new ActionFailure(`${host} could not be asked: ${why}`);
  }
}

function hostOf(url: string): string {
  if (!URL.canParse(url)) throw new ActionFailure(`${JSON.stringify(url)} is not an address`);
  const { protocol, host } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new ActionFailure(`${protocol} is not http: or https:`);
  }
  return host;
}

/** A map of plain values as headers. */
export const headersOf = (
  given: Readonly<Record<string, string | number | boolean>> | undefined,
): Record<string, string> =>
  Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [name, String(value)]));
