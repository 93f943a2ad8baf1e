import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LocalDriver } from '../../src/execution/io/local/driver.ts';
import { MetricFiles, metricsFile } from '../../src/execution/io/local/metric-files.ts';
import type { AttemptId } from '../../src/model/ids.ts';

const bounded = { timeout: 20_000 };

test('lines are taken as they were written, and files of what has ended go', bounded, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-told-'));
  const [a, b, c] = ['1.a.0.1', '2.a.0.1', '3.a.0.1'] as AttemptId[];
  const told = new Map<AttemptId, string[]>();
  const looked = [Promise.withResolvers<void>()];
  const files = new MetricFiles(dir, {
    onLine: (attempt, line) => told.set(attempt, [...(told.get(attempt) ?? []), line]),
    isRunning: (attempt) => attempt === a,
    onLooked: () => looked[0]!.resolve(),
    warn: assert.fail,
  });
  const driver = files.around({ close: async () => {} } as LocalDriver);
  t.after(async () => {
    await driver.close();
    rmSync(dir, { recursive: true, force: true });
  });
  // Longer than what is read at once, so that a character of two bytes is cut.
  const lines = Array.from({ length: 8_000 }, (_, i) => `loss{of="ä${'ö'.repeat(i % 7)}"} ${i}`);
  writeFileSync(metricsFile(dir, a!), `${lines.join('\n')}\nnot yet`);
  writeFileSync(metricsFile(dir, b!), 'x 1\n');
  writeFileSync(join(dir, 'secret'), 'secret 1\n');
  symlinkSync(join(dir, 'secret'), metricsFile(dir, c!));
  await looked[0]!.promise;
  assert.deepEqual(told.get(a!), lines);
  assert.deepEqual(told.get(b!), ['x 1']);
  assert.equal(told.get(c!), undefined, 'a link is not followed');
  assert.deepEqual(
    [a, b, c].map((id) => existsSync(metricsFile(dir, id!))),
    [true, false, false],
  );
  assert.ok(existsSync(join(dir, 'secret')));
});

test('what was there before the daemon is told again, and said to be', bounded, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-told-'));
  const attempt = '1.a.0.1' as AttemptId;
  mkdirSync(join(dir, 'metrics'));
  const file = metricsFile(dir, attempt);
  writeFileSync(file, 'x 1\nx 2\nx 3');
  const told: [string, boolean][] = [];
  let looked = Promise.withResolvers<void>();
  const files = new MetricFiles(dir, {
    onLine: (_, line, isAgain) => told.push([line, isAgain]),
    isRunning: () => true,
    onLooked: () => looked.resolve(),
    warn: assert.fail,
  });
  const driver = files.around({ close: async () => {} } as LocalDriver);
  t.after(async () => {
    await driver.close();
    rmSync(dir, { recursive: true, force: true });
  });
  appendFileSync(file, '0\nx 4\n');
  await looked.promise;
  looked = Promise.withResolvers<void>();
  // Emptied by whoever writes it: what comes then is new, wherever it lies.
  writeFileSync(file, 'x 5\n');
  await looked.promise;
  assert.deepEqual(told, [
    ['x 1', true],
    ['x 2', true],
    ['x 30', false],
    ['x 4', false],
    ['x 5', false],
  ]);
});
