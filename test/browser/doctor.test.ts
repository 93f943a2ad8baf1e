import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyLab } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet } from './telemetry.ts';
import { congestedDisks, diskMetrics, healthy } from './telemetry-scenes.ts';

const { bounded, openPage } = pageTests();

for (const [name, look] of Object.entries(looks)) {
  test(`doctor, ${name}: a finding with its proof, who, and what to do`, bounded, async (t) => {
    const site = busyLab();
    const opened = await openPage(t, site, {
      ...look,
      hash: '#/doctor',
      telemetry: {
        ...quiet(site.now),
        doctor: () => congestedDisks(site.now),
        metrics: diskMetrics,
      },
    });
    const { page, shot, see } = opened;
    const finding = page.locator('[data-finding="io-contention/nvme0n1"]');
    await finding
      .getByRole('img', { name: /^node pressure waiting, io from .*limit 20%/ })
      .waitFor();
    await finding.getByRole('img', { name: /^node disk busy, nvme0n1 from / }).waitFor();
    await finding.getByRole('img', { name: '61% of its use' }).waitFor();
    const culprits = finding.getByRole('region', { name: 'Caused by' });
    assert.equal(
      await culprits.getByRole('link', { name: /9\.dedupe\.1\.1/ }).getAttribute('href'),
      '#/workloads/9',
    );
    await culprits.getByText('process, not of Berth').waitFor();
    await finding.getByText('low risk').waitFor();
    await finding.getByText('berth limit 9 --io-read 150Mi').waitFor();
    const disk = page.getByRole('row', { name: /^disk nvme0n1/ });
    assert.deepEqual((await disk.getByRole('cell').allTextContents()).slice(0, 3), [
      '98%',
      '38%',
      '—',
    ]);
    await see(/^live$/);
    await shot(`doctor-${name}`);
    await lookOver(opened);
  });
}

test('when all is well the page says what that was told from', bounded, async (t) => {
  const site = busyLab();
  const opened = await openPage(t, site, {
    telemetry: { ...quiet(site.now), doctor: () => healthy(site.now) },
  });
  const { page, see } = opened;
  await see(/3 running/);
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await see('Nothing stands out in the last 10 minutes.');
  await see('Its data is only 72% fresh and complete: it may have missed something.');
  await see('3 packets were dropped; the speed of the link is not known.');
  await opened.shot('doctor-well');
  await page.getByRole('button', { name: '24 h' }).click();
  await see('berth doctor --window 24h');
  await lookOver(opened);
});

test('nothing was looked at yet, or there is no doctor', bounded, async (t) => {
  const opened = await openPage(t, busyLab(), { hash: '#/doctor' });
  await opened.see('How complete its data is, is not known.');
  await opened.shot('doctor-empty');
  await lookOver(opened);
  const older = await openPage(t, busyLab(), { hash: '#/doctor', telemetry: 'lacking' });
  await older.see('The doctor is not available in this daemon.');
  assert.equal(await older.page.getByRole('alert').count(), 0);
});
