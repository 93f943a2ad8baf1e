import { assert } from '../base/assert.ts';

/*
 * The memory, cache and storage formulas of the seeds, put right. `docs/corrections.md` has, for each,
 * what the seed says and why it is changed. Ratios are basis points.
 */

const ratioBp = (part: number, whole: number): number | undefined =>
  whole > 0 ? Math.round((part / whole) * 10_000) : undefined;

/**
 * Memory that a task needs in order not to fault: what it touched in a window, what it will grow by until
 * it can be given more, and a margin on both. All amounts in bytes.
 */
export function workingSetBytes(need: {
  /** Pages referenced in the window (smaps `Referenced` after clear_refs), not resident ones. */
  readonly referencedBytes: number;
  /** Measured slope; a task that shrinks needs no negative buffer. */
  readonly growthBytesPerSecond: number;
  /** How long until the limit can be raised. */
  readonly horizonSeconds: number;
  /** 1,500 is the margin of Kubernetes' VPA. */
  readonly marginBp: number;
}): number {
  const growth = Math.max(0, need.growthBytesPerSecond) * need.horizonSeconds;
  return Math.ceil((need.referencedBytes + growth) * (1 + need.marginBp / 10_000));
}

/** Hits among accesses; undefined before the first: an unused cache has no ratio, not a ratio of zero. */
export function hitRatioBp(hits: number, misses: number): number | undefined {
  return ratioBp(hits, hits + misses);
}

/** The share of bytes that came from the cache. Differs from the hit ratio wherever sizes differ. */
export function byteHitRatioBp(hitBytes: number, missBytes: number): number | undefined {
  return ratioBp(hitBytes, hitBytes + missBytes);
}

/**
 * Accesses that some level served, from the hit ratios of the levels as each sees its own accesses:
 * what misses the first is asked of the second.
 */
export function combinedHitRatioBp(levels: readonly { readonly localBp: number }[]): number {
  const missed = levels.reduce((rest, level) => rest * (1 - level.localBp / 10_000), 1);
  return Math.round((1 - missed) * 10_000);
}

/** Mean time of an access, where a level is paid by whatever misses those before it. */
export function meanAccessNs(
  levels: readonly { readonly localBp: number; readonly costNs: number }[],
  memoryNs: number,
): number {
  let reach = 1;
  let sum = 0;
  for (const { localBp, costNs } of levels) {
    sum += reach * costNs;
    reach *= 1 - localBp / 10_000;
  }
  return sum + reach * memoryNs;
}

/** What the modules could move at the most: channels × transfers/s × 8 bytes. Never reached. */
export function theoreticalMemoryBytesPerSecond(
  channels: number,
  megatransfers: number,
  busBytes = 8,
): number {
  return channels * megatransfers * 1e6 * busBytes;
}

/**
 * Memory bandwidth in use, of the peak that was measured on this host (a theoretical peak makes every host
 * look idle: 75–90 % of it is all that any program gets). Above 10,000 the peak was measured too low.
 */
export function memoryBandwidthUtilizationBp(
  bytesPerSecond: number,
  measuredPeak: number,
): number | undefined {
  return ratioBp(bytesPerSecond, measuredPeak);
}

/**
 * Bytes per second of a mix in which `sequentialBp` of the BYTES are sequential: times add up, so this is
 * the harmonic mean. Undefined when a rate that is needed is zero.
 */
export function mixedThroughput(
  sequentialRate: number,
  randomRate: number,
  sequentialBp: number,
): number | undefined {
  assert(sequentialBp >= 0 && sequentialBp <= 10_000, `not a share: ${sequentialBp}`);
  const f = sequentialBp / 10_000;
  if ((f > 0 && sequentialRate <= 0) || (f < 1 && randomRate <= 0)) return undefined;
  return 1 / ((f > 0 ? f / sequentialRate : 0) + (f < 1 ? (1 - f) / randomRate : 0));
}

/** The same for a device that spends `sequentialBp` of its TIME on sequential work: the arithmetic mean. */
export function timeSharedThroughput(
  sequentialRate: number,
  randomRate: number,
  sequentialBp: number,
): number {
  assert(sequentialBp >= 0 && sequentialBp <= 10_000, `not a share: ${sequentialBp}`);
  return (sequentialRate * sequentialBp + randomRate * (10_000 - sequentialBp)) / 10_000;
}

/**
 * Operations per second at a queue depth: Little's law, depth / unloaded latency, up to the rate at which
 * the device saturates. Beyond that knee more depth is more waiting.
 */
export function operationsAtDepth(
  queueDepth: number,
  unloadedLatencyNs: number,
  saturatedRate: number,
): number {
  assert(unloadedLatencyNs > 0, 'a latency is positive');
  return Math.min(saturatedRate, (queueDepth * 1e9) / unloadedLatencyNs);
}

/** The depth at which the device saturates. */
export function kneeDepth(unloadedLatencyNs: number, saturatedRate: number): number {
  return (saturatedRate * unloadedLatencyNs) / 1e9;
}

/** Operations per second, of those that this depth allows. */
export function storageEfficiencyBp(
  measuredRate: number,
  queueDepth: number,
  unloadedLatencyNs: number,
  saturatedRate: number,
): number | undefined {
  return ratioBp(measuredRate, operationsAtDepth(queueDepth, unloadedLatencyNs, saturatedRate));
}
