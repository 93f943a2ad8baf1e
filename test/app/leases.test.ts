import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseSite } from '../builders/lease-site.ts';

const gpus = (strategy?: string) => ({
  name: 'gpu_pool',
  resources: [
    { id: 'a', type: 'big', memory: '80Gi' },
    { id: 'b', type: 'small', memory: '16Gi' },
    { id: 'c', type: 'middle', memory: '40Gi' },
  ],
  ...(strategy !== undefined && { allocation_strategy: strategy }),
});

for (const [strategy, device] of [
  [undefined, 'c'],
  ['best_fit', 'c'],
  ['first_fit', 'a'],
  ['worst_fit', 'a'],
] as const) {
  test(`of 80, 16 and 40 GiB, ${strategy ?? 'the default'} gives ${device} to who needs 20`, async () => {
    const { leases } = leaseSite();
    await leases.addPool(gpus(strategy));
    const lease = await leases.ask({ pool: 'gpu_pool', gpu_memory: '20Gi' }, 'ann');
    assert.equal(lease.state, 'held');
    assert.deepEqual(
      lease.devices.map(({ id }) => id),
      [device],
    );
    assert.equal(lease.env['CUDA_VISIBLE_DEVICES'], device);
  });
}

test('who waits is woken by the release, and told why he waits before', async () => {
  const { leases } = leaseSite();
  await leases.addPool({ name: 'one', resources: [{ id: 'x' }] });
  const first = await leases.ask({ pool: 'one', gpu: 1 }, 'ann');
  const second = await leases.ask({ pool: 'one', gpu: 1 }, 'bob');
  assert.equal(second.state, 'waiting');
  assert.match(second.sentence ?? '', /GPU/);
  const woken = leases.renew(second.id, 60_000);
  const released = await leases.release(first.id, 'ann');
  assert.equal(released?.state, 'ended');
  assert.equal((await woken)?.state, 'held');
});

test('a holder that falls silent loses it to the one who waits', async () => {
  const { leases, pass } = leaseSite();
  await leases.addPool({ name: 'one', resources: [{ id: 'x' }] });
  const silent = await leases.ask({ pool: 'one', gpu: 1, ttl: '10s' }, 'ann');
  const patient = await leases.ask({ pool: 'one', gpu: 1, ttl: '30s' }, 'bob');
  await pass(10_000);
  assert.equal(leases.lease(silent.id)?.state, 'ended');
  assert.match(leases.lease(silent.id)?.sentence ?? '', /not heard of/);
  assert.equal(leases.lease(patient.id)?.state, 'held');
  await pass(30_000);
  assert.equal(leases.lease(patient.id)?.state, 'ended');
  assert.equal(leases.leases().length, 0);
});

test('waiting has an end, too', async () => {
  const { leases } = leaseSite();
  await leases.addPool({ name: 'one', resources: [{ id: 'x' }] });
  await leases.ask({ pool: 'one', gpu: 1 }, 'ann');
  const second = await leases.ask({ pool: 'one', gpu: 1 }, 'bob');
  assert.equal((await leases.renew(second.id, 5))?.state, 'waiting');
});

test('131 agents of two cores share a machine of 200: the first hundred hold theirs at once', async () => {
  const { leases } = leaseSite(200_000);
  for (let i = 0; i < 131; i++) {
    await leases.ask({ name: `agent_${i}`, cpu: 2, priority: 8 }, 'agents');
  }
  const states = Map.groupBy(leases.leases(), ({ state }) => state);
  assert.equal(states.get('held')?.length, 100);
  assert.equal(states.get('waiting')?.length, 31);
});

test('a lease without a pool takes nothing of a pool', async () => {
  const { leases } = leaseSite();
  await leases.addPool({ name: 'one', resources: [{ id: 'x' }] });
  const lease = await leases.ask({ gpu: 1 }, 'ann');
  assert.equal(lease.state, 'waiting');
});

test('a pool may be defined again as it is, and not taken apart while it is held', async () => {
  const { leases } = leaseSite();
  await leases.addPool(gpus());
  await leases.addPool(gpus());
  assert.equal(leases.pools().length, 1);
  const lease = await leases.ask({ pool: 'gpu_pool', gpu: 1 }, 'ann');
  await assert.rejects(leases.addPool(gpus('first_fit')), { code: 'REFUSED' });
  await assert.rejects(leases.removePool('gpu_pool'), { code: 'REFUSED' });
  await leases.release(lease.id, 'ann');
  assert.equal((await leases.addPool(gpus('first_fit'))).allocation_strategy, 'first_fit');
  assert.equal(await leases.removePool('gpu_pool'), true);
  assert.equal(await leases.removePool('gpu_pool'), false);
});

for (const [why, request, code] of [
  ['an unknown key', { gpus: 1 }, 'USAGE'],
  ['an amount that is none', { memory: 'lots' }, 'USAGE'],
  ['a time below a second', { cpu: 1, ttl: '10ms' }, 'USAGE'],
  ['a pool that is not there', { pool: 'none', gpu: 1 }, 'NOT_FOUND'],
  ['more than the machine has', { cpu: 64 }, 'REFUSED'],
  ['no request at all', 'gpu', 'USAGE'],
] as const) {
  test(`${why} is refused with a reason`, async () => {
    const { leases } = leaseSite();
    await assert.rejects(leases.ask(request, 'ann'), { code });
    assert.equal(leases.leases().length, 0);
  });
}
