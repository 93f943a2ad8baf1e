import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readLog } from '../../src/execution/io/local/log-reader.ts';
import { utf8Window } from '../../src/execution/utf8-window.ts';
import { timed } from './driver-contract.ts';
import { id, Rig } from './rig.ts';

interface Folder {
  readonly attemptsDir: string;
  write(name: string, data: string | Uint8Array): void;
}

function folder(t: TestContext): Folder {
  const attemptsDir = mkdtempSync(join(tmpdir(), 'berth-test-log-'));
  t.after(() => rmSync(attemptsDir, { recursive: true }));
  mkdirSync(join(attemptsDir, id(1)));
  return {
    attemptsDir,
    write: (name, data) =>
      writeFileSync(
        join(attemptsDir, name.includes('.log') ? `${id(1)}/${name}` : `${id(1)}.${name}`),
        data,
      ),
  };
}

const BEGUN = `start\t${id(1)}\tboot=x\n`;
const ENDED = `${BEGUN}ended\t${id(1)}\tcause=succeeded\n`;

/** Everything from `from` on, as a follower reads it. */
async function readAll(attemptsDir: string, from: number, maxBytes: number): Promise<string> {
  let text = '';
  for (let at = from; ; ) {
    const chunk = await readLog(attemptsDir, {
      attempt: id(1),
      stream: 'stdout',
      from: at,
      maxBytes,
    });
    assert.ok(chunk !== undefined);
    text += chunk.text;
    if (chunk.ended) return text;
    assert.ok(chunk.next > at, 'a chunk gets on');
    at = chunk.next;
  }
}

const character = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).map((s) => Buffer.from(s)),
  fc.uint8Array({ minLength: 1, maxLength: 4 }).map((a) => Buffer.from(a)),
  fc.constantFrom('é', '€', '😀').map((s) => Buffer.from(s)),
);

