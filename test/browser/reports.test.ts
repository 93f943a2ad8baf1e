import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyLab } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet } from './telemetry.ts';
import { monthOfKpis } from './telemetry-scenes.ts';

const { bounded, openPage } = pageTests();

for (const [name, look] of Object.entries(looks)) {
  test(
    `reports, ${name}: indicators against their targets, and budgets of objectives`,
    bounded,
    async (t) => {
      const site = busyLab();
      const opened = await openPage(t, site, {
        ...look,
        hash: '#/reports',
        telemetry: {
          ...quiet(site.now),
          kpis: () => monthOfKpis(site.now),
          reports: () => ({
            now: site.now,
            reports: [
              {
                id: 'weekly-1',
                every: 'week',
                from: site.now - 8 * 86_400_000,
                to: site.now - 86_400_000,
                generated_at: site.now - 86_400_000,
                state: 'warning',
              },
            ],
            schedules: [{ every: 'week', next_at: site.now + 6 * 86_400_000, problem: null }],
          }),
        },
      });
      const { page, see, shot } = opened;
      await see(
        '2 of 4 indicators miss their target. A failure took 71 minutes to repair, more than 60. The budget of 1 objective is used up too fast.',
      );
      const cells = async (kpi: string): Promise<readonly string[]> =>
        (await page.locator(`[data-kpi="${kpi}"] td`).allTextContents()).slice(0, 3);
      assert.deepEqual(await cells('cluster_utilization'), ['74%', '≥ 85%', 'warning']);
      assert.deepEqual(await cells('cost_per_inference'), ['$0.0008', '≤ $0.001', ' met']);
      assert.deepEqual(await cells('mttr_minutes'), ['71.3 min', '≤ 15 min', 'critical']);
      assert.deepEqual(await cells('inference_latency_p99'), ['—', '≤ 50 ms', '—']);
      await see(/^16× in 1h, 19× in 5m; fires from 14\.4×$/);
      await see(/^2\.1× in 6h, — in 30m; fires from 6×$/);
      const report = page.getByRole('link', { name: 'Report of 30d as a page' });
      assert.equal(await report.getAttribute('href'), '/api/v1/report?since=30d&format=html');
      assert.equal(
        await page.getByRole('link', { name: 'week' }).getAttribute('href'),
        '/api/v1/reports/weekly-1?format=html',
      );
      await see(/^live$/);
      await shot(`reports-${name}`);
      await lookOver(opened);
    },
  );
}

test(
  'without anything that happened, and without the route, the page says so',
  bounded,
  async (t) => {
    const opened = await openPage(t, busyLab(), { hash: '#/reports' });
    await opened.see('Nothing has happened yet that an indicator could be told from.');
    await opened.shot('reports-empty');
    await lookOver(opened);
    const older = await openPage(t, busyLab(), { telemetry: 'lacking' });
    await older.see(/3 running/);
    await older.page.keyboard.press('g');
    await older.page.keyboard.press('r');
    await older.see('Indicators and reports are not available in this daemon.');
    assert.equal(await older.page.getByRole('alert').count(), 0);
  },
);
