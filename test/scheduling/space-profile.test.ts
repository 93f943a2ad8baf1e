import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Bytes, bytes, spanMs } from '../../src/base/units.ts';
import type { SpacePhase } from '../../src/model/constraints.ts';
import { SpaceBook } from '../../src/scheduling/space-book.ts';
import { firstFit, loadFrom, peakOf, peakWith } from '../../src/scheduling/space-profile.ts';

const phase = fc.record({
  size: fc.integer({ min: 0, max: 10 }),
  for: fc.integer({ min: 0, max: 6 }),
});
const phases = fc.array(phase, { minLength: 1, maxLength: 4 }).map((list) =>
  list.map(
    (one, i): SpacePhase => ({
      name: `${i}`,
      bytes: one.size as Bytes,
      ...(i < list.length - 1 && { forMs: spanMs(one.for) }),
    }),
  ),
);
const holder = fc.record({ from: fc.nat(12), phases });
type Holder = typeof holder extends fc.Arbitrary<infer T> ? T : never;

/** What one holds at one moment, straight from the words of its phases. */
function heldAt(t: number, { from, phases: list }: Holder): number {
  if (t < from) return 0;
  let end = from;
  for (const { bytes: size, forMs } of list) {
    if (forMs === undefined) return size;
    end += forMs;
    if (t < end) return size;
  }
  return list.at(-1)!.bytes;
}
const HORIZON = 80;
const moments = (from: number) => Array.from({ length: HORIZON }, (_, i) => from + i);
const sumAt = (t: number, holders: readonly Holder[]) =>
  holders.reduce((sum, one) => sum + heldAt(t, one), 0);

test('the peak beside others is that of every moment, looked at one by one', () => {
  fc.assert(
    fc.property(fc.array(holder, { maxLength: 5 }), phases, fc.nat(20), (holders, own, at) => {
      const load = loadFrom(at, holders);
      const mine = { from: at, phases: own };
      const want = Math.max(...moments(at).map((t) => sumAt(t, holders) + heldAt(t, mine)));
      assert.equal(peakWith(load, own, at), want);
    }),
  );
});

test('the first fit is the first moment at which it fits, tried one by one', () => {
  fc.assert(
    fc.property(
      fc.array(holder, { maxLength: 4 }),
      phases,
      fc.nat(12),
      fc.integer({ min: 0, max: 25 }),
      (holders, own, at, capacity) => {
        const load = loadFrom(at, holders);
        const fits = (start: number) =>
          moments(start).every(
            (t) => sumAt(t, holders) + heldAt(t, { from: start, phases: own }) <= capacity,
          );
        const found = firstFit(load, own, at, capacity);
        const want = moments(at).slice(0, 60).find(fits);
        assert.equal(found, want);
      },
    ),
  );
});

/** Asked to start, time passes, or the first that runs ends early. */
const story = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), phases }),
    fc.record({ kind: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat(9) }),
  ),
  { maxLength: 40 },
);

test('whoever asks and ends when: at no moment more is held than there is, and none waits without need', () => {
  fc.assert(
    fc.property(story, fc.integer({ min: 1, max: 25 }), (events, capacity) => {
      const book = new SpaceBook();
      let now = 0;
      let running: (Holder & { key: string })[] = [];
      let asked = 0;
      const check = (to: number) => {
        for (let t = now; t < to; t++) {
          const sum = sumAt(t, running);
          assert.ok(sum <= capacity, `${sum} of ${capacity} at ${t}`);
        }
      };
      for (const event of events) {
        if (event.kind === 'pass') {
          check(now + event.by);
          now += event.by;
          book.advance(now);
        } else if (event.kind === 'end') {
          const gone = running[event.which];
          if (gone === undefined) continue;
          book.release(gone.key);
          running = running.filter((one) => one !== gone);
        } else {
          const mine = { from: now, phases: event.phases, key: `${asked++}` };
          const would = moments(now).every((t) => sumAt(t, [...running, mine]) <= capacity);
          assert.equal(book.fits(0, capacity, event.phases), would);
          if (!would) {
            const { bytes: lacking, until } = book.shortage(0, capacity, event.phases);
            assert.ok(lacking > 0 && (until === undefined || until > now));
            assert.ok(until === undefined || book.dueAt! <= until, 'it is looked at again by then');
            continue;
          }
          book.hold(mine.key, 0, event.phases);
          running.push(mine);
        }
      }
      check(now + HORIZON);
    }),
  );
});

test('two plots of 240 and then 100 GiB on a disk of 400: the second begins when the first is in its second phase', () => {
  const gib = (n: number) => bytes(n * 1024 ** 3);
  const hour = 3_600_000;
  const plot = [
    { name: 'tables', bytes: gib(240), forMs: spanMs(3 * hour) },
    { name: 'compression', bytes: gib(100) },
  ];
  assert.equal(peakOf(plot), gib(240));
  const load = loadFrom(hour, [{ from: 0, phases: plot }]);
  assert.equal(peakWith(load, plot, hour), gib(480));
  assert.equal(firstFit(load, plot, hour, gib(400)), 3 * hour);
  assert.equal(firstFit(load, plot, hour, gib(480)), hour);
  assert.equal(firstFit(load, plot, hour, gib(339)), undefined);
});
