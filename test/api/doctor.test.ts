import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DoctorSite } from '../../src/api/contract/doctor-documents.ts';
import { noDoctor } from '../builders/no-doctor.ts';
import { openSite } from './open-site.ts';
import { ScenarioSite } from './scenario-site.ts';

test('windows, flows and profiles are checked before anybody looks', async (t) => {
  const asked: unknown[] = [];
  const doctor: DoctorSite = {
    ...noDoctor.doctor,
    report: (...given) => {
      asked.push(given);
      return noDoctor.doctor.report(...given);
    },
    regressions: (...given) => {
      asked.push(['regressions', ...given]);
      return noDoctor.doctor.regressions(...given);
    },
  };
  const { ask } = await openSite(t, new ScenarioSite(), { doctor });
  const statuses: Readonly<Record<string, number>> = {
    '/api/v1/doctor?window=1h': 200,
    '/api/v1/doctor': 200,
    '/api/v1/doctor?window=1s': 400,
    '/api/v1/doctor?window=8d': 400,
    '/api/v1/doctor?window=soon': 400,
    '/api/v1/doctor/flows/pool?window=10s': 200,
    '/api/v1/doctor/flows/unheard-of': 400,
    '/api/v1/doctor/regressions?since=30d': 200,
    '/api/v1/doctor/regressions': 200,
    '/api/v1/doctor/regressions?since=soon': 400,
    '/api/v1/attempts/1.main.0.1/profile?for=1h': 400,
    '/api/v1/attempts/999.main.0.1/profile?for=1s': 404,
    '/api/v1/attempts/nobody/profile': 404,
  };
  for (const [path, status] of Object.entries(statuses)) {
    assert.equal((await ask('GET', path)).status, status, path);
  }
  assert.deepEqual(asked, [
    [3_600_000, undefined],
    [600_000, undefined],
    ['regressions', 30 * 86_400_000, undefined],
    ['regressions', 7 * 86_400_000, undefined],
  ]);
  assert.equal((await ask('GET', '/api/v1/doctor', { token: null })).status, 401);
});
