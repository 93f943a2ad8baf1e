import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openHostSampler } from '../../src/telemetry/io/host-sampler.ts';
import type { HostSample } from '../../src/telemetry/sample-host.ts';

interface Taken {
  readonly sample: HostSample;
  readonly costUs: number;
  readonly atMs: number;
}

/** Takes `count` samples; `between` is called after each. */
function take(
  procRoot: string,
  everyMs: number,
  count: number,
  between: (taken: number) => void = () => {},
): Promise<Taken[]> {
  const taken: Taken[] = [];
  const stop = new AbortController();
  return new Promise((resolve) => {
    openHostSampler({
      everyMs,
      procRoot,
      signal: stop.signal,
      onSample(sample, costUs) {
        taken.push({ sample, costUs, atMs: performance.now() });
        between(taken.length);
        if (taken.length < count) return;
        stop.abort();
        resolve(taken);
      },
    });
  });
}

function recordedProc(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'berth-proc-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'pressure'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return root;
}

test('this host is sampled, at a cost below a thousandth of a core', {
  timeout: 30_000,
}, async (t) => {
  const taken = await take('/proc', 20, 40);
  const costs = taken.map((one) => one.costUs).sort((a, b) => a - b);
  t.diagnostic(`median ${costs[20]?.toFixed(0)} us`);
  assert.ok(costs[20]! < 1000, `${costs[20]} us for a sample a second`);
  const { sample } = taken.at(-1)!;
  assert.ok(sample.memoryUsedBytes! < sample.memoryTotalBytes!);
  assert.ok(taken.some((one) => one.sample.cpuBusyRatio !== undefined));
});

test('ticks keep to their grid: none twice, none made up for', { timeout: 30_000 }, async () => {
  const everyMs = 40;
  const taken = await take('/proc', everyMs, 30, (count) => {
    if (count !== 10) return;
    const until = performance.now() + 4.5 * everyMs;
    while (performance.now() < until);
  });
  for (const [i, one] of taken.entries()) {
    if (i === 0) continue;
    const gapMs = one.atMs - taken[i - 1]!.atMs;
    assert.ok(gapMs > everyMs * 0.3, `sample ${i} came ${gapMs} ms after the last`);
  }
});

test('what a host does not have is unknown, not zero', { timeout: 30_000 }, async (t) => {
  const root = recordedProc(t, { stat: 'cpu 10 0 0 90 0 0 0 0\n', 'pressure/cpu': '' });
  const [first, second] = await take(root, 10, 2, () => {
    writeFileSync(join(root, 'stat'), 'cpu 13 0 0 91 0 0 0 0\n');
  });
  assert.equal(first?.sample.cpuBusyRatio, undefined);
  const { at, ...sample } = second!.sample;
  assert.ok(at > 1.7e12);
  assert.deepEqual(
    Object.entries(sample).filter(([, value]) => value !== undefined),
    [
      ['cpuBusyRatio', 0.75],
      ['cpuStolenRatio', 0],
    ],
  );
});

test('the end closes every file and no sample comes after it', { timeout: 30_000 }, async (t) => {
  const root = recordedProc(t, { stat: 'cpu 10 0 0 90 0 0 0 0\n' });
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const taken = await take(root, 5, 3);
  assert.equal(open(), before);
  // Another sampler gets samples meanwhile; the ended one gets none.
  await take(root, 5, 5);
  assert.equal(taken.length, 3);
  const stop = new AbortController();
  stop.abort();
  openHostSampler({
    everyMs: 1,
    procRoot: root,
    signal: stop.signal,
    onSample: () => assert.fail('it was ended before it began'),
  });
  await take(root, 5, 2);
});
