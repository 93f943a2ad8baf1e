import { readFileSync, statSync } from 'node:fs';
import { formatDollars } from '../base/format.ts';
import type { TimeMs } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { SpotProvider } from '../model/spot.ts';
import type { Loop } from '../runtime/loop.ts';
import { SpotFeed, type SpotRequest } from '../runtime/spot-feed.ts';
import { parseSpan } from '../spec/quantities.ts';

export interface SpotWatchOptions {
  /** A file that says that this machine is taken away: a span such as `120s` from when it was written. */
  readonly file: string;
  /** Prices and notices of any node. */
  readonly provider: SpotProvider;
  readonly everyMs: number;
  readonly now: () => TimeMs;
  readonly signal: AbortSignal;
  readonly node: () => NodeId | undefined;
  readonly loop: Loop;
  readonly log: (sentence: string) => void;
}

/** Clouds give two minutes. */
const NOTICE_MS = 120_000;
const TEXT_MAX = 64;

/** Passes on each notice once. What tells of it, such as a cloud's own agent, writes the file. */
export function openSpotWatch(options: SpotWatchOptions): void {
  const { file, signal, loop, log } = options;
  let told: number | undefined;
  const feed = new SpotFeed();
  const timer = setInterval(() => {
    const now = options.now();
    const reading = options.provider.read(now);
    for (const request of reading === undefined ? [] : feed.requests(reading, now)) {
      log(sentenceOf(request));
      loop.send(request).catch(() => feed.forget());
    }
    const node = options.node();
    const written = writtenAt(file);
    if (written === undefined || written === told || node === undefined) return;
    told = written;
    const deadline = Math.floor(written + noticeMs(file)) as TimeMs;
    log(`spot notice: this machine is taken away at ${new Date(deadline).toISOString()}`);
    loop.send({ kind: 'spot-notice', node, deadline }).catch(() => {
      told = undefined;
    });
  }, options.everyMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function sentenceOf(request: SpotRequest): string {
  if (request.kind === 'spot-notice') {
    return `spot notice: ${request.node} is taken away at ${new Date(request.deadline).toISOString()}`;
  }
  const prices = request.quotes.map(
    ({ type = 'all other spot nodes', price, base }) =>
      `${type} ${formatDollars(price)} an hour, usually ${formatDollars(base)}`,
  );
  return `spot prices: ${prices.length === 0 ? 'none' : prices.join('; ')}`;
}

/** Undefined where there is none, or none that may be looked at. */
function writtenAt(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined;
  }
}

function noticeMs(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').slice(0, TEXT_MAX).trim();
  } catch {
    return NOTICE_MS;
  }
  const parsed = parseSpan(text);
  return parsed.ok ? parsed.value : NOTICE_MS;
}
