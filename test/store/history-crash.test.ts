import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import { openHistory } from '../../src/store/io/history.ts';
import { scratch } from './scratch.ts';

const START = 1_800_057_600_000;
const child = join(import.meta.dirname, 'record-forever.ts');
const argv = (file: string, first: number, seconds: number, series: number) =>
  [child, file, first, seconds, series].map(String);

/** Seconds that are there, each with its own number as value, in the order of time. */
function secondsOf(file: string, from: number, to: number): readonly number[] {
  const problems: unknown[] = [];
  using history = openHistory({ file, onProblem: (problem) => problems.push(problem) });
  const [series] = history.query({
    name: 'v',
    labels: { i: '0' },
    from: timeMs(START + from * 1000),
    to: timeMs(START + to * 1000),
    pointsMax: to - from + 2,
  });
  assert.deepEqual(problems, []);
  const points = series?.points ?? [];
  for (const { at, last } of points) assert.equal(at, START + last * 1000);
  return points.map(({ last }) => last);
}

test('after SIGKILL the file opens, and at most the last ten seconds are lost', {
  timeout: 120_000,
}, async (t) => {
  const seed = Number(process.env['SEED'] ?? 20261122);
  t.diagnostic(`SEED=${seed}`);
  const random = new Prng(seed);
  const file = join(scratch(t), 'history.db');
  let next = 0;
  for (let round = 0; round < 12; round++) {
    const killAfter = random.between(1, 400);
    const writer = spawn(process.execPath, argv(file, next, 1e9, 40), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let recorded = -1;
    let seen = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      const [ok, second] = line.split(' ');
      assert.equal(ok, 'ok');
      recorded = Number(second);
      if (++seen === killAfter) writer.kill('SIGKILL');
    }
    assert.ok(seen >= killAfter, `the writer ended by itself in round ${round}`);
    const found = secondsOf(file, next, recorded + 1);
    const whole = Array.from({ length: found.length }, (_, i) => next + i);
    assert.deepEqual(found, whole, 'without a gap');
    assert.ok(next + found.length - 1 >= recorded - 10, `${found.at(-1)} of ${recorded}`);
    next = recorded + 1;
  }
});

test('a disk that refuses costs what it refused for long, is told once, and all goes on after', {
  timeout: 120_000,
}, async (t) => {
  const file = join(scratch(t), 'history.db');
  // The limit is in blocks of 512 bytes and stands for the disk: EFBIG reaches SQLite as an I/O error.
  const limited = ['-c', 'ulimit -S -f 2000; exec "$@"', 'sh', process.execPath];
  const writer = spawn('sh', [...limited, ...argv(file, 0, 3_000, 120)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(writer, 'exit');
  const problems: string[] = [];
  let dropped = 0;
  let freedAt = Number.POSITIVE_INFINITY;
  for await (const line of createInterface({ input: writer.stdout })) {
    const [word, second, lost] = line.split(' ');
    if (word !== 'ok') problems.push(word!);
    else if (Number(lost) > 0 && freedAt === Number.POSITIVE_INFINITY) {
      freedAt = Number(second);
      execFileSync('prlimit', ['--pid', String(writer.pid), '--fsize=unlimited']);
    }
    if (word === 'ok') dropped = Number(lost);
  }
  assert.deepEqual((await exited)[0], 0);
  assert.deepEqual(problems, ['STATE_UNWRITABLE']);
  assert.ok(freedAt < 2_000, 'something was dropped while the disk refused');
  const found = secondsOf(file, 0, 3_000);
  assert.ok(dropped >= 120 * (3_000 - found.length), `${dropped} dropped, ${found.length} found`);
  assert.ok(found.length > 2_000);
  assert.deepEqual(
    found.slice(-600),
    Array.from({ length: 600 }, (_, i) => 2_400 + i),
  );
});
