import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, machine, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import type { Baseline, HostFingerprint, Measurement } from '../../baseline.ts';
import { parseMountinfo } from '../../parsers/mountinfo.ts';
import { measureDisk } from './disk.ts';
import { measureLoopback } from './loopback.ts';
import { measureMemory } from './memory.ts';
import type { Budget } from './repeat.ts';
import { measureSpawnRate } from './spawn-rate.ts';

export interface BaselineOptions {
  /** Where the scratch file goes, so which disk is measured. */
  readonly folder: string;
  readonly repeats: number;
  /** Of one repeat of one figure; there are nine timed figures. */
  readonly milliseconds: number;
  readonly fileBytesMax: number;
  readonly writtenBytesMax: number;
  readonly signal: AbortSignal;
  /** Told before each part, in words for a progress line. */
  readonly progress: (part: string) => void;
}

/** Some 30 seconds, and at most 1.25 GiB written. */
export const baselineDefaults = {
  repeats: 3,
  milliseconds: 1000,
  fileBytesMax: 256 * 2 ** 20,
  writtenBytesMax: 2 ** 30,
};

/** Measures this machine. A part that fails is named among the problems, and the others go on. */
export async function takeBaseline(options: BaselineOptions): Promise<Baseline> {
  const { repeats, milliseconds, signal } = options;
  const budget: Budget = { repeats, milliseconds, signal };
  const parts: readonly (readonly [string, () => Promise<readonly (Measurement | undefined)[]>])[] =
    [
      ['memory', () => measureMemory(budget)],
      ['disk', () => measureDisk({ ...budget, ...options })],
      ['loopback', async () => [await measureLoopback(budget)]],
      ['process start', async () => [await measureSpawnRate(budget)]],
    ];
  const measurements: Measurement[] = [];
  const problems: string[] = [];
  for (const [part, measure] of parts) {
    if (signal.aborted) {
      problems.push(`${part}: not measured, since it was interrupted`);
      continue;
    }
    options.progress(part);
    try {
      const found = await measure();
      measurements.push(...found.filter((m) => m !== undefined));
      const missing = found.filter((m) => m === undefined).length;
      if (missing > 0) problems.push(`${part}: ${missing} figures could not be measured`);
    } catch (error) {
      problems.push(`${part}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { takenAt: Date.now(), host: fingerprint(options.folder), measurements, problems };
}

function fingerprint(folder: string): HostFingerprint {
  return {
    cpu: cpus()[0]?.model.trim() ?? '',
    threads: availableParallelism(),
    memoryBytes: totalmem(),
    architecture: machine(),
    kernel: release(),
    disk: diskOf(folder),
  };
}

/** The file system below `folder`: the mount with the longest matching path, as `ext4 /dev/vda1`. */
function diskOf(folder: string): string {
  let text: string;
  try {
    text = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
  const path = resolve(folder);
  const under = parseMountinfo(text).mounts.filter(
    ({ mountPoint: at }) => path === at || path.startsWith(at === '/' ? '/' : `${at}/`),
  );
  const best = under.reduce<(typeof under)[number] | undefined>(
    (found, m) =>
      found === undefined || m.mountPoint.length >= found.mountPoint.length ? m : found,
    undefined,
  );
  return best === undefined ? '' : `${best.type} ${best.source}`;
}
