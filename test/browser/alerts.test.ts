import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyLab } from '../api/scenarios.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';
import { quiet, type Telemetry } from './telemetry.ts';
import { congestedDisks, healthy, troubledAlerts } from './telemetry-scenes.ts';

const { bounded, openPage } = pageTests();

for (const [name, look] of Object.entries(looks)) {
  test(
    `alerts, ${name}: what fires, is about to, ended, is kept quiet and is watched`,
    bounded,
    async (t) => {
      const site = busyLab();
      const opened = await openPage(t, site, {
        ...look,
        hash: '#/alerts',
        telemetry: { ...quiet(site.now), alerts: () => troubledAlerts(site.now) },
      });
      const { page, see, shot } = opened;
      await see('2 alerts fire, 1 is about to, 1 is kept quiet.');
      const firing = page.getByRole('region', { name: 'Firing', exact: true });
      assert.equal(await firing.locator('[data-alert]').count(), 3);
      await see('/scratch has 3.1 GiB free, less than 5 GiB for 12 minutes.');
      await firing.getByText('nobody is told: io-pressure fires').waitFor();
      await see(/^fires in 3m 0\ds if it stays so$|^fires in 2m 5\ds if it stays so$/);
      await see('Nobody measures gpu.temperature here: no GPU was found.');
      await see(/^live$/);
      await shot(`alerts-${name}`);
      await lookOver(opened);
    },
  );
}

test('who was told and what was done is one click away', bounded, async (t) => {
  const site = busyLab();
  const { page, see } = await openPage(t, site, {
    hash: '#/alerts',
    telemetry: { ...quiet(site.now), alerts: () => troubledAlerts(site.now) },
  });
  await see('evict_low_priority: preempted sweep (8)');
  const told = page.getByText('fired to pagerduty: no answer, tried again');
  assert.equal(await told.isVisible(), false);
  await page.getByText('evict_low_priority: preempted sweep (8)').first().click();
  await told.waitFor();
});

test('an alert is silenced, and the silence removed, each with its undo', bounded, async (t) => {
  const site = busyLab();
  const list = troubledAlerts(site.now);
  const asked: string[] = [];
  const telemetry: Telemetry = {
    ...quiet(site.now),
    alerts: () => list,
    silence: ({ matches, for_ms, comment }) => {
      const until = site.now + for_ms;
      asked.push(`silence ${JSON.stringify(matches)} ${comment}`);
      list.silences.push({ id: `s${asked.length}`, matches, until, by: 'ada', comment });
    },
    unsilence: (id) => {
      asked.push(`remove ${id}`);
      list.silences = list.silences.filter((one) => one.id !== id);
    },
  };
  const { page, see, shot } = await openPage(t, site, { hash: '#/alerts', telemetry });
  await page.getByRole('button', { name: 'Silence scratch-full…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Tell nobody of scratch-full' });
  await dialog.getByLabel('mount=/scratch').uncheck();
  await dialog.getByRole('button', { name: '24 h' }).click();
  await dialog.getByLabel('Why').fill('cleaning up');
  await dialog.getByText('berth alerts silence scratch-full --for 24h').waitFor();
  await shot('silence');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.deepEqual(asked, []);
  await page.getByRole('button', { name: 'Silence scratch-full…' }).click();
  await dialog.getByLabel('Why').fill('cleaning up');
  await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
  await see('Nobody is told of scratch-full mount=/scratch for 4h 00m.');
  await page.getByRole('cell', { name: 'cleaning up' }).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await see('The silence is taken back.');
  await page.getByRole('cell', { name: 'cleaning up' }).waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Remove the silence of load-high' }).click();
  await see('People are told of load-high node=lab-3 again.');
  await see('None: of everything that fires somebody is told.');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('cell', { name: 'reindexing until tonight' }).waitFor();
  assert.deepEqual(asked, [
    'silence {"alert":"scratch-full","mount":"/scratch"} cleaning up',
    'remove s1',
    'remove s7',
    'silence {"alert":"load-high","node":"lab-3"} reindexing until tonight',
  ]);
});

test(
  'with nothing wrong the page says so, and a daemon without alerts is no error',
  bounded,
  async (t) => {
    const opened = await openPage(t, busyLab(), { hash: '#/alerts' });
    await opened.see('Nothing fires. No rules are watched.');
    await opened.see('berth explain monitoring');
    await opened.shot('alerts-empty');
    await lookOver(opened);
    const older = await openPage(t, busyLab(), { hash: '#/alerts', telemetry: 'lacking' });
    await older.see('Alerts are not available in this daemon.');
    assert.equal(await older.page.getByRole('alert').count(), 0);
    await older.go('#/');
    await older.see('crawl-clean');
    // It stands there until the doctor's answer has come.
    await older.page.getByRole('region', { name: 'Needs you' }).waitFor({ state: 'detached' });
  },
);

for (const [name, look] of Object.entries(looks)) {
  test(`the overview says what needs somebody, ${name}`, bounded, async (t) => {
    const site = busyLab();
    const opened = await openPage(t, site, {
      ...look,
      telemetry: {
        ...quiet(site.now),
        alerts: () => troubledAlerts(site.now),
        doctor: () => congestedDisks(site.now),
      },
    });
    const { page, see, shot } = opened;
    await see(/^2 alerts fire\.$/);
    const needs = page.getByRole('region', { name: 'Needs you' });
    await needs.getByText(/^\/scratch has 3\.1 GiB free/).waitFor();
    await needs.getByText(/^Disks are the bottleneck/).waitFor();
    assert.equal(await needs.getByRole('listitem').count(), 3);
    await see(/^live$/);
    await shot(`overview-needs-you-${name}`);
    await lookOver(opened);
    await needs.getByText(/^Disks are the bottleneck/).click();
    await page.waitForURL(/#\/doctor$/);
  });
}

test('nothing moves when the doctor has answered', bounded, async (t) => {
  const site = busyLab();
  const { page, go } = await openPage(t, site, {
    hash: '#/alerts',
    telemetry: { ...quiet(site.now), doctor: () => healthy(site.now) },
  });
  const answered = Promise.withResolvers<void>();
  await page.route('**/api/v1/doctor*', async (route) => {
    await answered.promise;
    await route.fallback();
  });
  await go('#/');
  const needs = page.getByRole('region', { name: 'Needs you' });
  const height = (): Promise<number> =>
    needs.evaluate((section) => section.getBoundingClientRect().height);
  await needs.getByText('Looking at the last 10 minutes.').waitFor();
  const before = await height();
  answered.resolve();
  await needs.getByText('Nothing stands out in the last 10 minutes.').waitFor();
  assert.equal(await height(), before);
});
