import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillCalendar } from '../../src/app/fill-calendar.ts';
import { bytes, timeMs } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { dollars, HOUR, money, rates, START } from '../builders/money.ts';
import { node, Site } from '../builders/site.ts';
import { parse } from '../builders/site-text.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const DAY = 24 * HOUR;
const GIB = 1024 ** 3;
const now = Date.parse(START);

/** A site of the block as it is written; `members`: who is in its team, which the block leaves open. */
function open(members?: readonly string[], has = { cpu: 1_000_000, memory: 2 ** 50, gpus: 8 }) {
  const block = seedBlock('multi-tenancy');
  const text =
    members === undefined
      ? block
      : block.replace('research:\n', `research:\n      members: [${members.join(', ')}]\n`);
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  const ignored = parsed.warnings.filter(({ message }) => /ignored|later/.test(message));
  assert.deepEqual(ignored, [], 'nothing of it is ignored');
  const { scheduling, budgets } = fillCalendar(parsed.site, timeMs(now));
  const prices = { rates: [rates], models: [] };
  const site = new Site({ ...scheduling, money: money(budgets, { prices }) }, node('n', has));
  site.now = now;
  return site;
}
const free = { cpu: 0.001, wallMs: 1_000 };

describe('user_limits.default', () => {
  test('concurrent_pipelines: five at once, of each user', whereSeed, () => {
    const site = open();
    for (let i = 0; i < 5; i++) assert.equal(site.submit({ tenant: 'ada', ...free }), undefined);
    const refusal = site.submit({ tenant: 'ada', ...free });
    assert.ok(refusal?.code === 'too-many-active' && refusal.max === 5);
    assert.equal(site.submit({ tenant: 'bo', ...free }), undefined);
    site.pass();
    site.endAll();
    site.pass();
    assert.equal(site.submit({ tenant: 'ada', ...free }), undefined);
  });

  test('daily_executions: a hundred a day, and again after midnight', whereSeed, () => {
    const site = open();
    for (let i = 0; i < 100; i++) {
      assert.equal(site.submit({ tenant: 'ada', ...free }), undefined, `${i}`);
      site.pass();
      site.endAll();
      site.pass();
    }
    const refusal = site.submit({ tenant: 'ada', ...free });
    assert.ok(refusal?.code === 'too-many-submitted' && refusal.max === 100);
    site.now = now + DAY;
    assert.equal(site.submit({ tenant: 'ada', ...free }), undefined);
  });

  test('storage_quota: who keeps 10 GiB starts nothing new', whereSeed, () => {
    const site = open();
    const keeps = (gib: number): void => {
      const used = [{ tenant: 'ada' as TenantId, bytes: bytes(gib * GIB) }];
      const { events } = site.engine.decide({ kind: 'report-storage', at: site.at, used });
      for (const event of events) site.engine.apply(event);
    };
    keeps(10);
    site.submit({ tenant: 'ada', ...free });
    site.submit({ tenant: 'bo', ...free });
    assert.deepEqual(site.placedBy('tenant'), ['bo']);
    const why = site.why(1);
    assert.ok(why?.code === 'storage-quota' && why.limit === 10 * GIB);
    site.restart();
    assert.deepEqual(site.pass(), [], 'it is remembered');
    keeps(9);
    assert.deepEqual(site.placedBy('tenant'), ['ada']);
  });

  test('cost_budget: ten dollars a day, two hundred a month', whereSeed, () => {
    const site = open();
    // A dollar an hour: a task of ten hours is what a day may cost.
    const spend = (hours: number): boolean => {
      const before = site.running.size;
      site.submit({ tenant: 'ada', cpu: 1, wallMs: hours * HOUR });
      site.pass();
      if (site.running.size === before) return false;
      site.now += hours * HOUR;
      site.endAll();
      site.pass();
      return true;
    };
    assert.ok(spend(9));
    assert.ok(!spend(2), 'eleven dollars on one day');
    const why = site.why(2);
    assert.ok(why?.code === 'budget' && why.limit === dollars(10), JSON.stringify(why));
    site.cancel(2);
    site.pass();
    assert.equal(site.submit({ tenant: 'bo', cpu: 1, wallMs: HOUR }), undefined);
    assert.equal(site.pass().length, 1, 'each user has a budget of its own');
    site.endAll();
    site.pass();

    let days = 0;
    for (; days < 31; days++) {
      site.now = Date.parse('2026-02-01T01:00:00Z') + days * DAY;
      if (!spend(10)) break;
    }
    assert.equal(days, 20, 'two hundred dollars in a month');
  });
});

describe('team_limits.research', () => {
  test('dedicated_resources are kept for it, idle if need be', whereSeed, () => {
    const has = { cpu: 20_000, memory: 80 * GIB, gpus: 6 };
    const asks = [
      [{ cpu: 5 }, 'cpu'],
      [{ cpu: 1, gib: 17 }, 'memory'],
      [{ cpu: 1, gpu: 3 }, 'gpu'],
    ] as const;
    for (const [ask, resource] of asks) {
      const site = open(['rita'], has);
      site.submit({ tenant: 'ada', ...ask, wallMs: 1_000 });
      assert.deepEqual(site.pass(), [], `20 CPU, 80 GiB and 6 GPUs are free: ${resource}`);
      const why = site.why(1);
      assert.ok(why?.code === 'kept-for-others' && why.resource === resource, JSON.stringify(why));
      site.submit({ tenant: 'rita', cpu: 8, gib: 60, gpu: 2, wallMs: 1_000 });
      assert.deepEqual(site.placedBy('tenant'), ['rita']);
    }
    const site = open(['rita'], has);
    site.submit({ tenant: 'ada', cpu: 4, gib: 16, gpu: 2, wallMs: 1_000 });
    assert.deepEqual(site.placedBy('tenant'), ['ada'], 'the rest is for everybody');
  });

  test('concurrent_pipelines: fifty of all members together', whereSeed, () => {
    const members = Array.from({ length: 11 }, (_, i) => `m${i}`);
    const site = open(members);
    for (const tenant of members.slice(0, 10)) {
      for (let i = 0; i < 5; i++) assert.equal(site.submit({ tenant, ...free }), undefined);
    }
    const refusal = site.submit({ tenant: 'm10', ...free });
    assert.ok(refusal?.code === 'too-many-active' && refusal.max === 50);
  });

  test('storage_quota: 1 TiB of all members together', whereSeed, () => {
    const members = Array.from({ length: 120 }, (_, i) => `m${i}`);
    const site = open(members);
    const used = members.map((tenant) => ({
      tenant: tenant as TenantId,
      bytes: bytes(9 * GIB),
    }));
    const { events } = site.engine.decide({ kind: 'report-storage', at: site.at, used });
    for (const event of events) site.engine.apply(event);
    site.submit({ tenant: 'm0', ...free });
    site.submit({ tenant: 'ada', ...free });
    assert.deepEqual(site.placedBy('tenant'), ['ada']);
    const why = site.why(1);
    assert.ok(why?.code === 'storage-quota' && why.limit === 1024 * GIB, JSON.stringify(why));
  });
});

test('enabled: false switches all of it off', whereSeed, () => {
  const parsed = parse(seedBlock('multi-tenancy').replace('enabled: true', 'enabled: false'));
  assert.ok(parsed.ok);
  const { scheduling, budgets } = parsed.site;
  assert.deepEqual(
    [scheduling.submissions, scheduling.storageQuotas, budgets],
    [undefined, undefined, []],
  );
});
