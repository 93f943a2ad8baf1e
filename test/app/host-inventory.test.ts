import assert from 'node:assert/strict';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { HostInventory } from '../../src/app/host-inventory.ts';
import type { InventoryReading } from '../../src/app/inventory-keeper.ts';
import { dataFolder, makeTree, temporaryFolder, unpackTree } from '../inventory/fixtures.ts';

const bounded = { timeout: 60_000 };

function open(t: TestContext, sysroot: string) {
  const problems: string[] = [];
  const readings: InventoryReading[] = [];
  const inventory = new HostInventory({
    file: join(temporaryFolder(), 'inventory.json'),
    sysroot,
    onProblem: (sentence, error) => problems.push(`${sentence} ${String(error)}`),
  });
  inventory.onReading = (reading) => readings.push(reading);
  t.after(() => inventory.close());
  return { inventory, problems, readings };
}

test('this machine is read once for all who ask at once', bounded, async (t) => {
  const { inventory, problems, readings } = open(t, '/');
  const asked = await Promise.all([1, 2, 3].map(() => inventory.document(false)));
  assert.ok((asked[0]?.cpu?.threads ?? 0) > 0);
  assert.equal(asked[1], asked[0]);
  assert.equal(readings.length, 1);
  assert.equal(await inventory.document(true), asked[0], 'two seconds old is fresh');
  assert.deepEqual((await inventory.changes()).changes, []);
  const { cpus, span_ms } = await inventory.use();
  assert.ok(span_ms > 0);
  for (const { busy_ratio } of cpus) assert.ok(busy_ratio >= 0 && busy_ratio <= 1);
  assert.deepEqual(problems, []);
});

test('a host that tells nothing is an answer, not a failure', bounded, async (t) => {
  const { inventory, problems } = open(t, makeTree({ 'etc/hostname': 'bare\n' }));
  const document = await inventory.document(false);
  assert.deepEqual([document.cpu, document.gpus, problems], [null, [], []]);
});

test('whoever waits when it closes is told, and nothing is reported', bounded, async (t) => {
  const { inventory, problems } = open(t, '/');
  const asked = inventory.document(false);
  await inventory.close();
  await assert.rejects(asked, { code: 'BUSY' });
  assert.deepEqual(problems, []);
});

const hwloc = dataFolder('hosts/hwloc');
test('reading a large host does not hold up the daemon', {
  ...bounded,
  skip: hwloc === undefined && 'no recorded hosts',
}, async (t) => {
  const tree = unpackTree(join(hwloc!, '64amd64-4s2n4ca2co.tar.gz'));
  const { inventory } = open(t, tree);
  await inventory.reading();
  // The longest of three: what others do on this machine is in it, too.
  const held: number[] = [];
  for (let i = 0; i < 3; i++) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const before = performance.eventLoopUtilization();
    await inventory.document(true);
    const { active } = performance.eventLoopUtilization(before);
    delay.disable();
    held.push(active);
  }
  assert.ok(Math.min(...held) < 20, `the loop was busy for ${held.map((ms) => ms.toFixed(1))} ms`);
});
