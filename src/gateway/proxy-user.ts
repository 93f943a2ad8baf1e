import type { BitsPerSecond } from '../base/units.ts';

/** On whose behalf a connection is, and what that one may have. */
export interface ProxyUser {
  /** The attempt. */
  readonly key: string;
  /** Index of its class of traffic. */
  readonly class: number;
  readonly egress: BitsPerSecond;
  readonly ingress: BitsPerSecond;
  /** 0: nothing. */
  readonly guaranteed: BitsPerSecond;
  readonly requestsMax: number;
}

/** Why a request was not passed on, as the answer names it. */
export const refusalReasons = {
  unauthorized: { status: 407, sentence: 'The proxy serves tasks with a token of this daemon.' },
  'bad-request': { status: 400, sentence: 'This is no request that a proxy can pass on.' },
  'https-needs-connect': { status: 501, sentence: 'HTTPS goes through a tunnel (CONNECT).' },
  'host-not-allowed': { status: 403, sentence: 'The site does not allow this host.' },
  'robots-denied': { status: 403, sentence: 'The robots.txt of the host does not allow this.' },
  'robots-unknown': {
    status: 503,
    sentence:
      'The robots.txt of the host cannot be read now, and RFC 9309 forbids everything then.',
  },
  'requests-max': { status: 429, sentence: 'The task has made all the requests that it may make.' },
  'rate-limited': { status: 429, sentence: 'Too many requests wait for this service already.' },
  'waited-too-long': { status: 503, sentence: 'The limits of this service left no room in time.' },
  unreachable: { status: 502, sentence: 'The host cannot be reached.' },
  silent: { status: 504, sentence: 'The host did not answer in time.' },
} as const;

export type RefusalReason = keyof typeof refusalReasons;

export class ProxyRefusal extends Error {
  override readonly name = 'ProxyRefusal';
  readonly reason: RefusalReason;
  readonly retryAfterMs: number | undefined;

  constructor(reason: RefusalReason, retryAfterMs?: number) {
    super(refusalReasons[reason].sentence);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  get status(): number {
    return refusalReasons[this.reason].status;
  }

  /** Nothing of the request is in it. */
  get body(): string {
    return `${JSON.stringify({ error: this.reason, message: this.message, retry_after_ms: this.retryAfterMs })}\n`;
  }

  get headers(): Record<string, string> {
    const { retryAfterMs: after } = this;
    return {
      'content-type': 'application/json',
      'content-length': String(new TextEncoder().encode(this.body).length),
      'berth-reason': this.reason,
      ...(after !== undefined && { 'retry-after': String(Math.ceil(after / 1000)) }),
      ...(this.status === 407 && { 'proxy-authenticate': 'Basic realm="berth"' }),
    };
  }
}
