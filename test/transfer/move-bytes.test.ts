import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { BitsPerSecond } from '../../src/base/units.ts';
import { type Move, moveBytes, partialOf } from '../../src/transfer/io/move-bytes.ts';
import type { TransferEvent } from '../../src/transfer/transfer.ts';

const timed = { timeout: 60_000 };
const MIB = 1024 * 1024;
const sha = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

function place(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-test-transfer-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const from = join(dir, 'source');
  const to = join(dir, 'there', 'result');
  const progressFile = join(dir, 'progress');
  const move = (more: Partial<Move['order']> & { resume?: boolean } = {}): Move => {
    const { resume = false, ...order } = more;
    return { order: { from, to, checksum: 'sha256', ...order }, progressFile, resume };
  };
  return { dir, from, to, progressFile, move };
}

async function run(move: Move) {
  const events: TransferEvent[] = [];
  const sum = await moveBytes(move, (event) => events.push(event));
  const resumed = events.findLast((event) => event.kind === 'resumed');
  return { sum, events, resumed: resumed?.kind === 'resumed' ? resumed.bytes : 0 };
}

test(
  'a file arrives whole, with its mode and time, under its name at once, and nothing else is left',
  timed,
  async (t) => {
    const { from, to, progressFile, move } = place(t);
    const data = randomBytes(3 * MIB + 17);
    writeFileSync(from, data, { mode: 0o640 });
    utimesSync(from, 1_000, 1_234.5);
    const { sum, events } = await run(move());
    assert.equal(sum, sha(data));
    assert.ok(readFileSync(to).equals(data));
    const { mode, mtimeMs } = lstatSync(to);
    assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1_234_500]);
    assert.deepEqual(readdirSync(join(to, '..')), ['result']);
    assert.equal(existsSync(progressFile), false);
    assert.deepEqual(
      [events[0], events.at(-1)],
      [
        { kind: 'listed', files: 1, bytes: data.length },
        { kind: 'moved', bytes: data.length },
      ],
    );
  },
);

test(
  'a folder arrives with all that is in it; its sum is that of what sha256sum prints',
  timed,
  async (t) => {
    const { from, to, move } = place(t);
    mkdirSync(join(from, 'sub', 'empty'), { recursive: true });
    writeFileSync(join(from, 'b'), 'beta');
    writeFileSync(join(from, 'sub', 'a ü'), '');
    symlinkSync('../b', join(from, 'sub', 'link'));
    const { sum } = await run(move());
    assert.equal(sum, sha(`${sha('beta')}  b\n${sha('')}  sub/a ü\n`));
    assert.equal(readFileSync(join(to, 'sub', 'link'), 'utf8'), 'beta');
    assert.deepEqual(readdirSync(join(to, 'sub')).sort(), ['a ü', 'empty', 'link']);
  },
);

const refused: Record<string, { make: (p: ReturnType<typeof place>) => void; want: RegExp }> = {
  'no source': { make: () => {}, want: /ENOENT/ },
  'something is there': {
    make: ({ dir, from, to }) => {
      writeFileSync(from, 'new');
      mkdirSync(join(dir, 'there'));
      writeFileSync(to, 'old');
    },
    want: /is there already/,
  },
  'a link as the source': {
    make: ({ from }) => symlinkSync('/etc/hostname', from),
    want: /is a link/,
  },
  'a pipe in it': {
    make: ({ from }) => {
      mkdirSync(from);
      execFileSync('mkfifo', [join(from, 'pipe')]);
    },
    want: /pipe is neither a file nor a folder/,
  },
};
for (const [name, { make, want }] of Object.entries(refused)) {
  test(`refused, and nothing is written: ${name}`, timed, async (t) => {
    const here = place(t);
    make(here);
    await assert.rejects(run(here.move()), want);
    assert.equal(existsSync(partialOf(here.to)), false);
    if (name === 'something is there') assert.equal(readFileSync(here.to, 'utf8'), 'old');
  });
}

