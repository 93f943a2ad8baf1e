import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BitsPerSecond, Bytes, TimeMs } from '../../src/base/units.ts';
import { Pace } from '../../src/transfer/pace.ts';
import { fileLine, partLine, readProgress } from '../../src/transfer/progress-lines.ts';
import {
  advance,
  hasEnded,
  newTransfer,
  type Transfer,
  type TransferEvent,
  toStart,
  unfinished,
} from '../../src/transfer/transfer.ts';
import { transferForm } from '../../src/transfer/transfer-form.ts';

const order = { from: '/a', to: '/b', checksum: 'sha256' } as const;
const at = 5 as TimeMs;
const events: readonly TransferEvent[] = [
  { kind: 'started', at },
  { kind: 'listed', files: 2, bytes: 10 as Bytes },
  { kind: 'resumed', bytes: 3 as Bytes },
  { kind: 'moved', bytes: 7 as Bytes },
  { kind: 'verifying' },
  { kind: 'succeeded', at, sum: 'x' },
  { kind: 'failed', at, message: 'why' },
  { kind: 'cancelled', at },
  { kind: 'requeued' },
];

test('whatever is told in whatever order: an end stays until it is taken up again, a success for ever', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 20 }), (told) => {
      let transfer = newTransfer('1', order, at);
      for (const event of told) {
        const after = advance(transfer, event);
        if (hasEnded(transfer) && event.kind !== 'requeued') assert.equal(after, transfer);
        if (transfer.state === 'succeeded') assert.equal(after, transfer);
        assert.equal(hasEnded(after), after.endedAt !== undefined);
        assert.equal(after.message !== undefined, after.state === 'failed');
        assert.deepEqual(transferForm.parse(JSON.parse(JSON.stringify(after))), after);
        transfer = after;
      }
    }),
  );
});

test('at most so many run, and the first that were asked for go first', () => {
  const queued = ['1', '2', '3', '4'].map((id) => newTransfer(id, order, at));
  const [first, ...rest] = queued;
  const running: Transfer = { ...first!, state: 'verifying' };
  const ids = (atOnce: number) => toStart([running, ...rest], atOnce).map(({ id }) => id);
  assert.deepEqual([ids(1), ids(2), ids(9)], [[], ['2'], ['2', '3', '4']]);
});

test('only what did not succeed, of the same order, is taken up again', () => {
  const failed = { ...newTransfer('1', order, at), state: 'failed' } as const;
  const cases: readonly (readonly [Transfer, boolean])[] = [
    [failed, true],
    [{ ...failed, state: 'cancelled' }, true],
    [{ ...failed, state: 'running' }, false],
    [{ ...failed, state: 'succeeded' }, false],
    [{ ...failed, order: { ...order, from: '/c' } }, false],
    [{ ...failed, order: { ...order, to: '/c' } }, false],
    [{ ...failed, order: { ...order, checksum: 'none' } }, false],
  ];
  for (const [one, is] of cases) assert.equal(unfinished([one], order) === one, is);
});

test('in no window more than the burst and the rate, and no slower than the rate', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8_000, max: 10_000_000_000 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 262_144 }), fc.nat(50_000)), {
        minLength: 1,
        maxLength: 200,
      }),
      (rate, asked) => {
        const pace = new Pace(rate as BitsPerSecond, 0);
        let now = 0;
        let total = 0;
        let idle = 0;
        for (const [bytes, late] of asked) {
          const piece = Math.min(bytes, pace.pieceMax);
          const ready = pace.next(piece, now);
          if (ready > now) {
            now = ready;
            assert.equal(pace.next(piece, now), now, 'what it says is so');
          }
          total += piece;
          assert.ok(total <= (now * rate) / 8e6 + Math.max(16_384, rate / 80) + 1);
          now += late;
          idle += late;
        }
        assert.ok(now <= (total * 8e6) / (rate - 8) + idle + asked.length);
      },
    ),
  );
});

test('what was written down is read back, and a line that was cut off counts for nothing', () => {
  const file = (n: number) => ({ path: `f ${n}\n"é`, size: n, modified: '17000000000000000001' });
  const text = fileLine(file(1), 'a') + partLine(file(2), 1, 'b') + fileLine(file(2), 'c');
  const whole = readProgress(text + partLine(file(3), 2, 'd'));
  assert.deepEqual(
    [...whole.files.values()],
    [
      { file: file(1), sum: 'a' },
      { file: file(2), sum: 'c' },
    ],
  );
  assert.deepEqual(whole.part, { file: file(3), offset: 2, sum: 'd' });
  for (let cut = 0; cut <= text.length; cut++) {
    const { files, part } = readProgress(text.slice(0, cut));
    const lines = text.slice(0, cut).split('\n').length - 1;
    assert.deepEqual([files.size, part !== undefined], [[0, 1, 1, 2][lines], lines === 2]);
  }
  assert.equal(readProgress('{"kind":"file"}\n'.repeat(3)).files.size, 0);
});
