import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelGround } from '../execution/enforcement-ground.ts';
import { loadsContract } from '../execution/loads-contract.ts';
import { settingsContract } from '../execution/settings-contract.ts';

const asked = ['system', 'all'].includes(process.env['BERTH_SUITE'] ?? '');
/** What a virtual machine is to have, where the suite runs in one: `cgroup-v2 PATH`, or `unprivileged`. */
const expected = process.env['BERTH_EXPECT'];

if (!asked) {
  test('enforcement', { skip: 'needs cgroups: npm test -- --suite system' }, () => {});
} else {
  const ground = kernelGround();
  const { driver, notes } = ground.site;
  const where = driver === 'cgroup-v2' ? `${driver} ${ground.site.parent}` : driver;

  test(`here: ${where}`, { skip: expected === undefined ? 'nothing is expected' : false }, () => {
    assert.match(where, new RegExp(`^(?:${expected})$`), notes.join('; '));
  });

  if (driver === 'unprivileged') {
    test('without cgroups it is said why, and what to do', () => {
      assert.ok(
        notes.some((note) => /^cgroup v[12] cannot be used: /.test(note)),
        notes.join('\n'),
      );
      if (process.getuid?.() === 0) return;
      assert.ok(
        notes.some((note) => /^to have limits held, /.test(note)),
        notes.join('\n'),
      );
    });
  } else {
    settingsContract(driver, ground);
    loadsContract(driver, ground);
  }
}
