import type { TimeMs } from '../base/units.ts';
import type { SpotReading, SpotWord } from '../model/spot.ts';
import type { Request } from './loop.ts';

export type SpotRequest = Extract<Request, { kind: 'spot-price' | 'spot-notice' }>;

/** Turns what a provider says again and again into commands for what is news. */
export class SpotFeed {
  #quotes: string | undefined;
  #told = new Set<string>();

  /** The engine knows best what is news; this keeps it from being asked every second. */
  requests({ quotes, notices }: SpotReading, now: TimeMs): SpotRequest[] {
    const requests: SpotRequest[] = [];
    const written = JSON.stringify(quotes);
    if (written !== this.#quotes) requests.push({ kind: 'spot-price', quotes });
    this.#quotes = written;
    const fresh = notices.filter((one) => one.deadline > now && !this.#told.has(keyOf(one)));
    this.#told = new Set(notices.map(keyOf));
    return [...requests, ...fresh.map((word) => ({ kind: 'spot-notice', ...word }) as const)];
  }

  /** They were not taken: to be said again. */
  forget(): void {
    this.#quotes = undefined;
    this.#told.clear();
  }
}

const keyOf = ({ node, deadline }: SpotWord): string => `${node} ${deadline}`;
