import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { manyTasks, oneRunning } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { buildPage, launch, openPage, skipReason } from './open-page.ts';
import { quiet } from './telemetry.ts';
import { taskMetrics } from './telemetry-scenes.ts';

const skip = skipReason();
const bounded = { skip, timeout: 60_000 };
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  buildPage();
  browser = await launch();
});
after(async () => {
  if (skip === false) await browser.close();
});

for (const [name, look] of Object.entries(looks)) {
  test(`what a task uses of what it holds, ${name}`, bounded, async (t) => {
    const site = oneRunning();
    const telemetry = { ...quiet(site.now), metrics: taskMetrics(site) };
    const opened = await openPage(t, browser, site, {
      ...look,
      hash: '#/workloads/1?attempt=1.train.3.1',
      telemetry,
    });
    const use = opened.page.getByRole('region', { name: 'Use', exact: true });
    await use.getByRole('img', { name: /^Memory from .*limit 10\.0 GiB/ }).waitFor();
    await use.getByRole('img', { name: /^CPU from .*held 4\.00/ }).waitFor();
    await use.getByRole('img', { name: /^Pressure from .*cpu .*memory .*i\/o/ }).waitFor();
    await use.getByRole('img', { name: /^I\/O from .*read .* MiB\/s/ }).waitFor();
    assert.equal(await use.getByRole('img', { name: /^GPU/ }).count(), 0);
    await opened.shot(`task-use-${name}`);
    await lookOver(opened);
  });
}

test(
  'all tasks side by side are at most a dozen lines, and the rest is told',
  bounded,
  async (t) => {
    const site = manyTasks();
    const telemetry = { ...quiet(site.now), metrics: taskMetrics(site) };
    const opened = await openPage(t, browser, site, { hash: '#/workloads/1', telemetry });
    const use = opened.page.getByRole('region', { name: 'Use', exact: true });
    await use.getByRole('button', { name: 'all tasks' }).click();
    await use
      .getByText(/12 lines, highest 1\.embed\./)
      .first()
      .waitFor();
    await opened.shot('task-use-all');
  },
);

test('where nothing was measured the page says so, and why', bounded, async (t) => {
  const opened = await openPage(t, browser, oneRunning(), { hash: '#/workloads/1' });
  await opened.see('Nothing is measured yet; the first sample comes within seconds.');
  await opened.page.locator('[data-row="1.prepare.0.1"]').click();
  await opened.see('Nothing was measured in the 12s that it ran.');
  await opened.shot('task-use-empty');
  const older = await openPage(t, browser, oneRunning(), {
    hash: '#/workloads/1',
    telemetry: 'lacking',
  });
  await older.see('Not available in this daemon: it keeps no history of metrics.');
  assert.equal(await older.page.getByRole('alert').count(), 0);
});
