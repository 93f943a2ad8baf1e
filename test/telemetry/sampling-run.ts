import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { families } from '../../src/telemetry/families.ts';
import { openSampling, type SamplingOptions } from '../../src/telemetry/io/sampling.ts';
import { LatestReadings } from '../../src/telemetry/latest.ts';
import type { Reading } from '../../src/telemetry/metric.ts';

export interface Tick {
  readonly readings: readonly Reading[];
  readonly atMs: number;
}

/** Samples until `until` says that it has seen enough; `until` is asked after each tick. */
export async function sampled(
  options: Partial<SamplingOptions> & Pick<SamplingOptions, 'samplers' | 'sysroot'>,
  until: (live: LatestReadings, ticks: readonly Tick[]) => boolean,
): Promise<{ readonly live: LatestReadings; readonly ticks: readonly Tick[] }> {
  const live = new LatestReadings(families, () => performance.now());
  const ticks: Tick[] = [];
  const stop = new AbortController();
  const seen = Promise.withResolvers<void>();
  openSampling({
    sources: [],
    now: () => timeMs(Date.now()),
    run: (program) => Promise.resolve({ ok: false, problem: { kind: 'absent', detail: program } }),
    ...options,
    live,
    signal: stop.signal,
    onTick: (_, readings) => {
      ticks.push({ readings, atMs: performance.now() });
      try {
        if (until(live, ticks)) seen.resolve();
      } catch (error) {
        seen.reject(error);
      }
    },
  });
  try {
    await seen.promise;
  } finally {
    stop.abort();
  }
  return { live, ticks };
}

/** A folder with these files, removed after the test. */
export function tree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'berth-sysroot-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) put(root, path, text);
  return root;
}

export function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
