import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs, UNLIMITED } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import { node, Site } from '../builders/site.ts';

const DAY = 86_400_000;
const window = { kind: 'periods', starts: [0, DAY, 2 * DAY].map(timeMs) } as const;

const lab = () =>
  new Site(
    {
      ...defaultScheduling,
      submissions: [
        { name: 'each user', each: true, active: 2, submitted: { max: 3, window } },
        { name: 'team x', tenants: ['ada', 'bo'] as TenantId[], each: false, active: UNLIMITED },
      ],
    },
    node('n', { cpu: 8_000 }),
  );

test('a tenant has so many workloads at once, and submits so many a day', () => {
  const site = lab();
  const submit = (tenant: string) => site.submit({ tenant, cpu: 1 });
  assert.equal(submit('ada'), undefined);
  assert.equal(submit('ada'), undefined);
  assert.deepEqual(submit('ada'), {
    code: 'too-many-active',
    limit: 'each user',
    tenant: 'ada',
    active: 2,
    max: 2,
  });
  assert.equal(submit('bo'), undefined);

  site.pass();
  site.endAll();
  site.pass();
  assert.equal(submit('ada'), undefined);
  site.pass();
  site.endAll();
  site.pass();
  site.restart();
  assert.deepEqual(submit('ada'), {
    code: 'too-many-submitted',
    limit: 'each user',
    tenant: 'ada',
    submitted: 3,
    max: 3,
    resetsAt: DAY,
  });
  site.now = DAY;
  assert.equal(submit('ada'), undefined);
  assert.equal(submit('ada'), undefined);
  site.restart();
  assert.equal(submit('ada')?.code, 'too-many-active', 'who is active is counted again');
  // What was refused counts for nothing.
  assert.equal(submit('bo'), undefined);
});
