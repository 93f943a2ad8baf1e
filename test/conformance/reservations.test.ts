import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../src/model/node.ts';
import { Site, specOf } from '../builders/site.ts';
import { reported, schedulingOf } from '../builders/site-text.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { a100, machine } from './seed-runs.ts';

const HOUR = 3_600_000;
const at = (clock: string): number => Date.parse(`2026-05-05T${clock}:00Z`);

function siteAt(clock: string, ...nodes: readonly Node[]): Site {
  const now = at(clock);
  const site = new Site(schedulingOf(seedBlock('reservations'), now), ...nodes);
  site.now = now;
  return site;
}

/** How many of such tasks start, by the name of their pipeline. */
function starts(
  site: Site,
  name: string,
  ask: { cpu?: number; gib?: number; gpu?: number },
): number {
  // For an hour: what might run on into a window is kept out before it opens.
  site.submitSpec({ ...specOf({ cpu: 1, count: 200, runMs: HOUR, ...ask }), name });
  return site.pass().length;
}

const gpus = ['g0', 'g1', 'g2', 'g3'].map(a100);
const large = machine('n', { cpu: 64, gib: 256, gpus });

test(
  '`production_reserve`: 8 CPU, 32 GiB and 2 GPUs are kept at any time for `production_*`',
  whereSeed,
  () => {
    for (const clock of ['07:00', '12:00', '20:59']) {
      assert.equal(starts(siteAt(clock, large), 'research', { cpu: 1 }), 64 - 8, clock);
      assert.equal(starts(siteAt(clock, large), 'research', { cpu: 0, gib: 4 }), (256 - 32) / 4);
      assert.equal(starts(siteAt(clock, large), 'research', { cpu: 0, gpu: 1 }), 4 - 2);
      // A pattern, not a beginning: whose name only has it somewhere is not meant.
      assert.equal(starts(siteAt(clock, large), 'my_production_run', { cpu: 1 }), 64 - 8);
    }
  },
);

test('`pipelines`: what its name matches has all of that', whereSeed, () => {
  for (const name of ['production_', 'production_nightly']) {
    assert.equal(starts(siteAt('12:00', large), name, { cpu: 1 }), 64);
    assert.equal(starts(siteAt('12:00', large), name, { cpu: 0, gpu: 1 }), 4);
  }
  const site = siteAt('12:00', large);
  assert.equal(starts(site, 'research', { cpu: 1 }), 56);
  assert.equal(starts(site, 'production_late', { cpu: 1 }), 8);
});

test(
  '`scheduled_batch`: 16 CPU and 64 GiB more from 22:00 until 06:00 UTC, for what is called so',
  whereSeed,
  () => {
    for (const clock of ['22:00', '23:00', '00:00', '05:59']) {
      assert.equal(starts(siteAt(clock, large), 'research', { cpu: 1 }), 64 - 8 - 16, clock);
      assert.equal(
        starts(siteAt(clock, large), 'research', { cpu: 0, gib: 4 }),
        (256 - 32 - 64) / 4,
      );
      assert.equal(starts(siteAt(clock, large), 'scheduled_batch', { cpu: 1 }), 64 - 8, clock);
      assert.equal(starts(siteAt(clock, large), 'production_nightly', { cpu: 1 }), 64 - 16, clock);
    }
    for (const clock of ['06:00', '07:00', '20:59']) {
      assert.equal(starts(siteAt(clock, large), 'research', { cpu: 1 }), 64 - 8, clock);
    }
    assert.deepEqual(reported(seedBlock('reservations')), []);
  },
);

test(
  'a task that might run on into the night is not put where it would be in the way',
  whereSeed,
  () => {
    const short = { cpu: 1, runMs: 30 * 60_000 };
    const long = { cpu: 1, runMs: 2 * HOUR };
    const begun = (ask: typeof short) => {
      const site = siteAt('21:00', large);
      site.submit({ ...ask, count: 200 });
      return site.pass().length;
    };
    assert.deepEqual([begun(short), begun(long)], [64 - 8, 64 - 8 - 16]);
  },
);
