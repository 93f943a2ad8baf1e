import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import { type Arrival, Arrivals } from '../../src/forecasting/arrivals.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { specOf } from '../builders/site.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const spec = specOf({});

/** Each day one at nine and two at ten, by who it was that day. */
function workingDays(days: number): Arrivals {
  const arrivals = new Arrivals();
  for (let day = 0; day < days; day++) {
    for (const hour of [9, 10, 10]) {
      const at = timeMs(day * DAY_MS + hour * HOUR_MS);
      arrivals.note({ at, tenant: `day-${day}` as TenantId, spec });
    }
  }
  return arrivals;
}

function drawn(of: Arrivals, from: number, count: number, seed = 1): Arrival[] {
  const found: Arrival[] = [];
  for (const arrival of of.draw(new Prng(seed), timeMs(from))) {
    found.push(arrival);
    if (found.length === count) break;
  }
  return found;
}

test('coming days are like those before, at the same time of day', () => {
  const from = 10 * DAY_MS;
  const found = drawn(workingDays(10), from, 15);
  const hours = found.map(({ at }) => (at - from) / HOUR_MS);
  const days = [0, 1, 2, 3, 4];
  assert.deepEqual(
    hours,
    days.flatMap((day) => [9, 10, 10].map((hour) => 24 * day + hour)),
  );
  const ofDay = days.map((day) => new Set(found.slice(3 * day, 3 * day + 3).map((a) => a.tenant)));
  assert.ok(
    ofDay.every(({ size }) => size === 1),
    'a day is drawn as a whole',
  );
  assert.ok(new Set(found.map(({ tenant }) => tenant)).size > 1, 'and not always the same');
});

test('from the middle of a day on, what is left of it comes first', () => {
  const from = 10 * DAY_MS + 9.5 * HOUR_MS;
  const hours = drawn(workingDays(11), from, 3).map(({ at }) => (at - from) / HOUR_MS);
  assert.deepEqual(hours, [0.5, 0.5, 23.5]);
});

test('it ends, comes out the same for the same seed, and says nothing where less than a day is known', () => {
  const arrivals = workingDays(10);
  const all = drawn(arrivals, 10 * DAY_MS, 1_000_000);
  assert.equal(all.length, 28 * 3);
  assert.deepEqual(drawn(arrivals, 10 * DAY_MS, 1_000_000), all);
  assert.notDeepEqual(drawn(arrivals, 10 * DAY_MS, 1_000_000, 2), all);
  assert.deepEqual(drawn(workingDays(1), 20 * HOUR_MS, 5), []);
  assert.deepEqual(drawn(new Arrivals(), 20 * HOUR_MS, 5), []);
});

test('the newest thousands are remembered', () => {
  const arrivals = new Arrivals();
  for (let i = 0; i < 30_000; i++)
    arrivals.note({ at: timeMs(i * HOUR_MS), tenant: 'ada' as TenantId, spec });
  const found = drawn(arrivals, 30_000 * HOUR_MS, 1_000_000);
  assert.equal(found.length, 28 * 24);
});
