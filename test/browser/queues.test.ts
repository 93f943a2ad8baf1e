import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { ScenarioSite } from '../api/scenario-site.ts';
import { busyLab } from '../api/scenarios.ts';
import { queueScene } from '../builders/queue-scene.ts';
import { lookOver } from './look-over.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();

function scene(): ScenarioSite {
  const site = busyLab();
  site.scheduling = queueScene();
  return site;
}

test('the queue page draws the tree with use against guarantee and limit', bounded, async (t) => {
  const opened = await openPage(t, scene(), { hash: '#/queue' });
  const { page, see } = opened;
  await see('Waiting by reason');
  const names = await page
    .locator('[data-queue]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-queue')));
  assert.deepEqual(names, [
    'root',
    'production',
    'serving',
    'batch',
    'research',
    'research/vision',
    'research/others',
    'best_effort',
  ]);
  const bar = (queue: string) =>
    page.locator(`[data-queue="${queue}"] svg`).getAttribute('aria-label');
  assert.equal(
    await bar('production'),
    '0 CPU held, 8 CPU guaranteed, no limit, the site has 16 CPU',
  );
  assert.equal(await bar('research'), '4 CPU held, limit 6 CPU, the site has 16 CPU');
  const cells = await page.locator('[data-queue="best_effort"] td').allTextContents();
  assert.deepEqual(cells.slice(1), ['10 CPU, 2.0 GiB', '—', '—', '63%', '10%', '2', '1']);
  await opened.shot('queue-tree');
  assert.deepEqual(opened.complaints, []);
});

test('a queue that is chosen shows what waits there, and only that', bounded, async (t) => {
  const opened = await openPage(t, scene(), { hash: '#/queue' });
  const { page, see } = opened;
  const codes = () =>
    page
      .locator('[data-code]')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-code')));
  await see('Asks 2 GPUs; lab-3 has 0 free.');
  await page.locator('[data-code="waits-for-victims"]').waitFor();
  assert.deepEqual(await codes(), [
    'quota',
    'queue-cap',
    'queue-limit',
    'waits-for-victims',
    'insufficient',
  ]);
  await page.getByRole('button', { name: 'research' }).click();
  await page.locator('[data-code="waits-for-victims"]').waitFor({ state: 'detached' });
  assert.deepEqual(await codes(), ['quota', 'queue-limit']);
  await page.getByText('Asks 40 CPUs; lab-3 has 8 free.').waitFor({ state: 'detached' });
  await see('Asks 2 GPUs; lab-3 has 0 free.');
  assert.equal(
    await page.getByRole('button', { name: 'research' }).getAttribute('aria-pressed'),
    'true',
  );
  await page.getByRole('button', { name: 'research' }).click();
  await see('Asks 40 CPUs; lab-3 has 8 free.');
});

test('quotas and who was stopped for whom stand below', bounded, async (t) => {
  const opened = await openPage(t, scene(), { hash: '#/queue' });
  await opened.see(/4\.s\.0\.1 was stopped for 5\.s\.0: [\s\S]*0% < 0\.83%/);
  const quotas = opened.page.getByRole('table', { name: 'Quotas' });
  assert.equal(
    await quotas.locator('svg').first().getAttribute('aria-label'),
    '0.67 used and 7.33 reserved of 20 CPU-hours',
  );
});

test('a key changes the priority of a row, and the note takes it back', bounded, async (t) => {
  const site = busyLab();
  const opened = await openPage(t, site, { hash: '#/queue' });
  const { page, see } = opened;
  await see('Asks 2 GPUs; lab-3 has 0 free.');
  const row = page.locator('main [data-row]').first();
  const id = (await row.getAttribute('data-row')) as WorkloadId;
  const priority = () => site.workload(id)!.workload.priority;
  const before = priority();
  await page.keyboard.press('+');
  assert.equal(priority(), before, 'nothing has the focus');
  await page.keyboard.press('j');
  await page.keyboard.press('+');
  await see(new RegExp(`#${id} has priority ${before + 10}, was ${before}\\.`));
  assert.equal(priority(), before + 10);
  await lookOver(opened);
  await page.getByRole('button', { name: 'Undo' }).click();
  await see(new RegExp(`#${id} has priority ${before} again\\.`));
  assert.equal(priority(), before);
  await page.locator(`main [data-row="${id}"]`).focus();
  await page.keyboard.press('-');
  await see(new RegExp(`#${id} has priority ${before - 10}, was ${before}\\.`));
  assert.equal(priority(), before - 10);
});

test('a site of one queue has no tree', bounded, async (t) => {
  const opened = await openPage(t, busyLab(), { hash: '#/queue' });
  await opened.see('Asks 2 GPUs; lab-3 has 0 free.');
  assert.equal(await opened.page.getByRole('table', { name: 'Queues' }).count(), 0);
});

for (const [name, look] of Object.entries({
  light: {},
  dark: { dark: true },
  phone: { phone: true },
  wide: { width: 1760, height: 1000 },
})) {
  test(`the tree, ${name}: readable, named, within the screen`, bounded, async (t) => {
    const opened = await openPage(t, scene(), { ...look, hash: '#/queue' });
    await opened.see('Stopped for others');
    await opened.see(/^live$/);
    await opened.shot(`queue-tree-${name}`);
    await lookOver(opened);
  });
}
