import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyLab } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet, type Telemetry, wave } from './telemetry.ts';

const { bounded, openPage } = pageTests();

/** Twelve cores, two tenants' tasks and one temperature. */
function measured(now: number): Telemetry {
  const cores = Array.from({ length: 12 }, (_, i) => ({
    labels: { node: 'here', cpu: String(i) },
    value: wave(0.95 - i * 0.07, 0.04, 120_000 + i * 10_000),
  }));
  return {
    ...quiet(now),
    metrics: {
      berth_node_cpu_core_busy_ratio: { unit: 'ratio', curves: cores },
      berth_task_memory_bytes: {
        unit: 'bytes',
        curves: [
          { labels: { tenant: 'ada', task: '1.main.0' }, value: wave(2 ** 31, 2 ** 28) },
          { labels: { tenant: 'bo', task: '2.main.0' }, value: wave(2 ** 30, 2 ** 27) },
        ],
      },
      berth_node_temperature_celsius: {
        unit: 'celsius',
        source: 'driver',
        curves: [{ labels: { sensor: 'cpu' }, value: () => 61 }],
      },
    },
  };
}

for (const [name, look] of Object.entries(looks)) {
  test(`metrics, ${name}: from the catalogue to one series`, bounded, async (t) => {
    const site = busyLab();
    const opened = await openPage(t, site, {
      ...look,
      hash: '#/metrics',
      telemetry: measured(site.now),
    });
    const { page, see, shot } = opened;
    await see('3 metrics, 15 series. 98% of what should be here is fresh.');
    await shot(`metrics-${name}`);
    await lookOver(opened, 'the catalogue');
    await page.getByLabel('Search metrics').fill('cpu core');
    await page.locator('[data-row="berth_node_cpu_core_busy_ratio"]').click();
    await page.waitForURL(/#\/metrics\/berth_node_cpu_core_busy_ratio$/);
    await see(/^The 8 of 12 series with the greatest mean over 1h; a label narrows them$/);
    await page.getByRole('img', { name: /: 8 lines between/ }).waitFor();
    const table = page.getByRole('table', { name: 'Newest values' });
    assert.equal(await table.locator('[data-row]').count(), 12);
    await see('berth metrics history berth_node_cpu_core_busy_ratio --since 1h');
    await page.getByRole('button', { name: '6h' }).click();
    await page.getByLabel('cpu', { exact: true }).selectOption('3');
    await page.waitForURL(/\?label=cpu%3D3&since=6h$/);
    await see(/^1 series over 6h$/);
    await see('berth metrics history berth_node_cpu_core_busy_ratio --label cpu=3 --since 6h');
    assert.equal(await table.locator('[data-row]').count(), 1);
    await page.getByLabel('cpu', { exact: true }).selectOption('');
    await see(/^The 8 of 12 series/);
    await see(/^live$/);
    await shot(`metric-${name}`);
    await lookOver(opened, 'one metric');
  });
}

test('an address leads to a metric, its labels and span; up leads back', bounded, async (t) => {
  const site = busyLab();
  const opened = await openPage(t, site, {
    hash: '#/metrics/berth_task_memory_bytes?label=tenant%3Dada&since=15m',
    telemetry: measured(site.now),
  });
  const { page, see } = opened;
  await see(/^1 series over 15m$/);
  assert.equal(await page.getByLabel('tenant', { exact: true }).inputValue(), 'ada');
  assert.equal(await page.title(), 'berth_task_memory_bytes · Berth lab-3');
  const box = (await page.locator('.metric-plot .u-over').boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await see(/^1 series over 15m, at \d{4}-/);
  await page.locator('h1').click();
  await page.keyboard.press('u');
  await see(/^3 metrics/);
  await page.goBack();
  await see(/^1 series over 15m$/);
  assert.deepEqual(opened.complaints, []);
});

test(
  'nothing measured, a name that nobody knows, and a daemon without metrics',
  bounded,
  async (t) => {
    const opened = await openPage(t, busyLab(), { hash: '#/metrics' });
    await opened.see('Nothing is measured yet.');
    await opened.shot('metrics-empty');
    await lookOver(opened);
    await opened.go('#/metrics/berth_nothing');
    await opened.see('Nothing was measured in the last 1h that has these labels.');
    await lookOver(opened, 'an unknown metric');
    const older = await openPage(t, busyLab(), { telemetry: 'lacking' });
    await older.see(/3 running/);
    await older.page.keyboard.press('g');
    await older.page.keyboard.press('m');
    await older.see('Metrics are not available in this daemon.');
    await older.go('#/metrics/berth_nothing');
    await older.see('Not available in this daemon: it keeps no history of metrics.');
  },
);
