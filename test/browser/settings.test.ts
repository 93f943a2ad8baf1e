import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Setting, SettingsSite } from '../../src/api/contract/settings-documents.ts';
import { siteRows } from '../../src/api/views/settings.ts';
import { siteSettings } from '../../src/spec/site-settings.ts';
import { busyLab } from '../api/scenarios.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { lookOver, looks } from './look-over.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();

const row = (name: string, value: string | null, more: Partial<Setting>): Setting => ({
  name,
  group: 'daemon',
  value,
  default: null,
  origin: 'default',
  source: 'built in',
  meaning: '',
  withheld: null,
  ...more,
});

/** The lab of the example, with a receiver whose address is a secret. */
function labSettings(): SettingsSite {
  const hook = 'monitoring:\n  notify: [{name: ops, type: slack, url: "https://h.io/hush"}]\n';
  const site = siteSettings(readFileSync('examples/site.yaml', 'utf8') + hook);
  return {
    settings: () => ({
      site_file: '/etc/berth/site.yaml',
      settings: [
        row('state_dir', '/var/lib/berth', { origin: 'environment', source: 'BERTH_STATE' }),
        row('port', '7411', { origin: 'flag', source: '--port' }),
        row('prices', null, { source: 'nothing has a price' }),
        row('near-data', 'scorer', {
          group: 'plug-in',
          origin: 'plug-in',
          source: '/etc/berth/near-data.ts',
        }),
        ...siteRows(site, '/etc/berth/site.yaml'),
      ],
      left_out: 0,
    }),
  };
}

const tokens = {
  ...noTokens.tokens,
  list: () => ({
    now: 0,
    tokens: [
      {
        id: 'k3v9x2ab',
        tenant: 'ada',
        role: 'user',
        sees: 'own',
        created_at: 0,
        expires_at: null,
        note: 'her notebook',
      } as const,
    ],
  }),
};

for (const [name, look] of Object.entries(looks)) {
  test(`settings, ${name}: each with its value, default and origin`, bounded, async (t) => {
    const opened = await openPage(t, busyLab(), {
      ...look,
      hash: '#/settings',
      settings: labSettings(),
      tokens,
    });
    const { page, see, shot } = opened;
    await see(/^\d+ of \d+ settings are set: 1 by the environment, 1 by the command line, /);
    const cells = async (setting: string): Promise<readonly string[]> =>
      page.locator(`[data-setting="${setting}"] td`).allTextContents();
    assert.deepEqual(await cells('scheduling.half_life'), ['3d', '7d', 'site.yaml:10']);
    assert.deepEqual(await cells('port'), ['7411', '—', 'command line --port']);
    assert.deepEqual(await cells('state_dir'), ['/var/lib/berth', '—', 'environment BERTH_STATE']);
    assert.deepEqual(await cells('near-data'), ['scorer', '—', 'plug-in near-data.ts']);
    assert.deepEqual(await cells('prices'), ['—', '—', 'default']);
    assert.deepEqual((await cells('monitoring.notify[0].url'))[0], 'https://h.io/… secret');
    await see(/^live$/);
    await shot(`settings-${name}`);
    await lookOver(opened);
  });
}

test(
  'a search and its address say what is looked for, and what is built in is folded away',
  bounded,
  async (t) => {
    const opened = await openPage(t, busyLab(), {
      hash: '#/settings?search=scheduling.half',
      settings: labSettings(),
      tokens,
    });
    const { page, see } = opened;
    const names = (): Promise<(string | null)[]> =>
      page
        .locator('[data-setting]')
        .evaluateAll((rows) => rows.map((r) => r.getAttribute('data-setting')));
    await see('site.yaml:10');
    assert.deepEqual(await names(), ['scheduling.half_life']);
    await page.getByLabel('Search settings').fill('best_fit');
    await page.waitForURL(/search=best_fit$/);
    await see('scheduling.placement.gpu_best_fit');
    await page.getByLabel('Search settings').fill('no such thing');
    await see('No setting matches “no such thing”.');
    await page.getByLabel('Search settings').fill('');
    await see('quotas[0].gpu_hours');
    const prices = page.locator('[data-setting="prices"]');
    assert.equal(await prices.isVisible(), false);
    await page.getByText('1 as built in', { exact: true }).first().click();
    assert.equal(await prices.isVisible(), true);
    await page.getByRole('button', { name: 'all', exact: true }).click();
    await see('autoscaling.enabled');
    await see('her notebook');
    assert.deepEqual(opened.complaints, []);
  },
);

test('without a site document the page says so and how to have one', bounded, async (t) => {
  const site = siteSettings(undefined);
  const opened = await openPage(t, busyLab(), {
    hash: '#/settings',
    settings: {
      settings: () => ({
        site_file: null,
        settings: [...siteRows(site, undefined)],
        left_out: 0,
      }),
    },
  });
  await opened.see(/^All \d+ settings are as they are built in\.$/);
  await opened.see('berth up --site examples/site.yaml');
  await opened.shot('settings-empty');
  await lookOver(opened);
});
