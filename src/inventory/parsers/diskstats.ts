/** Counters of one block device since boot (Documentation/admin-guide/iostats.rst). Sectors are 512 bytes. */
export interface DiskCounters {
  readonly name: string;
  readonly device: string;
  readonly reads: number;
  readonly readSectors: number;
  readonly readMs: number;
  readonly writes: number;
  readonly writtenSectors: number;
  readonly writeMs: number;
  readonly inFlight: number;
  /** Time with at least one request under way. */
  readonly busyMs: number;
  /** Time summed over requests: its rate is the mean queue length. */
  readonly weightedMs: number;
  /** Undefined before Linux 4.18. */
  readonly discards: number | undefined;
  /** Undefined before Linux 5.5. */
  readonly flushes: number | undefined;
}

const LINES_MAX = 100_000;

/** /proc/diskstats. Lines of kernels before 2.6.25, with 4 figures for a partition, are skipped. */
export function parseDiskstats(text: string): readonly DiskCounters[] {
  const found: DiskCounters[] = [];
  for (const line of text.split('\n', LINES_MAX)) {
    const cells = line.trim().split(/\s+/);
    const figures = cells.slice(3).map(Number);
    if (figures.length < 11 || !cells.slice(3).every((cell) => /^\d{1,20}$/.test(cell))) continue;
    if (!/^\d+$/.test(cells[0]!) || !/^\d+$/.test(cells[1]!)) continue;
    if (!figures.every((n) => Number.isSafeInteger(n))) continue;
    const [
      reads,
      ,
      readSectors,
      readMs,
      writes,
      ,
      writtenSectors,
      writeMs,
      inFlight,
      busyMs,
      weightedMs,
    ] = figures;
    found.push({
      name: cells[2]!,
      device: `${cells[0]}:${cells[1]}`,
      reads: reads!,
      readSectors: readSectors!,
      readMs: readMs!,
      writes: writes!,
      writtenSectors: writtenSectors!,
      writeMs: writeMs!,
      inFlight: inFlight!,
      busyMs: busyMs!,
      weightedMs: weightedMs!,
      discards: figures[11],
      flushes: figures[15],
    });
  }
  return found;
}

/** What happened to a device between two readings. */
export interface DiskRates {
  readonly readBytesPerSecond: number;
  readonly writtenBytesPerSecond: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** Mean time of a request that ended in the interval; undefined when none did. */
  readonly readMeanMs: number | undefined;
  readonly writeMeanMs: number | undefined;
  /** Share of the time with a request under way, 0 … 10,000. Not a saturation for parallel devices. */
  readonly busyBp: number;
  readonly meanQueueLength: number;
}

/**
 * Rates from two readings of the same device. Undefined when the interval is not positive or a counter
 * went back (the device was replaced, or a 32-bit counter wrapped): a rate is not guessed then.
 */
export function diskRates(
  before: DiskCounters,
  after: DiskCounters,
  elapsedMs: number,
): DiskRates | undefined {
  const delta = (
    key:
      | 'reads'
      | 'readSectors'
      | 'readMs'
      | 'writes'
      | 'writtenSectors'
      | 'writeMs'
      | 'busyMs'
      | 'weightedMs',
  ) => after[key] - before[key];
  const counters = [
    delta('reads'),
    delta('readSectors'),
    delta('readMs'),
    delta('writes'),
    delta('writtenSectors'),
    delta('writeMs'),
    delta('busyMs'),
    delta('weightedMs'),
  ];
  if (!(elapsedMs > 0) || before.name !== after.name || counters.some((n) => n < 0))
    return undefined;
  const perSecond = (n: number) => (n * 1000) / elapsedMs;
  return {
    readBytesPerSecond: perSecond(delta('readSectors') * 512),
    writtenBytesPerSecond: perSecond(delta('writtenSectors') * 512),
    readsPerSecond: perSecond(delta('reads')),
    writesPerSecond: perSecond(delta('writes')),
    readMeanMs: delta('reads') === 0 ? undefined : delta('readMs') / delta('reads'),
    writeMeanMs: delta('writes') === 0 ? undefined : delta('writeMs') / delta('writes'),
    busyBp: Math.min(10_000, Math.round((delta('busyMs') / elapsedMs) * 10_000)),
    meanQueueLength: delta('weightedMs') / elapsedMs,
  };
}
