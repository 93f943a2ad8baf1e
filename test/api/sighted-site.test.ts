import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SightedSite } from '../../src/api/routes/sighted-site.ts';
import type { Bytes } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { Site as EngineSite } from '../builders/site.ts';
import { schedulingOf } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { ScenarioSite } from './scenario-site.ts';

const quotas = `multi_tenancy:
  users: {default: {storage_quota: 2Gi, quotas: [{cpu_hours: 9, per: day}]}}
  teams: {lab: {members: [ada, bo], storage_quota: 3Gi}}
`;

/** What two tenants keep, and have used, as one of them sees it. */
function seenBy(who: string, sees: 'own' | 'all') {
  const site = new ScenarioSite();
  site.scheduling = new EngineSite(schedulingOf(quotas));
  const { engine, at } = site.scheduling;
  const used = ['ada', 'bo'].map((of) => ({ tenant: of as TenantId, bytes: GIB as Bytes }));
  const { events } = engine.decide({ kind: 'report-storage', at, used });
  for (const event of events) engine.apply(event);
  for (const tenant of ['ada', 'bo']) site.scheduling.submit({ tenant, wallMs: 1_000 });
  site.scheduling.pass();
  const identity = { role: 'user', tenant: who as TenantId, sees } as const;
  const list = new SightedSite(identity, site).quotas();
  const tenants = (rows: readonly { readonly tenant: string | null }[]) =>
    [...new Set(rows.map((row) => row.tenant))].sort();
  return { storage: tenants(list.storage), quotas: tenants(list.quotas) };
}

test('of quotas over time and of disks a tenant sees his own, and those of several together', () => {
  const both = seenBy('ada', 'all');
  assert.deepEqual(both, { storage: ['ada', 'bo', null], quotas: ['ada', 'bo'] });
  assert.deepEqual(seenBy('ada', 'own'), { storage: ['ada', null], quotas: ['ada'] });
  assert.deepEqual(seenBy('eve', 'own'), { storage: [null], quotas: [] });
});
