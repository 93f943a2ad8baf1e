import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manyTasks, oneRunning } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet } from './telemetry.ts';
import { taskMetrics } from './telemetry-scenes.ts';

const { bounded, openPage } = pageTests();

for (const [name, look] of Object.entries(looks)) {
  test(`what a task uses of what it holds, ${name}`, bounded, async (t) => {
    const site = oneRunning();
    const telemetry = { ...quiet(site.now), metrics: taskMetrics(site) };
    const opened = await openPage(t, site, {
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
    await use
      .getByText(
        'berth metrics history berth_task_cpu_ratio --label attempt=1.train.3.1 --since 15m',
        { exact: true },
      )
      .waitFor();
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
    const opened = await openPage(t, site, { hash: '#/workloads/1', telemetry });
    const use = opened.page.getByRole('region', { name: 'Use', exact: true });
    await use.getByRole('button', { name: 'all tasks' }).click();
    await use.getByText('--label workload=1 ').waitFor();
    await use
      .getByText(/12 lines, highest 1\.embed\./)
      .first()
      .waitFor();
    await opened.shot('task-use-all');
  },
);

test('where nothing was measured the page says so, and why', bounded, async (t) => {
  const opened = await openPage(t, oneRunning(), { hash: '#/workloads/1' });
  await opened.see('Nothing is measured yet; the first sample comes within seconds.');
  await opened.page.locator('[data-row="1.prepare.0.1"]').click();
  await opened.see('Nothing was measured in the 12s that it ran.');
  await opened.shot('task-use-empty');
  const older = await openPage(t, oneRunning(), {
    hash: '#/workloads/1',
    telemetry: 'lacking',
  });
  await older.see('Not available in this daemon: it keeps no history of metrics.');
  assert.equal(await older.page.getByRole('alert').count(), 0);
});
