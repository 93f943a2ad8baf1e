import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machines, noMachines } from '../api/machines.ts';
import { ScenarioSite } from '../api/scenario-site.ts';
import { busyLab, oneRunning } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet } from './telemetry.ts';
import { machineMetrics } from './telemetry-scenes.ts';

const { bounded, openPage } = pageTests();
const recordedOnly = { ...bounded, skip: bounded.skip === false ? noMachines : bounded.skip };

/** Eight GPUs, a task that is kept to four cores and two GPUs, and one that may run anywhere. */
async function pinnedLab(): Promise<ScenarioSite> {
  const hardware = await machines['eight-gpus']();
  const gpuIds = hardware.gpus.flatMap(({ id }) => id ?? []);
  const site = new ScenarioSite({
    cpuMilli: hardware.limits.cpu_milli ?? 0,
    memoryBytes: hardware.limits.memory_bytes ?? 0,
    gpus: gpuIds.length,
  });
  site.hardware = Promise.resolve(hardware);
  site.gpuIds = gpuIds;
  const step = { command: 'x', memoryBytes: 1, runMs: 9_000_000 };
  site.add({
    name: 'train-7b',
    steps: [{ id: 'train', cpuMilli: 4_000, gpuMilli: 2_000, ...step }],
  });
  site.add({ name: 'prep', steps: [{ id: 'main', cpuMilli: 2_000, ...step }] });
  site.advance(60_000);
  const [attempt] = site.workload('1' as never)!.steps[0]!.attempts;
  Object.assign(attempt!, { cores: [0, 1, 2, 3], gpus: gpuIds.slice(0, 2) });
  return site;
}

for (const [name, look] of Object.entries(looks)) {
  test(
    `heat, ${name}: a task shows its cells, and what is measured its number`,
    recordedOnly,
    async (t) => {
      const site = await pinnedLab();
      const opened = await openPage(t, site, {
        ...look,
        hash: '#/nodes',
        telemetry: { ...quiet(site.now), metrics: machineMetrics(32, site.gpuIds) },
      });
      const { page, see, shot } = opened;
      await see(/ of \d+(\u202f\d+)? fields known/);
      await see('2 tasks, 1 kept to certain cores: click one to see its cells.');
      const measured = page.getByTestId('measured-now');
      assert.match(
        (await measured.textContent())!,
        /hottest 61\.3 °C Tctl.*power package-0 142 W.*load 17\.40/,
      );
      await page
        .locator('.topo-cell', { hasText: /^1$/ })
        .and(page.getByLabel(/37% busy/))
        .waitFor();
      assert.equal(await page.locator('.topo-cell.marked').count(), 0);
      await page.getByRole('button', { name: '1.train.0.1', exact: true }).click();
      const cells = await page
        .locator('.topo-cell.marked')
        .evaluateAll((found) => found.map((cell) => cell.textContent));
      assert.equal(cells.length, await page.locator('.topo-cell.hatched').count());
      assert.ok(cells.length >= 2 && cells.length <= 4, `cells ${cells}`);
      assert.equal(await page.locator('.topo-device.marked').count(), 2);
      await page
        .getByLabel(/kept for 1\.train\.0\.1/)
        .first()
        .waitFor();
      await see(/^live$/);
      await shot(`heat-${name}`);
      await lookOver(opened);
      await page.getByRole('button', { name: '2.main.0.1', exact: true }).click();
      assert.equal(await page.locator('.topo-part.marked').count(), 0);
    },
  );
}

test('the table of GPUs has what the driver tells', bounded, async (t) => {
  const site = busyLab();
  const gpus = site.nodes().nodes[0]!.gpus.map(({ id }) => id);
  const { page } = await openPage(t, site, {
    hash: '#/nodes',
    telemetry: { ...quiet(site.now), metrics: machineMetrics(48, gpus.slice(0, 1)) },
  });
  await page.getByRole('cell', { name: '93%', exact: true }).waitFor();
  const rows = page.getByRole('table', { name: 'GPUs' }).getByRole('row');
  const first = await rows.nth(1).getByRole('cell').allTextContents();
  assert.deepEqual(first.slice(1, 6), ['93%', '100%', '61.0 GiB', '66.0 °C', '412 W']);
  const second = await rows.nth(2).getByRole('cell').allTextContents();
  assert.deepEqual(second.slice(1, 6), ['—', '100%', '80.0 GiB', '—', '—']);
});

test(
  'what nobody measures is a dash, and the cores are read from the inventory',
  bounded,
  async (t) => {
    for (const telemetry of [undefined, 'lacking'] as const) {
      const { page, see } = await openPage(t, oneRunning(), {
        hash: '#/nodes',
        ...(telemetry !== undefined && { telemetry }),
      });
      await see(/fields known/);
      assert.equal(await page.getByTestId('measured-now').textContent(), 'hottest — power —load —');
      await page.getByLabel(/^Core 0, .*% busy/).waitFor();
      await see('4 tasks, none kept to certain cores.');
      assert.equal(await page.getByRole('alert').count(), 0);
      await page.close();
    }
  },
);
