import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marks, noMarks } from '../../src/simulation/faults.ts';
import { runSeed } from './run-seed.ts';

/** About 15 s here, where node:test makes each promise dear; `npm run sim` does 1,000 in that time. */
const SEEDS = 120;
const limit = { timeout: 300_000 };

test(`${SEEDS} worlds of faults keep every promise, and meet every fault`, limit, async () => {
  const total = noMarks();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { counts } = await runSeed(seed).catch((error: unknown) => {
      const options = { cause: error };
      throw new Error(`seed ${seed}: replay it with SEED=${seed} npm run sim\n${error}`, options);
    });
    for (const mark of marks) total[mark] += counts[mark];
  }
  assert.deepEqual(
    marks.filter((mark) => total[mark] === 0),
    [],
    'each of these was met at least once',
  );
});

/** Beyond those above: members whose shares fit on no one node, shares of exclusive devices, a shrunk node, elastic gangs, a failed step under limits. */
for (const seed of [972, 1283, 1476, 1891, 2111, 2572, 3176, 4143, 4836]) {
  test(
    `the world of seed ${seed}, which found a bug once, keeps every promise`,
    limit,
    async () => {
      await runSeed(seed);
    },
  );
}

test('the same seed makes the same world, line by line', limit, async () => {
  for (const seed of [3, 7, 42]) {
    const [first, second] = [[] as string[], [] as string[]];
    await runSeed(seed, { trace: (line) => first.push(line) });
    await runSeed(seed, { trace: (line) => second.push(line) });
    assert.ok(first.length > 0);
    assert.deepEqual(second, first);
  }
});
