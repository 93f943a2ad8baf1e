import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inventory } from '../../src/cli/commands/inventory.ts';
import { inventoryBaseline } from '../../src/cli/commands/inventory-baseline.ts';
import type { Baseline } from '../../src/inventory/baseline.ts';
import { T0 } from './documents.ts';
import { type TestWorld, testWorld } from './test-world.ts';

const page = { width: 120, colour: 'none', unicode: true } as const;

function baseline(takenAt: number, median: number, disk = 'ext4 /dev/vda'): Baseline {
  return {
    takenAt,
    host: { cpu: 'x', threads: 2, memoryBytes: 1, architecture: 'x86_64', kernel: '6', disk },
    measurements: [
      {
        name: 'memory-bandwidth-one-thread',
        method: 'triad',
        repeats: 3,
        min: median - 1e8,
        median,
        max: median + 1e8,
        note: 'little memory is free',
      },
    ],
    problems: ['disk: no room'],
  };
}

function world(kept: readonly Baseline[], measured?: Baseline): TestWorld {
  const made = testWorld({});
  return {
    ...made,
    inventories: {
      ...made.inventories,
      baselines: async () => kept,
      measure: async ({ progress, signal }) => {
        progress('memory');
        if (measured !== undefined) return measured;
        made.interrupt();
        assert.ok(signal.aborted);
        return baseline(T0, 5e9);
      },
    },
  };
}

const none = { scratch: undefined, last: false };

test('what is measured is compared with the last that was kept', async () => {
  const at = world([baseline(T0 - 1, 1e9), baseline(T0, 10e9)], baseline(T0 + 60_000, 5e9));
  const { document, view, exit } = await inventoryBaseline.run([], none, at);
  const text = view(page).join('\n');
  assert.match(
    text,
    /^memory bandwidth one thread +5 GB\/s +4.9 GB\/s +5.1 GB\/s +worse ×0.50 +triad$/m,
  );
  assert.match(text, /^memory bandwidth one thread: little memory is free$/m);
  assert.match(text, /^not measured: disk: no room$/m);
  assert.match(text, /^Compared with that of /m);
  assert.equal(exit, 0);
  assert.match(at.err.text, /measuring memory/);
  const { compared } = document as { compared: { with_taken_at: number } };
  assert.equal(compared.with_taken_at, T0);
});

test('after Ctrl-C nothing is compared, and the exit code says so', async () => {
  const at = world([baseline(T0, 10e9)]);
  const { document, exit } = await inventoryBaseline.run([], none, at);
  assert.equal(exit, 130);
  assert.match(at.err.text, /interrupted: this baseline is not kept/);
  assert.equal((document as { compared: unknown }).compared, null);
});

test('--last measures nothing', async () => {
  const kept = [baseline(T0 - 60_000, 10e9), baseline(T0, 10e9)];
  const { view } = await inventoryBaseline.run([], { ...none, last: true }, world(kept));
  assert.match(view(page).join('\n'), /same ×1.00/);
  const empty = await inventoryBaseline.run([], { ...none, last: true }, world([]));
  assert.equal(empty.document, null);
  assert.match(empty.view(page).join('\n'), /No baseline is kept yet/);
});

const wrong: Record<string, () => Promise<unknown>> = {
  'baseline --last --scratch': () =>
    inventoryBaseline.run([], { scratch: '/', last: true }, world([])),
  '--benchmark --sysroot': () =>
    inventory.run([], { benchmark: true, dot: false, sysroot: '/' }, world([])),
  '--benchmark --dot': () =>
    inventory.run([], { benchmark: true, dot: true, sysroot: undefined }, world([])),
};
for (const [name, run] of Object.entries(wrong)) {
  test(`inventory ${name} is wrong`, () => assert.rejects(run, { code: 'USAGE' }));
}