test('the rate holds within 10 %', timed, async (t) => {
  const { from, move } = place(t);
  writeFileSync(from, randomBytes(6 * MIB));
  const began = performance.now();
  await run(move({ rate: 16_000_000 as BitsPerSecond }));
  const seconds = (performance.now() - began) / 1_000;
  const rate = (6 * MIB * 8) / seconds / 1e6;
  t.diagnostic(`asked 16 Mbit/s, got ${rate.toFixed(2)}`);
  assert.ok(rate > 14.4 && rate < 17.6, `${rate}`);
});

/** Starts the same in a process of its own, and kills it after it has noted some of the part. */
async function killed(move: Move, notes: number): Promise<void> {
  const script = new URL('./move-slowly.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, JSON.stringify(move)], { stdio: 'pipe' });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  child.stdout.resume();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const count = () =>
    existsSync(move.progressFile) ? readFileSync(move.progressFile, 'utf8').split('\n').length : 0;
  while (count() <= notes) {
    assert.equal(child.exitCode, null, errors);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  await gone;
}

test(
  'killed with -9, thrice: it goes on behind what was proved, and the result is whole',
  timed,
  async (t) => {
    const { from, to, move } = place(t);
    mkdirSync(from);
    const parts = [randomBytes(1.5 * MIB), randomBytes(5 * MIB)];
    writeFileSync(join(from, 'a'), parts[0]!);
    writeFileSync(join(from, 'b'), parts[1]!);
    const rate = 12_000_000 as BitsPerSecond;
    await killed(move({ rate }), 2);
    await killed(move({ rate, resume: true }), 3);
    await killed(move({ rate, resume: true }), 3);
    assert.equal(existsSync(to), false);
    const { sum, resumed } = await run(move({ resume: true }));
    assert.ok(resumed >= 2.5 * MIB, `${resumed}`);
    assert.equal(sum, sha(`${sha(parts[0]!)}  a\n${sha(parts[1]!)}  b\n`));
    assert.ok(readFileSync(join(to, 'b')).equals(parts[1]!));
    t.diagnostic(`3 of 3 kills survived; ${resumed} bytes not moved again`);
  },
);

const spoilt: Record<string, (here: ReturnType<typeof place>) => void> = {
  'what was written was changed meanwhile': ({ to }) => {
    const bytes = readFileSync(partialOf(to));
    bytes[100]! ^= 1;
    writeFileSync(partialOf(to), bytes);
  },
  'what was written was cut': ({ to }) => truncateSync(partialOf(to), 1_000),
  'what was written is gone': ({ to }) => rmSync(partialOf(to)),
  'the source is another': ({ from }) => writeFileSync(from, randomBytes(2 * MIB)),
  'the notes are garbage': ({ progressFile }) => writeFileSync(progressFile, '\0\0\0'),
};
for (const [name, spoil] of Object.entries(spoilt)) {
  test(`begins anew when ${name}`, timed, async (t) => {
    const here = place(t);
    writeFileSync(here.from, randomBytes(3 * MIB));
    await killed(here.move({ rate: 12_000_000 as BitsPerSecond }), 1);
    spoil(here);
    const { sum, resumed } = await run(here.move({ resume: true }));
    assert.deepEqual([sum, resumed], [sha(readFileSync(here.from)), 0]);
    assert.ok(readFileSync(here.to).equals(readFileSync(here.from)));
  });
}

test('a source that grows while it is read is not taken for whole', timed, async (t) => {
  const { from, to, move } = place(t);
  writeFileSync(from, randomBytes(1 * MIB));
  const moving = moveBytes(move({ rate: 8_000_000 as BitsPerSecond }), (event) => {
    if (event.kind === 'moved') appendFileSync(from, 'more');
  });
  await assert.rejects(moving, /changed while it was read/);
  assert.equal(existsSync(to), false);
});
