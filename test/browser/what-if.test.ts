import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { WhatIfRequest } from '../../src/api/contract/what-if-documents.ts';
import { siteRows } from '../../src/api/views/settings.ts';
import { OperationError } from '../../src/model/errors.ts';
import { siteSettings } from '../../src/spec/site-settings.ts';
import { busyLab, emptySite } from '../api/scenarios.ts';
import { whatIfAnswer } from '../builders/what-if.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();

/** Answers at once, and keeps what it was asked. */
function answering(now: number) {
  const asked: WhatIfRequest[] = [];
  return {
    asked,
    whatIf: {
      whatIf: (request: WhatIfRequest) => {
        asked.push(request);
        return Promise.resolve(whatIfAnswer(now, request));
      },
    },
  };
}

/** The lab of the example. */
const settings = {
  settings: () => ({
    site_file: '/etc/berth/site.yaml',
    settings: [
      ...siteRows(siteSettings(readFileSync('examples/site.yaml', 'utf8')), '/etc/berth/site.yaml'),
    ],
    left_out: 0,
  }),
};

const hash = '#/what-if?set=queues.train.weight%3D9&policy=sjf';
const run = 'See what it would do';

for (const [name, look] of Object.entries(looks)) {
  test(`what-if, ${name}: the sentence, who gains and who pays`, bounded, async (t) => {
    const site = busyLab();
    const { whatIf } = answering(site.now);
    const opened = await openPage(t, site, { ...look, hash, settings, whatIf });
    const { page, see, shot } = opened;
    await see(/^live$/);
    await page.getByRole('button', { name: run }).click();
    await see(
      '9 jobs would wait 2m 00s less on average: ada 6m 00s less, eve-of-the-very-long-name 3m 00s more. It would cost $1.50 less.',
    );
    await see('If: set queues.train.weight=9 and policy sjf. Nothing was changed.');
    await see('berth whatif --set queues.train.weight=9 --policy sjf');
    const cells = async (row: string): Promise<readonly string[]> =>
      page.locator(`${row} td`).allTextContents();
    assert.deepEqual(await cells('[aria-label="Tenants"] [data-group="ada"]'), [
      '5',
      '10m 00s → 4m 00s',
      '6m 00s less',
      '50% → 70%',
      '$8.00 → $6.00',
    ]);
    assert.deepEqual((await cells('[data-job="12"]')).slice(1, 4), [
      'in 30m 00s',
      'in 10m 00s',
      '20m 00s earlier',
    ]);
    assert.deepEqual((await cells('[data-job="15"]')).slice(2, 4), ['never', 'does not start']);
    assert.equal(await page.locator('[data-job="16"]').count(), 0);
    const money = page.locator('[data-group="ada"]').getByText('$8.00 → $6.00');
    assert.equal(await money.filter({ visible: true }).count(), 1);
    const side = (job: string): Promise<string | null> =>
      page.locator(`[data-job="${job}"] rect`).getAttribute('x');
    assert.deepEqual([await side('12'), await side('14')], ['-50', '0']);
    await see(
      'Run times of 1 task are guessed, of 8 known; where nothing at all is known, 1h 00m is assumed.',
    );
    await shot(`what-if-${name}`);
    await lookOver(opened);
  });
}

