import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type node, Site } from '../builders/site.ts';
import { reported, schedulingOf } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { a100, machine } from './seed-runs.ts';

const HOUR = 3_600_000;
const GB = 1_000_000_000;
const START = Date.parse('2026-05-01T00:00:00Z');

/** The block as the site file, beside it who is in which team: the block names teams, and nobody in them. */
function siteOf(more = '', ...nodes: ReturnType<typeof node>[]): Site {
  const site = new Site(schedulingOf(`${seedBlock('fair-scheduling')}${more}`, START), ...nodes);
  site.now = START;
  return site;
}

const large = machine('n', { cpu: 1_000, gib: 20_000, gpus: ['a', 'b', 'c', 'd'].map(a100) });

interface Used {
  readonly ask: { readonly cpu?: number; readonly gib?: number; readonly gpu?: number };
  /** Hours for which one such task may run before the quota is used up. */
  readonly hours: number;
}
const quotas: Readonly<Record<string, Readonly<Record<string, Used>>>> = {
  // `default`, of whom nothing is said.
  ana: {
    'cpu_hours: 100': { ask: { cpu: 10 }, hours: 10 },
    'memory_gb_hours: 1000': { ask: { cpu: 0, gib: 100 }, hours: (10 * GB) / GIB },
    'gpu_hours: 10': { ask: { cpu: 0, gpu: 2 }, hours: 5 },
  },
  premium: {
    'cpu_hours: 500': { ask: { cpu: 50 }, hours: 10 },
    'memory_gb_hours: 5000': { ask: { cpu: 0, gib: 500 }, hours: (10 * GB) / GIB },
    'gpu_hours: 50': { ask: { cpu: 0, gpu: 2 }, hours: 25 },
  },
};

for (const [tenant, rows] of Object.entries(quotas)) {
  for (const [quota, { ask, hours }] of Object.entries(rows)) {
    test(`\`user_quotas\`: ${tenant} has ${quota} and no more`, whereSeed, () => {
      const site = siteOf('', large);
      const run = (of: string, ms: number): boolean => {
        assert.equal(site.submit({ ...ask, tenant: of, runMs: 1 }), undefined);
        const [attempt] = site.pass();
        if (attempt === undefined) return false;
        site.now += ms;
        site.end(attempt);
        return true;
      };
      assert.ok(run(tenant, Math.floor(hours * HOUR) - 60_000), 'most of it');
      assert.ok(run(tenant, 61_000), 'the rest of it');
      assert.equal(run(tenant, 1_000), false, 'more than it');
      const waiting = String(site.engine.state.workloadsEver);
      assert.equal(site.why(Number(waiting))?.code, 'quota');
      // It is his own: somebody else has all of his.
      assert.ok(run('other', 60_000));
      // A month later it is there again.
      site.now = Date.parse('2026-06-01T00:00:01Z');
      assert.deepEqual(
        site.pass().map((id) => site.asked(id).tenant),
        [tenant],
      );
    });
  }
}

const teams = `multi_tenancy:
  teams:
    research: {members: [r1, r2]}
    production: {members: [p]}
    development: {members: [d]}
`;

test(
  '`team_shares`: of 100 CPUs that all want, research has 40, production 50, development 10',
  whereSeed,
  () => {
    const site = siteOf(teams, machine('n', { cpu: 100, gib: 1_000 }));
    for (const tenant of ['d', 'r1', 'p', 'r2']) {
      assert.equal(site.submit({ tenant, count: 200, runMs: 1 }), undefined);
    }
    site.pass();
    const held = site.held('tenant');
    assert.deepEqual(
      [held['r1']! + held['r2']!, held['p'], held['d']],
      [40, 50, 10],
      JSON.stringify(held),
    );
    // `strategy: fair`: the two of one team share its part alike.
    assert.deepEqual([held['r1'], held['r2']], [20, 20]);
  },
);

test('what a team does not want the others share by the same parts', whereSeed, () => {
  const site = siteOf(teams, machine('n', { cpu: 90, gib: 1_000 }));
  for (const tenant of ['r1', 'p']) site.submit({ tenant, count: 200, runMs: 1 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { r1: 40, p: 50 });
});

test('`strategy: fair`: who held less goes next, not who came first', whereSeed, () => {
  const site = siteOf('', machine('n', { cpu: 4, gib: 1_000 }));
  site.submit({ tenant: 'early', count: 9, runMs: 1 });
  site.submit({ tenant: 'late', count: 9, runMs: 1 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { early: 2, late: 2 });
});

test('the block alone says that nobody is in its teams yet', whereSeed, () => {
  const said = reported(seedBlock('fair-scheduling'));
  assert.equal(said.length, 3);
  for (const line of said) assert.match(line, /nobody is in this team/);
  assert.deepEqual(reported(`${seedBlock('fair-scheduling')}${teams}`), []);
});
