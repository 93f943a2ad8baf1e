import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { timeMs } from '../../base/units.ts';
import {
  type HostReading,
  type HostSample,
  parseReading,
  READING_FILES,
  type ReadingFile,
  sampleHost,
} from '../sample-host.ts';

export interface HostSamplerOptions {
  readonly everyMs: number;
  /**
   * `costUs` is how long taking the sample held this thread: its CPU time or a little more. (The CPU
   * time itself is counted by the kernel in ticks of milliseconds, too coarse for one sample.)
   */
  readonly onSample: (sample: HostSample, costUs: number) => void;
  /** Ends the sampling. */
  readonly signal: AbortSignal;
  /** `/proc`, or a recorded tree. */
  readonly procRoot: string;
}

/** Larger than all of the files but /proc/stat, of which only the first line is of use. */
const BUFFER_BYTES = 16_384;

/**
 * Samples the host every `everyMs`, on a grid that does not drift; a tick that was missed because the
 * process was held up is left out, and the next sample spans it. Files stay open and are read again
 * from the start, which is what makes it cheap. Nothing throws: what cannot be read is unknown.
 */
export function openHostSampler(options: HostSamplerOptions): void {
  const { everyMs, onSample, signal } = options;
  if (signal.aborted) return;
  const files = READING_FILES.map((name) => openFile(options.procRoot, name));
  const buffer = Buffer.alloc(BUFFER_BYTES);
  const startedMs = performance.now();
  let before = read(files, buffer);
  let timer = setTimeout(tick, everyMs);

  function tick(): void {
    const tickMs = performance.now();
    const after = read(files, buffer);
    const sample = sampleHost(before, after);
    before = after;
    const nowMs = performance.now();
    // Rounded, because a timer may fire a little before its time.
    const next = Math.round((nowMs - startedMs) / everyMs) + 1;
    timer = setTimeout(tick, startedMs + next * everyMs - nowMs);
    onSample(sample, (nowMs - tickMs) * 1000);
  }

  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      for (const { fd } of files) if (fd !== undefined) closeSync(fd);
    },
    { once: true },
  );
}

interface OpenFile {
  readonly name: ReadingFile;
  /** Undefined on a host that does not have it, or does not let us read it. */
  readonly fd: number | undefined;
}

function openFile(procRoot: string, name: ReadingFile): OpenFile {
  try {
    return { name, fd: openSync(join(procRoot, name), 'r') };
  } catch {
    return { name, fd: undefined };
  }
}

function read(files: readonly OpenFile[], buffer: Buffer): HostReading {
  const texts: Partial<Record<ReadingFile, string>> = {};
  for (const { name, fd } of files) {
    const text = fd === undefined ? undefined : readStart(fd, buffer);
    if (text !== undefined) texts[name] = text;
  }
  return parseReading(timeMs(Date.now()), performance.now(), texts);
}

function readStart(fd: number, buffer: Buffer): string | undefined {
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    // PSI that is switched off is a file whose reading fails.
    return undefined;
  }
}
