import { spawn } from 'node:child_process';
import type { Receiver, SecretText } from '../../../model/alert-rule.ts';
import { readSecret } from '../../io/read-secret.ts';
import type { Notice } from '../alert-state.ts';
import {
  alertmanagerBody,
  type NoticeSite,
  noticeBody,
  pagerdutyBodies,
  slackBody,
} from '../payloads.ts';

/** Whoever does not answer by then did not hear it. */
const ANSWER_MS = 10_000;
const ERROR_BYTES_MAX = 512;

export type Delivery =
  | { readonly ok: true }
  /** `again`: it may be different another time. Never has an address or a token in it. */
  | { readonly ok: false; readonly again: boolean; readonly why: string };

/** Tells a receiver. Never rejects; takes no longer than ANSWER_MS for each request, or the time of its program. */
export async function deliver(
  { target }: Receiver,
  notice: Notice,
  site: NoticeSite,
  signal: AbortSignal,
): Promise<Delivery> {
  if (target.kind === 'command') {
    return runWith(target.argv, {
      input: JSON.stringify(noticeBody(notice, site)),
      timeoutMs: target.timeoutMs,
      signal,
    });
  }
  try {
    const url = secretOf(target.url);
    if (target.kind === 'pagerduty') {
      const bodies = pagerdutyBodies(notice, site, secretOf(target.routingKey));
      for (const body of bodies) await post(url, body, { signal });
      return { ok: true };
    }
    const token = target.token && secretOf(target.token);
    const asked = { signal, ...(token !== undefined && { token }) };
    if (target.kind === 'alertmanager') {
      const address = `${url.replace(/\/+$/, '')}/api/v2/alerts`;
      await post(address, alertmanagerBody(notice, site), asked);
    } else {
      const body = target.kind === 'slack' ? slackBody(notice, site) : noticeBody(notice, site);
      await post(url, body, asked);
    }
    return { ok: true };
  } catch (error) {
    if (error instanceof Undelivered) return { ok: false, again: error.again, why: error.message };
    throw error;
  }
}

class Undelivered extends Error {
  readonly again: boolean;

  constructor(again: boolean, why: string) {
    super(why);
    this.again = again;
  }
}

/** Led nowhere else: who names an address is told there, and nowhere else. */
async function post(
  url: string,
  body: object,
  { signal, token }: { readonly signal: AbortSignal; readonly token?: string },
): Promise<void> {
  const late = AbortSignal.timeout(ANSWER_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, late]),
    });
    await response.body?.cancel();
  } catch (error) {
    throw new Undelivered(true, whyOf(error, late));
  }
  const { status } = response;
  if (status >= 200 && status < 300) return;
  const mayPass = status >= 500 || status === 429 || status === 408;
  throw new Undelivered(mayPass, `it answered with ${status}`);
}

/** The message of an error may have the address in it. */
function whyOf(error: unknown, late: AbortSignal): string {
  if (late.aborted) return `no answer within ${ANSWER_MS / 1_000} s`;
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const known = [cause?.code, code].find((one) => typeof one === 'string');
  return known === undefined ? 'no answer' : `no answer: ${String(known)}`;
}

/** Throws Undelivered where a file is no secret. */
function secretOf(secret: SecretText): string {
  if ('text' in secret) return secret.text;
  const read = readSecret(secret.file);
  if (!read.ok) throw new Undelivered(true, read.why);
  return read.text;
}

/** A program without a shell, in a group of its own that does not outlive its time. Never rejects. */
export function runWith(
  [program = '', ...args]: readonly string[],
  asked: { readonly input: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  const { input, timeoutMs, signal } = asked;
  return new Promise((answer) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    });
    let errors = '';
    const finish = (delivery: Delivery): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      answer(delivery);
    };
    const kill = (why: string): void => {
      if (child.pid !== undefined) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has gone by itself.
        }
      }
      finish({ ok: false, again: true, why });
    };
    const end = (): void => kill('the daemon ended meanwhile');
    const timer = setTimeout(() => kill(`it took more than ${timeoutMs} ms`), timeoutMs);
    signal.addEventListener('abort', end, { once: true });
    child.stderr.on('data', (piece: Buffer) => {
      errors = `${errors}${piece.toString('utf8')}`.slice(0, ERROR_BYTES_MAX);
    });
    // It may end without reading.
    child.stdin.on('error', () => {});
    child.on('error', (error: NodeJS.ErrnoException) =>
      finish({ ok: false, again: false, why: `it cannot be started: ${error.code ?? 'unknown'}` }),
    );
    child.on('close', (code, killed) => {
      const how = code === null ? `by ${killed}` : `with ${code}`;
      const said = errors.trim();
      finish(
        code === 0
          ? { ok: true }
          : { ok: false, again: true, why: `it ended ${how}${said === '' ? '' : `: ${said}`}` },
      );
    });
    child.stdin.end(input);
  });
}
