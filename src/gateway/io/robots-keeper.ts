import { request } from 'node:http';
import type { LookupFunction } from 'node:net';
import { ProxyRefusal } from '../proxy-user.ts';
import { mayFetch, parseRobots, ROBOTS_BYTES_MAX, type Robots } from '../robots.ts';

/** RFC 9309 §2.4: no longer than a day. */
const KNOWN_MS = 3_600_000;
const UNREACHABLE_MS = 60_000;
const SITES_MAX = 1000;
const REDIRECTS_MAX = 5;
const TIMEOUT_MS = 10_000;

type Answer = Robots | 'unreachable';

/** The robots.txt of the sites that tasks fetch from, read once in a while. */
export class RobotsKeeper {
  readonly #lookup: LookupFunction;
  readonly #check: (host: string) => void;
  /** The oldest first. */
  readonly #known = new Map<string, { readonly answer: Promise<Answer>; until: number }>();

  constructor(deps: {
    readonly lookup: LookupFunction;
    readonly check: (host: string) => void;
  }) {
    this.#lookup = deps.lookup;
    this.#check = deps.check;
  }

  /** @throws ProxyRefusal robots-denied, robots-unknown. */
  async check(url: URL, userAgent: string): Promise<void> {
    const answer = await this.#answerOf(url.origin);
    if (answer === 'unreachable') throw new ProxyRefusal('robots-unknown', UNREACHABLE_MS);
    if (!mayFetch(answer, userAgent, url.pathname + url.search)) {
      throw new ProxyRefusal('robots-denied');
    }
  }

  #answerOf(origin: string): Promise<Answer> {
    const known = this.#known.get(origin);
    if (known !== undefined && performance.now() < known.until) return known.answer;
    this.#known.delete(origin);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= SITES_MAX && oldest !== undefined) this.#known.delete(oldest);
    const entry = { answer: this.#read(origin), until: performance.now() + KNOWN_MS };
    this.#known.set(origin, entry);
    void entry.answer.then((answer) => {
      if (answer === 'unreachable') entry.until = performance.now() + UNREACHABLE_MS;
    });
    return entry.answer;
  }

  /** §2.3.1: what is not there allows everything; what cannot be reached forbids everything. */
  async #read(origin: string): Promise<Answer> {
    let url = new URL('/robots.txt', origin);
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#fetch(url).catch(() => undefined);
      if (answer === undefined || answer.status >= 500) return 'unreachable';
      const { status, location, text } = answer;
      if (status >= 200 && status < 300) return parseRobots(text);
      const next =
        status >= 300 && status < 400 && location !== undefined
          ? URL.parse(location, url.href)
          : undefined;
      // More redirects are as if it were not there; and so is one to where only tunnels lead.
      if (next === undefined || redirects === REDIRECTS_MAX) return parseRobots('');
      if (next?.protocol !== 'http:') return parseRobots('');
      url = next;
    }
  }

  async #fetch(url: URL): Promise<{ status: number; location: string | undefined; text: string }> {
    const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
    this.#check(host);
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      location: string | undefined;
      text: string;
    }>();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const asking = request(url, {
      lookup: this.#lookup,
      agent: false,
      headers: { 'user-agent': 'berth', accept: 'text/plain' },
      signal,
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const finish = (): void =>
        resolve({
          status: response.statusCode ?? 500,
          location: response.headers.location,
          text: Buffer.concat(chunks).toString('utf8').slice(0, ROBOTS_BYTES_MAX),
        });
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= ROBOTS_BYTES_MAX) chunks.push(chunk);
        else {
          finish();
          asking.destroy();
        }
      });
      response.on('end', finish);
      response.on('error', reject);
    });
    asking.end();
    return promise;
  }
}
