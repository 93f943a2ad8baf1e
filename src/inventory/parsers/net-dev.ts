/** Counters of one interface since it came up (/proc/net/dev). */
export interface NetCounters {
  readonly name: string;
  readonly receivedBytes: number;
  readonly receivedPackets: number;
  readonly receiveErrors: number;
  readonly receiveDrops: number;
  readonly sentBytes: number;
  readonly sentPackets: number;
  readonly sendErrors: number;
  readonly sendDrops: number;
  readonly collisions: number;
}

const LINES_MAX = 65_536;

/** A line that has not 16 figures is skipped: its columns would be guessed. */
export function parseNetDev(text: string): readonly NetCounters[] {
  const found: NetCounters[] = [];
  for (const line of text.split('\n', LINES_MAX)) {
    // A name may hold a colon (`eth0:1`), so the last one ends it.
    const colon = line.lastIndexOf(':');
    const cells = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    const name = line.slice(0, colon).trim();
    if (
      !/^\S{1,64}$/.test(name) ||
      cells.length !== 16 ||
      !cells.every((c) => /^\d{1,20}$/.test(c))
    )
      continue;
    const n = cells.map(Number);
    if (!n.every((figure) => Number.isSafeInteger(figure))) continue;
    found.push({
      name,
      receivedBytes: n[0]!,
      receivedPackets: n[1]!,
      receiveErrors: n[2]!,
      receiveDrops: n[3]!,
      sentBytes: n[8]!,
      sentPackets: n[9]!,
      sendErrors: n[10]!,
      sendDrops: n[11]!,
      collisions: n[13]!,
    });
  }
  return found;
}

/** What an interface did between two readings. */
export interface NetRates {
  readonly receivedBytesPerSecond: number;
  readonly sentBytesPerSecond: number;
  readonly receivedPacketsPerSecond: number;
  readonly sentPacketsPerSecond: number;
  /** Dropped or broken packets among those that should have come or gone; undefined without traffic. */
  readonly lossBp: number | undefined;
}

/**
 * Rates from two readings of the same interface; undefined when the interval is not positive or a
 * counter went back (the interface was made anew, or a 32-bit counter wrapped).
 */
export function netRates(
  before: NetCounters,
  after: NetCounters,
  elapsedMs: number,
): NetRates | undefined {
  const d = (key: Exclude<keyof NetCounters, 'name'>) => after[key] - before[key];
  const lost = d('receiveErrors') + d('receiveDrops') + d('sendErrors') + d('sendDrops');
  const packets = d('receivedPackets') + d('sentPackets');
  const moved = [d('receivedBytes'), d('sentBytes'), d('receivedPackets'), d('sentPackets'), lost];
  if (!(elapsedMs > 0) || before.name !== after.name || moved.some((n) => n < 0)) return undefined;
  const perSecond = (n: number) => (n * 1000) / elapsedMs;
  return {
    receivedBytesPerSecond: perSecond(d('receivedBytes')),
    sentBytesPerSecond: perSecond(d('sentBytes')),
    receivedPacketsPerSecond: perSecond(d('receivedPackets')),
    sentPacketsPerSecond: perSecond(d('sentPackets')),
    lossBp: packets + lost === 0 ? undefined : Math.round((lost / (packets + lost)) * 10_000),
  };
}
