import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillCalendar } from '../../src/app/fill-calendar.ts';
import { bytes, timeMs } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { berth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { Site } from '../builders/site.ts';
import { parse } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { a100, machine, readBlock } from './seed-runs.ts';

const NAME = 'multi-tenant-pipeline';
const HOUR = 3_600_000;
const START = Date.parse('2026-05-01T00:00:00Z');
const steps = 'steps:\n  - {id: count, action: simple_process, with: {text: shared}}\n';

function written() {
  const parsed = parse(seedBlock(NAME));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.site;
}

function siteOf(...nodes: ReturnType<typeof machine>[]): Site {
  const site = new Site(fillCalendar(written(), timeMs(START)).scheduling, ...nodes);
  site.now = START;
  return site;
}

const large = machine('n', { cpu: 1_000, gib: 20_000, gpus: ['a', 'b', 'c', 'd'].map(a100) });

test(
  '`tenant_limits.compute`: each user holds 4 CPU and 16 GiB at once, whatever is free',
  whereSeed,
  () => {
    const site = siteOf(large);
    for (const tenant of ['ana', 'bo']) {
      site.submit({ tenant, cpu: 1, count: 50, runMs: 1 });
      site.submit({ tenant, cpu: 0, gib: 2, count: 50, runMs: 1 });
    }
    const held = (tenant: string, of: 'cpu' | 'memory'): number =>
      [...site.running]
        .filter(([, ask]) => ask.tenant === tenant)
        .reduce((sum, [id]) => sum + site.engine.state.attempt(id)!.placement.held[of], 0);
    site.pass();
    for (const tenant of ['ana', 'bo']) {
      assert.equal(held(tenant, 'cpu'), 4_000);
      assert.equal(held(tenant, 'memory'), 16 * 1024 ** 3);
    }
    assert.equal(site.submit({ tenant: 'eve', cpu: 4.5 })?.code, 'exceeds-queue');
    assert.equal(site.submit({ tenant: 'eve', cpu: 1, gib: 17 })?.code, 'exceeds-queue');
  },
);

for (const [key, ask, hours] of [
  ['monthly_compute_hours: 1000', { cpu: 4 }, 250],
  ['monthly_gpu_hours: 100', { cpu: 0, gpu: 2 }, 50],
] as const) {
  test(`\`quotas.${key}\`: used up within a month, and there again in the next`, whereSeed, () => {
    const site = siteOf(large);
    const run = (tenant: string, ms: number): boolean => {
      assert.equal(site.submit({ ...ask, tenant, runMs: 1 }), undefined);
      const [attempt] = site.pass();
      if (attempt === undefined) return false;
      site.now += ms;
      site.end(attempt);
      return true;
    };
    assert.ok(run('ana', hours * HOUR - 60_000), 'most of it');
    assert.ok(run('ana', 61_000), 'the rest of it');
    assert.equal(run('ana', 1), false);
    assert.equal(site.why(3)?.code, 'quota');
    assert.ok(run('bo', 1), 'of each user');
    site.now = Date.parse('2026-06-01T00:00:01Z');
    assert.equal(site.pass().length, 1);
  });
}

test('`quotas.storage_per_tenant: 100Gi`: who keeps so much starts nothing new', whereSeed, () => {
  const site = siteOf(large);
  const keeps = (gib: number): void => {
    const used = [{ tenant: 'ana' as TenantId, bytes: bytes(gib * GIB) }];
    const { events } = site.engine.decide({ kind: 'report-storage', at: site.at, used });
    for (const event of events) site.engine.apply(event);
  };
  keeps(100);
  for (const tenant of ['ana', 'bo']) site.submit({ tenant, runMs: 1 });
  assert.deepEqual(site.placedBy('tenant'), ['bo']);
  const why = site.why(1);
  assert.ok(why?.code === 'storage-quota' && why.limit === 100 * GIB, JSON.stringify(why));
  keeps(99);
  assert.deepEqual(site.placedBy('tenant'), ['ana']);
});

test('`method: fair_share`: who used less goes first', whereSeed, () => {
  assert.equal(written().scheduling.root.children[0]?.order.name, 'fair-share');
  const site = siteOf(machine('n', { cpu: 2, gib: 64 }));
  site.submit({ tenant: 'ana', runMs: 1, count: 2 });
  site.pass();
  site.now += HOUR;
  site.endAll();
  site.submit({ tenant: 'ana', runMs: 1, count: 2 });
  site.submit({ tenant: 'bo', runMs: 1, count: 2 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { bo: 2 });
});

test(
  'as a pipeline, with steps: the block is told to be the site’s, and the rest runs',
  whereSeed,
  () => {
    const { spec, warnings } = readBlock(NAME, steps);
    assert.equal(spec.name, 'shared_platform_pipeline');
    assert.deepEqual(warnings, [
      'multi_tenancy: belongs in the site document of the daemon; ignored here',
    ]);
  },
);

test(
  'as the site of a daemon: 1.5 of its CPU is given out, tenants are apart, and the pipeline of each runs',
  whereSeed,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    const plain = scratchState(t);
    const cpuOf = async (at: string): Promise<number> => {
      const { nodes } = await fetchAs(at, '/nodes');
      return nodes[0].allocatable.cpu_milli;
    };
    const urls: Record<string, string> = {};
    // biome-ignore lint/suspicious/noExplicitAny: whatever the daemon answers; the assertions are about its shape.
    const fetchAs = async (at: string, path: string, token?: string): Promise<any> => {
      const answer = await fetch(`${urls[at]}/api/v1${path}`, {
        headers: { authorization: `Bearer ${token ?? tokens[at]}` },
      });
      return { ...((await answer.json()) as object), http: answer.status };
    };
    const tokens: Record<string, string> = {};
    for (const [at, args] of [
      [state, ['--site', scratch.write('site.yaml', seedBlock(NAME))]],
      [plain.state, []],
    ] as const) {
      urls[at] = (await berth(at, 'up', '-d', '--port', '0', ...args)).url;
      tokens[at] = (
        await berth(at, 'token', 'add', 'wall', '--role', 'viewer', '--sees', 'all')
      ).token;
    }
    assert.equal(await cpuOf(state), Math.floor((await cpuOf(plain.state)) * 1.5));

    const file = scratch.write('pipeline.yaml', `${seedBlock(NAME)}${steps}`);
    const ids: Record<string, string> = {};
    for (const tenant of ['ana', 'bo']) {
      const { id, warnings } = await berth(state, 'submit', file, '--tenant', tenant);
      assert.match(warnings.join(), /multi_tenancy: belongs in the site document/);
      const { status, workload } = await berth(state, 'wait', id);
      assert.deepEqual(
        [status, workload.name, workload.tenant],
        ['succeeded', 'shared_platform_pipeline', tenant],
      );
      ids[tenant] = id;
      tokens[tenant] = (await berth(state, 'token', 'add', tenant)).token;
    }
    // `isolation_level: namespace`: what is another's is not there.
    for (const [who, other] of [
      ['ana', 'bo'],
      ['bo', 'ana'],
    ] as const) {
      const seen = await fetchAs(state, '/workloads?state=all', tokens[who]);
      assert.deepEqual(
        seen.workloads.map(({ id }: { id: string }) => id),
        [ids[who]],
      );
      const hidden = await fetchAs(state, `/workloads/${ids[other]}`, tokens[who]);
      assert.equal(hidden.http, 404);
    }
  },
);
