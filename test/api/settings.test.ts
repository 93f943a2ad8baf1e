import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Setting, SettingsDocument } from '../../src/api/contract/settings-documents.ts';
import { settingsFor, siteRows } from '../../src/api/views/settings.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { siteSettings } from '../../src/spec/site-settings.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { openSite } from './open-site.ts';

const text = `name: lab
queues:
  default:
    tenants: {ada: {max_running: 2}}
quotas:
  - {name: hours, tenant: ada, per: month, gpu_hours: 5}
monitoring:
  notify:
    - {name: ops, type: slack, url: "https://hooks.slack.com/services/T0/B0/hush"}
    - {name: am, type: alertmanager, url: "http://me:hush@am:9093/"}
    - {name: pd, type: pagerduty, routing_key_file: /etc/berth/key}
    - {name: own, type: command, command: [curl, -H, "Authorization: Bearer hush"]}
    - {name: open, type: webhook, url: "http://hook:8080/"}
`;

function documentOf(written: string): SettingsDocument {
  const site = siteSettings(written);
  const daemon: Setting = {
    name: 'port',
    group: 'daemon',
    value: '7411',
    default: null,
    origin: 'flag',
    source: '--port',
    meaning: '',
    withheld: null,
  };
  return {
    site_file: '/etc/site.yaml',
    settings: [daemon, ...siteRows(site, '/etc/site.yaml')],
    left_out: site.leftOut,
  };
}

const told = ({ settings }: SettingsDocument, prefix: string) =>
  Object.fromEntries(
    settings
      .filter(({ name, origin }) => origin === 'site' && name.startsWith(prefix))
      .map(({ name, value, withheld }) => [name.slice(prefix.length), [value, withheld]]),
  );

test('an admin sees what is set and where, and of secrets only that they are there', () => {
  const document = settingsFor(documentOf(text), { isAdmin: true, sees: 'all' });
  const name = document.settings.find((one) => one.name === 'name')!;
  assert.equal(name.source, '/etc/site.yaml:1');
  assert.deepEqual(told(document, 'monitoring.notify'), {
    '[0].name': ['ops', null],
    '[0].type': ['slack', null],
    '[0].url': ['https://hooks.slack.com/…', 'secret'],
    '[1].name': ['am', null],
    '[1].type': ['alertmanager', null],
    '[1].url': ['http://am:9093/…', 'secret'],
    '[2].name': ['pd', null],
    '[2].type': ['pagerduty', null],
    '[2].routing_key_file': ['/etc/berth/key', null],
    '[3].name': ['own', null],
    '[3].type': ['command', null],
    '[3].command': ['[curl, …]', 'secret'],
    '[4].name': ['open', null],
    '[4].type': ['webhook', null],
    '[4].url': ['http://hook:8080/', null],
  });
  assert.doesNotMatch(JSON.stringify(document), /hush/);
});

test('who sees all does not see where people are told; who sees his own no tenants either', () => {
  const all = settingsFor(documentOf(text), { isAdmin: false, sees: 'all' });
  assert.deepEqual(told(all, 'monitoring.'), { notify: [null, 'admin'] });
  assert.deepEqual(told(all, 'quotas[0].tenant'), { '': ['ada', null] });
  const own = settingsFor(documentOf(text), { isAdmin: false, sees: 'own' });
  assert.deepEqual(told(own, 'quotas'), { '': [null, 'admin'] });
  assert.deepEqual(told(own, 'queues'), { '.default.tenants': [null, 'admin'] });
  assert.deepEqual(told(own, 'name'), { '': ['lab', null] });
  assert.doesNotMatch(JSON.stringify(own), /ada|hooks|hush|pagerduty/);
  assert.equal(own.settings[0]?.value, '7411');
});

test('what nobody set is shown to everybody', () => {
  const nothing = documentOf('name: lab\n');
  assert.deepEqual(settingsFor(nothing, { isAdmin: false, sees: 'own' }), nothing);
});

const words = ['token', 'secret', 'password', 'api_key', 'db_password', 'client_secret'];

test('no value of a key that is called a secret is told, wherever it stands', () => {
  const path = fc.array(fc.constantFrom('network', 'labels', 'x1'), { maxLength: 3 });
  fc.assert(
    fc.property(path, fc.constantFrom(...words), (above, word) => {
      const text = [...above, word].reduceRight<string>(
        (below, key) => `{${key}: ${below}}`,
        'hushhush',
      );
      const rows = siteRows(siteSettings(text), undefined);
      assert.doesNotMatch(JSON.stringify(rows), /hushhush/);
      assert.equal(rows.filter(({ withheld }) => withheld === 'secret').length, 1);
    }),
  );
});

test('the route tells each who asks what he may see, and nobody without a token', async (t) => {
  const document = documentOf(text);
  const { ask } = await openSite(t, undefined, {
    settings: { settings: () => document },
    holders: {
      ...noTokens.holders,
      identify: (token) =>
        token === 'ada' ? { tenant: 'ada' as TenantId, role: 'user', sees: 'own' } : undefined,
    },
  });
  const asAdmin = await ask('GET', '/api/v1/settings');
  assert.deepEqual(asAdmin.json(), JSON.parse(JSON.stringify(document)));
  const asAda = await ask('GET', '/api/v1/settings', { token: 'ada' });
  assert.equal(asAda.status, 200);
  assert.doesNotMatch(asAda.text, /gpu_hours":|hooks/);
  assert.equal((await ask('GET', '/api/v1/settings', { token: null })).status, 401);
});
