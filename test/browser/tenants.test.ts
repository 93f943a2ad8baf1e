import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyLab } from '../api/scenarios.ts';
import { GIB } from '../api/toy-workload.ts';
import { noMoney } from '../builders/no-money.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet } from './telemetry.ts';

const { bounded, openPage } = pageTests();

const past = (tenant: string, cost: number, failures: number) => ({
  group: [tenant],
  cpu_hours: cost / 100_000,
  cpu_used_ratio: 0.5,
  memory_gib_hours: 4,
  gpu_hours: 2,
  unpriced: tenant === 'ada' ? 1 : 0,
  wait_ms: 0,
  tokens: 0,
  calls: 0,
  cost,
  attempts: 40,
  failures,
});

for (const [name, look] of Object.entries(looks)) {
  test(`tenants, ${name}: what each holds, uses and used`, bounded, async (t) => {
    const site = busyLab();
    const of = (tenant: string, value: number) => ({ labels: { tenant }, value: () => value });
    const opened = await openPage(t, site, {
      ...look,
      hash: '#/tenants',
      money: {
        ...noMoney.money,
        report: async (spanMs, by) => ({
          from: site.now - spanMs,
          to: site.now,
          complete: true,
          by: [...by],
          rows: [past('ada', 42_000_000, 3), past('grace', 1_250_000, 0)],
          total: past('all', 43_250_000, 3),
        }),
      },
      telemetry: {
        ...quiet(site.now),
        metrics: {
          berth_tenant_cpu_used: { unit: 'none', curves: [of('ada', 11.2)] },
          berth_tenant_memory_bytes: { unit: 'bytes', curves: [of('ada', 61 * GIB)] },
        },
      },
    });
    const { page, see, shot } = opened;
    await see('Nobody holds anything now.');
    const ada = page.locator('[data-tenant="ada"]');
    await ada.getByRole('img', { name: /^11\.2 used \(measured\) and 0 held/ }).waitFor();
    await page
      .locator('[data-tenant="grace"]')
      .getByRole('img', { name: /^— used/ })
      .first()
      .waitFor();
    const cells = await ada.locator('td').allTextContents();
    assert.deepEqual(cells.slice(4), ['420.00', '2.00', '~$42.00', '3 of 40']);
    await see('Nobody has a quota or a budget: the blocks');
    await see(/^live$/);
    await shot(`tenants-${name}`);
    await lookOver(opened);
  });
}

test('without tenants the page teaches what makes one', bounded, async (t) => {
  const opened = await openPage(t, busyLab());
  await opened.see(/3 running/);
  await opened.page.keyboard.press('g');
  await opened.page.keyboard.press('t');
  await opened.see('Nobody holds anything, and nobody did. Who submits is a tenant:');
  await opened.shot('tenants-empty');
  await lookOver(opened);
});