test('chunks of any size make up the text, garbage and all', timed, async (t) => {
  const { attemptsDir, write } = folder(t);
  write('record', ENDED);
  const property = fc.asyncProperty(
    fc.array(character, { maxLength: 12 }),
    fc.integer({ min: 1, max: 9 }),
    async (parts, maxBytes) => {
      const data = Buffer.concat(parts);
      write('stdout.log', data);
      const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(data);
      assert.equal(await readAll(attemptsDir, 0, maxBytes), whole);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test('chunks get on across gaps of any size, to the last byte that was kept', timed, async (t) => {
  const property = fc.asyncProperty(
    fc.array(
      fc.tuple(
        fc.oneof(character, fc.constant(Buffer.alloc(0))),
        fc.constantFrom(0, 1, 2, 3, 4, 9),
      ),
      { minLength: 1, maxLength: 6 },
    ),
    fc.integer({ min: 1, max: 9 }),
    async (parts, maxBytes) => {
      const { attemptsDir, write } = folder(t);
      write('record', ENDED);
      let offset = 0;
      const runs: Buffer[] = [];
      for (const [data, gap] of parts) {
        if (data.length === 0 && gap === 0) continue;
        offset += gap;
        write(offset === 0 ? 'stdout.log' : `stdout.log.${offset}`, data);
        offset += data.length;
        if (gap > 0 || runs.length === 0) runs.push(data);
        else runs.push(Buffer.concat([runs.pop()!, data]));
      }
      const want = runs.map((run) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(run));
      assert.equal(await readAll(attemptsDir, 0, maxBytes), want.join(''));
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('a window never begins or ends within a character', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'é', '€', '😀'), { minLength: 1, maxLength: 8 }),
      fc.nat(),
      fc.nat(),
      (characters, a, b) => {
        const data = Buffer.from(characters.join(''));
        const [from, to] = [a % (data.length + 1), b % (data.length + 1)].sort((x, y) => x - y);
        const before = Math.min(3, from!);
        const piece = data.subarray(from! - before, to);
        const { start, end } = utf8Window(piece, before, false);
        const shown = piece.subarray(start, end).toString();
        assert.ok(!shown.includes('�'), `${shown} of ${data} at ${from}-${to}`);
      },
    ),
  );
});

interface Case {
  readonly files: Record<string, string>;
  readonly from: number;
  readonly maxBytes?: number;
  readonly want: { text: string; offset: number; next: number; dropped: number; ended: boolean };
}

const cases: Record<string, Case> = {
  'nothing written yet': {
    files: { record: BEGUN },
    from: 0,
    want: { text: '', offset: 0, next: 0, dropped: 0, ended: false },
  },
  'nothing ever written': {
    files: { record: ENDED },
    from: 0,
    want: { text: '', offset: 0, next: 0, dropped: 0, ended: true },
  },
  'of a settled attempt': {
    files: { settled: ENDED, 'stdout.log': 'abc' },
    from: 1,
    want: { text: 'bc', offset: 1, next: 3, dropped: 0, ended: true },
  },
  'of the other stream nothing': {
    files: { record: ENDED, 'stderr.log': 'abc', 'stdout.log': '' },
    from: 0,
    want: { text: '', offset: 0, next: 0, dropped: 0, ended: true },
  },
  'across segments': {
    files: { record: BEGUN, 'stdout.log': 'abc', 'stdout.log.3': 'def' },
    from: 1,
    want: { text: 'bcdef', offset: 1, next: 6, dropped: 0, ended: false },
  },
  'segments are in the order of their offsets': {
    files: { record: ENDED, 'stdout.log.9': 'xy', 'stdout.log.11': 'z' },
    from: 9,
    want: { text: 'xyz', offset: 9, next: 12, dropped: 0, ended: true },
  },
  'the beginning was thrown away': {
    files: { record: ENDED, 'stdout.log.10': 'klm' },
    from: 4,
    want: { text: 'klm', offset: 10, next: 13, dropped: 6, ended: true },
  },
  'from the end': {
    files: { record: ENDED, 'stdout.log': 'abcdef' },
    from: -2,
    want: { text: 'ef', offset: 4, next: 6, dropped: 0, ended: true },
  },
  'from before the beginning': {
    files: { record: ENDED, 'stdout.log': 'abc' },
    from: -20,
    want: { text: 'abc', offset: 0, next: 3, dropped: 0, ended: true },
  },
  'from beyond the end': {
    files: { record: ENDED, 'stdout.log': 'abc' },
    from: 20,
    want: { text: '', offset: 3, next: 3, dropped: 0, ended: true },
  },
  'more is to come of an ended attempt': {
    files: { record: ENDED, 'stdout.log': 'abcdefgh' },
    from: 0,
    maxBytes: 5,
    want: { text: 'abcde', offset: 0, next: 5, dropped: 0, ended: false },
  },
  'a gap that a full disk left': {
    files: { record: ENDED, 'stdout.log': 'abc', 'stdout.log.8': 'xyz' },
    from: 0,
    want: { text: 'abc', offset: 0, next: 3, dropped: 0, ended: false },
  },
  'behind such a gap': {
    files: { record: ENDED, 'stdout.log': 'abc', 'stdout.log.8': 'xyz' },
    from: 3,
    want: { text: 'xyz', offset: 8, next: 11, dropped: 5, ended: true },
  },
  'a character cut by such a gap is garbage, and what follows is reached': {
    files: { record: 'start\tboot=x\n', 'stdout.log': 'a\xe2\x82', 'stdout.log.8': 'xyz' },
    from: 0,
    want: { text: 'a�', offset: 0, next: 3, dropped: 0, ended: false },
  },
  'the empty files that a full disk left are passed over': {
    files: { record: ENDED, 'stdout.log': 'abc', 'stdout.log.8': '', 'stdout.log.9': 'xyz' },
    from: 3,
    want: { text: 'xyz', offset: 9, next: 12, dropped: 6, ended: true },
  },
  'the last that was written is lost': {
    files: { record: ENDED, 'stdout.log': 'abc', 'stdout.log.8': '' },
    from: 3,
    want: { text: '', offset: 8, next: 8, dropped: 5, ended: true },
  },
  'within such a character': {
    files: { record: ENDED, 'stdout.log': 'a\xe2\x82', 'stdout.log.8': 'xyz' },
    from: 1,
    want: { text: '�', offset: 1, next: 3, dropped: 0, ended: false },
  },
  'a character that is not complete yet waits': {
    files: { record: BEGUN, 'stdout.log': 'a\xe2\x82' },
    from: 0,
    want: { text: 'a', offset: 0, next: 1, dropped: 0, ended: false },
  },
  'a character that will never be complete is garbage': {
    files: { record: ENDED, 'stdout.log': 'a\xe2\x82' },
    from: 0,
    want: { text: 'a�', offset: 0, next: 3, dropped: 0, ended: true },
  },
  'from within a character on': {
    files: { record: ENDED, 'stdout.log': 'a\xe2\x82\xacb' },
    from: 2,
    want: { text: 'b', offset: 4, next: 5, dropped: 0, ended: true },
  },
};
for (const [name, tc] of Object.entries(cases)) {
  test(`log: ${name}`, async (t) => {
    const { attemptsDir, write } = folder(t);
    for (const [file, text] of Object.entries(tc.files)) write(file, Buffer.from(text, 'latin1'));
    const chunk = await readLog(attemptsDir, {
      attempt: id(1),
      stream: 'stdout',
      from: tc.from,
      maxBytes: tc.maxBytes ?? 1000,
    });
    assert.deepEqual(chunk, { attempt: id(1), stream: 'stdout', ...tc.want });
  });
}

test('no such attempt', async (t) => {
  const { attemptsDir } = folder(t);
  for (const attempt of [id(9), '../x', '']) {
    const request = { attempt, stream: 'stdout', from: 0, maxBytes: 10 } as const;
    assert.equal(await readLog(attemptsDir, request), undefined);
  }
});

test('a log is followed while old pieces of it go away', timed, async (t) => {
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  const lines = 60_000;
  rig.start(1, { run: `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo line $i; done` });
  await rig.started(1);
  let at = 0;
  let seen = 0;
  for (;;) {
    const request = { attempt: id(1), stream: 'stdout', from: at, maxBytes: 65536 } as const;
    const chunk = await readLog(rig.attemptsDir, request);
    assert.ok(chunk !== undefined);
    assert.equal(chunk.offset, at + chunk.dropped);
    seen += Buffer.byteLength(chunk.text) + chunk.dropped;
    at = chunk.next;
    if (chunk.ended) break;
  }
  const end = await rig.ended(1);
  assert.equal(seen, end.usage.logBytes);
});
