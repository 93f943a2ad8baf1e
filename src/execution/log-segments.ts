/** One file of a log: `stdout.log`, or `stdout.log.<bytes before it>`. */
export interface LogSegment {
  readonly name: string;
  /** Bytes written before it since the attempt began. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Where the next bytes are to be read, and what lies between. */
export interface LogCursor {
  /** Bytes kept or not since the attempt began. */
  readonly total: number;
  readonly from: number;
  /** From here on it is kept: `from`, or later where the cap threw bytes away. */
  readonly keptFrom: number;
}

export function segmentOffset(name: string, stream: 'stdout' | 'stderr'): number | undefined {
  if (name === `${stream}.log`) return 0;
  const found = /^(\w+)\.log\.(\d{1,16})$/.exec(name);
  return found !== null && found[1] === stream ? Number(found[2]) : undefined;
}

/** @param segments by offset. A negative `from` counts from the end. */
export function logCursor(segments: readonly LogSegment[], from: number): LogCursor {
  const last = segments.at(-1);
  const total = last === undefined ? 0 : last.offset + last.sizeBytes;
  const wanted = from < 0 ? Math.max(0, total + from) : Math.min(from, total);
  // Those that a full disk left empty only say how far it had come.
  const holding = segments.find((s) => s.sizeBytes > 0 && s.offset + s.sizeBytes > wanted);
  const keptFrom = holding === undefined ? total : Math.max(wanted, holding.offset);
  return { total, from: wanted, keptFrom };
}

/** Up to where all is kept from `at` on, without a gap. @param segments by offset. */
export function endOfRun(segments: readonly LogSegment[], at: number): number {
  let end = at;
  for (const { offset, sizeBytes } of segments) {
    if (sizeBytes === 0) continue;
    if (offset > end) break;
    end = Math.max(end, offset + sizeBytes);
  }
  return end;
}
