import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { places } from '../../web/src/places.ts';
import { busyLab, emptySite, failedWithOom, manyTasks } from '../api/scenarios.ts';
import { axeFindings, axeSkipReason } from './axe.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();
const axed = { ...bounded, skip: bounded.skip || axeSkipReason(), timeout: 120_000 };

const hashes = [...places.map(({ href }) => href), '#/workloads/1', '#/metrics/nothing', '#/lost'];

/** Until what was asked for is there: a first line that says something. */
const isShown = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => /\S/.test(document.querySelector('main h1')?.textContent ?? ''));

for (const [name, look] of Object.entries(looks)) {
  test(`axe finds nothing serious on any page of a busy site, ${name}`, axed, async (t) => {
    const opened = await openPage(t, busyLab(), look);
    for (const hash of hashes) {
      await opened.go(hash);
      await isShown(opened.page);
      await opened.see(/^live$/);
      assert.deepEqual(await axeFindings(opened.page), [], `${hash} in ${name}`);
    }
  });
}

test('nor where there is nothing, or much, or failures', axed, async (t) => {
  const empty = await openPage(t, emptySite());
  for (const hash of hashes.slice(0, -3)) {
    await empty.go(hash);
    await isShown(empty.page);
    assert.deepEqual(await axeFindings(empty.page), [], `${hash} without anything`);
  }
  for (const site of [manyTasks(), failedWithOom()]) {
    const opened = await openPage(t, site, { hash: '#/workloads/1' });
    await opened.page.getByRole('table', { name: 'Attempts' }).waitFor();
    await lookOver(opened);
  }
});

test('nor on what is laid over a page', axed, async (t) => {
  const opened = await openPage(t, busyLab());
  const { page } = opened;
  await opened.see(/3 running/);
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  assert.deepEqual(await axeFindings(page), [], 'the keys');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('a');
  await page.getByRole('option').first().waitFor();
  assert.deepEqual(await axeFindings(page), [], 'the search');
  const locked = await openPage(t, busyLab(), { token: null });
  await locked.page.getByLabel('Token').waitFor();
  assert.deepEqual(await axeFindings(locked.page), [], 'the token form');
});
