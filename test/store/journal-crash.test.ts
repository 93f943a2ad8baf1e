import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { countMarkedBatches } from './events.ts';
import { scratch } from './scratch.ts';

const child = join(import.meta.dirname, 'append-forever.ts');
const argv = (file: string, seed: number, firstBatch: number, batches: number) =>
  [child, file, seed, firstBatch, batches].map(String);

test('whatever was acknowledged before SIGKILL is there, in whole batches, without a gap', {
  timeout: 120_000,
}, async (t) => {
  const seed = Number(process.env['SEED'] ?? 20261121);
  t.diagnostic(`SEED=${seed}`);
  const random = new Prng(seed);
  const file = join(scratch(t), 'journal.db');
  let batches = 0;
  for (let round = 0; round < 20; round++) {
    const killAfter = random.between(1, 300);
    const writer = spawn(process.execPath, argv(file, random.next(), batches, 1e9), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = { batch: -1, sequence: 0 };
    let seen = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      const [ok, batch, sequence] = line.split(' ');
      assert.equal(ok, 'ok');
      acknowledged = { batch: Number(batch), sequence: Number(sequence) };
      seen++;
      if (seen === killAfter) writer.kill('SIGKILL');
    }
    assert.ok(seen >= killAfter, `the writer ended by itself in round ${round}`);

    using journal = openJournal({ file });
    const events = [...journal.readFrom(1)].map((entry) => entry.event);
    assert.equal(events.length, journal.lastSequence);
    assert.ok(journal.lastSequence >= acknowledged.sequence);
    batches = countMarkedBatches(events, 0);
    assert.ok(batches > acknowledged.batch);
  }
});

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  return (await lines.next()).value;
}

async function exitCode(process: ChildProcess): Promise<unknown> {
  return (await once(process, 'exit'))[0];
}

test('a disk that refuses to write leaves nothing of the batch, and the same batch succeeds later', {
  timeout: 60_000,
}, async (t) => {
  const file = join(scratch(t), 'journal.db');
  // The limit is in blocks of 512 bytes and stands for the disk: EFBIG reaches SQLite as an I/O error.
  const limited = ['-c', 'ulimit -S -f 800; exec "$@"', 'sh', process.execPath];
  const writer = spawn('sh', [...limited, ...argv(file, 1, 0, 600)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = exitCode(writer);
  const lines = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
  let durable = 0;
  let line = await nextLine(lines);
  for (; line.startsWith('ok'); line = await nextLine(lines)) durable = Number(line.split(' ')[2]);
  assert.equal(line, `STATE_UNWRITABLE ${durable}`);
  assert.ok(durable > 0);
  execFileSync('prlimit', ['--pid', String(writer.pid), '--fsize=unlimited']);
  writer.stdin.end('again\n');
  assert.match(await nextLine(lines), /^ok/);
  while (!(await lines.next()).done);
  assert.equal(await exited, 0);
  using journal = openJournal({ file });
  const events = [...journal.readFrom(1)].map((entry) => entry.event);
  assert.equal(countMarkedBatches(events, 0), 600);
});
