import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MoneySite } from '../../src/api/contract/money-documents.ts';
import type { ScenarioSite } from '../api/scenario-site.ts';
import { busyLab } from '../api/scenarios.ts';
import { lookOver } from './look-over.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();
const DAY = 86_400_000;
const DOLLAR = 1_000_000;

/** A month with a third of it gone and half of its money, a day that is used up, and who spent it. */
function spending({ now: at }: ScenarioSite): MoneySite {
  const now = () => at;
  const sums = {
    cpu_used_ratio: 0.5,
    memory_gib_hours: 4,
    gpu_hours: 0,
    unpriced: 0,
    wait_ms: 0,
    tokens: 0,
    calls: 0,
  };
  const row = (name: string, cost: number, attempts: number, failures: number) => ({
    group: [name],
    ...sums,
    cpu_hours: cost / DOLLAR,
    cost,
    attempts,
    failures,
  });
  const budget = {
    scope: 'site',
    of: null,
    tenant: null,
    window: 'periods',
    at_limit: 'queue',
    soft: null,
  } as const;
  return {
    budgets: () => ({
      now: now(),
      budgets: [
        {
          ...budget,
          name: 'month',
          spent: 60 * DOLLAR,
          reserved: 10 * DOLLAR,
          limit: 120 * DOLLAR,
          from: now() - 10 * DAY,
          resets_at: now() + 20 * DAY,
        },
        {
          ...budget,
          name: 'day',
          spent: 9 * DOLLAR,
          reserved: DOLLAR,
          limit: 10 * DOLLAR,
          from: now() - DAY / 2,
          resets_at: now() + DAY / 2,
        },
      ],
    }),
    prices: () => ({ now: now(), file: null, rates: [], spot: [], models: [] }),
    report: async (spanMs, by) => ({
      from: now() - spanMs,
      to: now(),
      complete: spanMs <= 7 * DAY,
      by: [...by],
      rows: [row(`train by ${by}`, 1_250 * DOLLAR, 12, 3), row('eval', 2_500, 1, 0)],
      total: row('all', 1_250 * DOLLAR + 2_500, 13, 3),
    }),
    suggestions: async (spanMs) => ({
      from: now() - spanMs,
      to: now(),
      complete: true,
      suggestions: [
        {
          kind: 'memory',
          description: 'train asks for 64 GiB and uses 9 GiB',
          evidence: '12 attempts, at most 9.1 GiB',
          monthly_saving: 12 * DOLLAR,
          formula: '55 GiB × 40 h × $0.005',
        },
      ],
    }),
  };
}

test(
  'the cost page tells what was spent, of what, by whom, and what would save',
  bounded,
  async (t) => {
    const site = busyLab();
    const money = spending(site);
    const opened = await openPage(t, site, { hash: '#/cost', money });
    const { page, see } = opened;
    await see('$1\u202f250.00 in 7 days. 1 budget is used up.');
    const month = page.locator('[data-budget="month"]');
    assert.equal(
      await month.locator('svg').getAttribute('aria-label'),
      '$60.00 spent and $10.00 held back of $120.00',
    );
    // 60 in a third of the month.
    const cells = await month.locator('td').allTextContents();
    assert.deepEqual(cells.slice(1), [
      '$120.00',
      '$180.00',
      'all together',
      'waits for the reset',
      'in 20d 0h',
    ]);
    assert.equal(await month.locator('td.over').count(), 1);
    const used = await page.locator('[data-group="train by pipeline"] td').allTextContents();
    assert.deepEqual(used.slice(1), ['$1\u202f250.00', '1250', '0.00', '0', '12', '3']);
    assert.equal(await page.locator('[data-group="eval"] td').nth(1).textContent(), '$0.0025');
    await see('train asks for 64 GiB and uses 9 GiB');
    await page.getByRole('button', { name: 'user' }).click();
    await page.getByRole('button', { name: '30d' }).click();
    await see('train by user');
    await see('The journal does not tell of all that time.');
    await see('berth usage --since 30d --by user');
    assert.deepEqual(opened.complaints, []);
  },
);

test('a site without prices says what to type', bounded, async (t) => {
  const opened = await openPage(t, busyLab(), { hash: '#/cost' });
  await opened.see('Nothing with a price in 7 days.');
  await opened.see('berth up --site examples/budgets.yaml --prices examples/prices.yaml');
  await opened.page.keyboard.press('g');
  await opened.page.keyboard.press('q');
  await opened.see('Asks 2 GPUs; lab-3 has 0 free.');
  await opened.page.keyboard.press('g');
  await opened.page.keyboard.press('c');
  await opened.see('Nothing with a price in 7 days.');
});

for (const [name, look] of Object.entries({
  light: {},
  dark: { dark: true },
  phone: { phone: true },
})) {
  test(`the cost page, ${name}: readable, named, within the screen`, bounded, async (t) => {
    const site = busyLab();
    const money = spending(site);
    const opened = await openPage(t, site, { ...look, hash: '#/cost', money });
    await opened.see('What would save');
    await opened.see(/^live$/);
    await opened.shot(`cost-${name}`);
    for (const head of ['Budget', 'Of', 'Resets', 'Dollars', 'Failed']) {
      const column = opened.page.getByRole('columnheader', { name: head, exact: true });
      assert.ok(await column.isVisible(), head);
    }
    await lookOver(opened);
  });
}