test('knobs become the question, its address and its command', bounded, async (t) => {
  const site = busyLab();
  const { asked, whatIf } = answering(site.now);
  const opened = await openPage(t, site, { hash: '#/what-if', settings, whatIf });
  const { page, see } = opened;
  const knob = (name: string) => page.getByRole('form', { name });
  await page.getByLabel('Policy', { exact: true }).last().fill('fair_share+spread');
  await page.keyboard.press('Enter');
  const suggested = page.locator('#what-if-settings option');
  await suggested.first().waitFor({ state: 'attached' });
  assert.equal(await suggested.first().getAttribute('label'), 'scheduling.policy is fair_share');
  await page.getByLabel('Key', { exact: true }).fill('scheduling.half_life');
  await page.getByLabel('Value', { exact: true }).and(page.getByPlaceholder('is 3d')).fill("it's");
  await page.keyboard.press('Enter');
  await knob('Node lost').getByRole('combobox').selectOption('lab-3');
  await knob('Node lost').getByRole('button').click();
  await knob('Nodes more').getByRole('combobox').selectOption('lab-3');
  await knob('Nodes more').getByLabel('How many').fill('2');
  await knob('Nodes more').getByRole('button').click();
  await page.getByPlaceholder('id, such as 12').fill('#2');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'last 24 h' }).click();
  await see(
    "berth whatif --set 'scheduling.half_life=it'\\''s' --policy fair_share+spread --add-node like=lab-3,count=2 --lose-node lab-3 --cancel 2 --window 24h",
  );
  assert.match(page.url(), /lose=lab-3/);
  await page.getByRole('button', { name: 'Leave out: without node lab-3' }).click();
  await see('2 nodes more like lab-3');
  assert.doesNotMatch(page.url(), /lose=/);
  await page.reload();
  await page.getByRole('button', { name: run }).click();
  await see('Replayed');
  await see('Done in 1.2s');
  assert.deepEqual(asked, [
    {
      set: ["scheduling.half_life=it's"],
      policy: 'fair_share+spread',
      add_nodes: ['like=lab-3,count=2'],
      lose_nodes: [],
      cancel: ['2'],
      submit: [],
      window: '24h',
    },
  ]);
  await page.getByRole('button', { name: 'from now on' }).click();
  await see(/^Of what was asked before: /);
  await opened.shot('what-if-window');
  await lookOver(opened);
});

test('the loss of a node is told task by task', bounded, async (t) => {
  const site = busyLab();
  const { whatIf } = answering(site.now);
  const opened = await openPage(t, site, { hash: '#/what-if?lose=lab-3', settings, whatIf });
  const { page, see } = opened;
  await page.getByRole('button', { name: run }).click();
  await see('2 tasks run on lab-3. Some never have a place again.');
  await see('it has no retry left');
  await see('chat loses 2 of 3 replicas for 1m 30s.');
  await opened.shot('what-if-loss');
  await lookOver(opened);
});

test('nothing asked yet: two examples fill the form', bounded, async (t) => {
  const opened = await openPage(t, emptySite(), { hash: '#/' });
  const { page, see } = opened;
  await see(/^live$/);
  await page.keyboard.press('g');
  await page.keyboard.press('i');
  await see('What would a change do to waits, shares and money?');
  const button = page.getByRole('button', { name: run });
  assert.equal(await button.isDisabled(), true);
  await opened.shot('what-if-empty');
  await lookOver(opened);
  await page.getByRole('button', { name: 'Would a node more help?' }).click();
  await see('1 node more like lab-3');
  await page.getByRole('button', { name: 'What if it were shared fairly?' }).click();
  await see('berth whatif --policy fair_share');
  assert.match(page.url(), /#\/what-if\?policy=fair_share$/);
  assert.equal(await button.isDisabled(), false);
});

test('it says that it works, can be stopped, and shows what went wrong', bounded, async (t) => {
  const site = busyLab();
  const first = Promise.withResolvers<never>();
  let calls = 0;
  const whatIf = {
    whatIf: (): Promise<never> =>
      calls++ === 0
        ? first.promise
        : Promise.reject(
            new OperationError('BUSY', '4 what-ifs are being looked at already.', {
              hint: 'Ask again in some seconds.',
            }),
          ),
  };
  const opened = await openPage(t, site, { hash, settings, whatIf });
  const { page, see } = opened;
  await page.getByRole('button', { name: run }).click();
  await see('Playing it through');
  await lookOver(opened);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: run }).waitFor();
  assert.equal(await page.getByText('Playing it through').count(), 0);
  assert.equal(await page.getByRole('alert').count(), 0);
  first.reject(new OperationError('BUSY', 'too late'));
  await page.getByRole('button', { name: run }).click();
  await see(/4 what-ifs are being looked at already\. Ask again in some seconds\./);
  // The browser itself reports each answer that is no success.
  assert.match(opened.complaints.splice(0).join(), /503/);
  await opened.shot('what-if-error');
  await lookOver(opened);
});
