import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import type { NodeId } from '../../src/model/ids.ts';
import type { SpotReading } from '../../src/model/spot.ts';
import { SpotFeed } from '../../src/runtime/spot-feed.ts';
import { quote } from '../builders/spot-stage.ts';

const node = 'n' as NodeId;
const reading = (price: number, ...deadlines: number[]): SpotReading => ({
  quotes: [quote(price)],
  notices: deadlines.map((at) => ({ node, deadline: timeMs(at) })),
});
const price = (of: number) => ({ kind: 'spot-price', quotes: [quote(of)] });
const notice = (at: number) => ({ kind: 'spot-notice', node, deadline: at });

test('only what is news becomes a command', () => {
  const feed = new SpotFeed();
  const hear = (one: SpotReading, now: number) => feed.requests(one, timeMs(now));
  assert.deepEqual(hear(reading(1, 50), 0), [price(1), notice(50)]);
  assert.deepEqual(hear(reading(1, 50), 1), []);
  assert.deepEqual(hear(reading(1, 50, 90), 2), [notice(90)]);
  assert.deepEqual(hear(reading(2), 3), [price(2)]);
  assert.deepEqual(hear(reading(2, 3), 3), [], 'a deadline that has passed is told to nobody');
  assert.deepEqual(hear(reading(2, 90), 4), [notice(90)], 'taken back, and said again');
  feed.forget();
  assert.deepEqual(
    hear(reading(2, 90), 5),
    [price(2), notice(90)],
    'what was not taken is said again',
  );
});
