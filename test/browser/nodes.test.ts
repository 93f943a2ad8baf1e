import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machines, noMachines } from '../api/machines.ts';
import { ScenarioSite } from '../api/scenario-site.ts';
import { oneRunning } from '../api/scenarios.ts';
import { lookOver } from './look-over.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();
const recordedOnly = { ...bounded, skip: bounded.skip === false ? noMachines : bounded.skip };

/** A node of the size of a recorded machine, about half of it at work. */
async function labOn(name: keyof typeof machines): Promise<ScenarioSite> {
  const document = await machines[name]();
  const gpuIds = document.gpus.flatMap((gpu) =>
    gpu.mig_enabled === true ? gpu.mig.flatMap(({ id }) => id ?? []) : (gpu.id ?? []),
  );
  const cpuMilli = document.limits.cpu_milli ?? 0;
  const memoryBytes = document.limits.memory_bytes ?? 0;
  const site = new ScenarioSite({ cpuMilli, memoryBytes, gpus: gpuIds.length });
  site.hardware = Promise.resolve(document);
  site.gpuIds = gpuIds;
  site.gpuModel = document.gpus[0]?.model ?? site.gpuModel;
  const gpuMilli = Math.floor(gpuIds.length * 0.7) * 1_000;
  const half = { cpuMilli: cpuMilli / 2, memoryBytes: memoryBytes / 2, gpuMilli, runMs: 9_000_000 };
  site.add({ name: 'train-7b', steps: [{ id: 'train', command: 'torchrun train.py', ...half }] });
  site.advance(60_000);
  site.hardwareChanges = [
    {
      at: site.now - 720_000,
      kind: 'degraded',
      what: 'network',
      id: 'eth1',
      field: 'carrier',
      before: true,
      after: false,
      sentence: 'network eth1 degraded: carrier true → false',
    },
  ];
  return site;
}

const seen: Record<keyof typeof machines, { parts: RegExp[]; cells: number }> = {
  'eight-gpus': { parts: [/^GPU 0, NVIDIA H100/, /^disk nvme0n1/, /^NUMA 1, 16/], cells: 16 },
  mig: { parts: [/MIG instances/], cells: 7 },
  'four-sockets': { parts: [/^NUMA 7, 1[56]\.\d GiB, [\d.]+% in use/], cells: 64 },
  'dgx-gb10': { parts: [/^Cluster · L3 8 MiB/], cells: 20 },
  hybrid: { parts: [/Package 0/], cells: 14 },
};
const looks = {
  light: { height: 1_000 },
  dark: { dark: true },
  phone: { phone: true },
} as const;
for (const name of Object.keys(seen) as (keyof typeof machines)[]) {
  for (const [look, options] of Object.entries(looks)) {
    test(`${name}, ${look}: every part is drawn, named and readable`, recordedOnly, async (t) => {
      const site = await labOn(name);
      const opened = await openPage(t, site, { ...options, hash: '#/nodes' });
      const { page, see, shot } = opened;
      await see(/ of \d+(\u202f\d+)? fields known/);
      await see(/^live$/);
      for (const part of seen[name].parts) {
        await page.getByRole('button', { name: part }).first().waitFor();
      }
      assert.equal(await page.locator('.topo-cell').count(), seen[name].cells);
      await shot(`topology-${name}-${look}`);
      await lookOver(opened);
    });
  }
}

test('the picture is one stop of the Tab key, and arrows choose its parts', bounded, async (t) => {
  const { page, see } = await openPage(t, oneRunning(), { hash: '#/nodes' });
  await see(/fields known/);
  assert.equal(await page.locator('[data-part][tabindex="0"]').count(), 1);
  await page.locator('[data-part][tabindex="0"]').focus();
  const facts = page.getByRole('region', { name: 'Chosen part' });
  await facts.getByRole('heading', { name: /^Machine/ }).waitFor();
  await page.keyboard.press('ArrowRight');
  await facts.getByRole('heading', { name: 'NUMA node 0' }).waitFor();
  await page.keyboard.press('End');
  await facts.getByRole('heading', { name: 'Core 1' }).waitFor();
  assert.equal(await page.locator('[data-part][tabindex="0"]').count(), 1);
  await page.keyboard.press('Home');
  await facts.getByRole('heading', { name: /^Machine/ }).waitFor();
});

test('what is not known is a dash, and what is known says from whom', bounded, async (t) => {
  const { page, see } = await openPage(t, oneRunning(), { hash: '#/nodes' });
  await see(/fields known/);
  const disks = page.getByRole('table', { name: 'Disks' });
  const [name, size, , , , , model] = await disks.getByRole('cell').all();
  assert.equal(await name?.textContent(), 'vda');
  assert.equal(await size?.getAttribute('title'), '32.0 GiB (kernel)');
  assert.deepEqual(
    [await model?.textContent(), await model?.getAttribute('title')],
    ['—', '— (not reported)'],
  );
});

test('sources that disagree, and probes that failed, are findings', bounded, async (t) => {
  const site = oneRunning();
  const document = await site.hardware;
  document.confidence.checks = [
    {
      name: 'memory of all NUMA nodes = total memory',
      status: 'disagrees',
      detail: 'nodes 10295136256 bytes, total 25325268992 bytes',
    },
  ];
  document.probes.push({
    name: 'nvidia',
    outcome: 'failed',
    problems: [{ kind: 'timed-out', detail: 'nvidia-smi -q -x: no answer in 10000 ms' }],
  });
  const { page } = await openPage(t, site, { hash: '#/nodes' });
  const findings = page.getByRole('region', { name: 'Findings' });
  await findings.getByText('nodes 9.6 GiB, total 23.6 GiB').waitFor();
  await findings.getByText('nvidia-smi -q -x: no answer in 10000 ms').waitFor();
});

test('the picture has a text that says the same', bounded, async (t) => {
  const { page, see } = await openPage(t, oneRunning(), { hash: '#/nodes' });
  await see(/fields known/);
  await page.getByText('The same as text').click();
  await see(/2 cores: CPUs 0, 1/);
});
