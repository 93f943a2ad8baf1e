import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openDaemon } from '../../src/app/daemon.ts';
import { openClient } from '../../src/cli/io/open-client.ts';
import { ResourcePool } from '../../src/cli/io/resource-pool.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 60_000 };

/** A daemon in this process, and a client of it. */
async function daemonOf(t: TestContext) {
  const { state } = scratchState(t);
  const daemon = await openDaemon({
    stateDir: state,
    port: undefined,
    foreground: false,
    log: () => {},
  });
  const client = openClient(() => Promise.resolve({ kind: 'socket', path: daemon.socket }));
  const close = async (): Promise<void> => {
    client.close();
    await daemon.close();
  };
  return { client, state, [Symbol.asyncDispose]: close };
}

test('a block holds a device until its end, and the next one waits for it', bounded, async (t) => {
  await using site = await daemonOf(t);
  const { client, state } = site;
  const pool = await ResourcePool.define(client, {
    name: 'gpu_pool',
    resources: [
      { id: 'gpu-0', type: 'v100', memory: '16Gi' },
      { id: 'gpu-2', type: 'a100', memory: '40Gi' },
    ],
  });
  const order: string[] = [];
  let next: Promise<void>;
  {
    await using gpu = await pool.request({ gpuMemory: '20Gi' });
    assert.deepEqual(gpu.env, { CUDA_VISIBLE_DEVICES: 'gpu-2' });
    next = (async () => {
      await using second = await ResourcePool.named(client, 'gpu_pool').request({
        gpuType: 'a100',
      });
      order.push(second.devices[0]!.id);
    })();
    while ((await client.leases()).leases.length < 2);
    const shown = await runBerth(['pool', '--state', state]);
    assert.match(shown.stdout, /gpu_pool +gpu-2 +a100 +40 GiB +100%/);
    assert.match(shown.stdout, /waiting/);
    order.push('first');
  }
  await next;
  assert.deepEqual(order, ['first', 'gpu-2']);
  assert.deepEqual(await client.leases(), { leases: [] });
  const gone = await runBerth(['pool', 'gpu_pool', '--remove', '--json', '--state', state]);
  assert.deepEqual(JSON.parse(gone.stdout), { pools: [], leases: [] });
});

test('a lease that is taken away says so to its holder', bounded, async (t) => {
  await using site = await daemonOf(t);
  const { client } = site;
  const pool = await ResourcePool.define(client, { name: 'p', resources: [{ id: 'x' }] });
  await using held = await pool.request({ ttl: '1s', maxTime: '1s' });
  await new Promise((resolve) => held.lost.addEventListener('abort', resolve, { once: true }));
  assert.equal(held.lost.aborted, true);
});

test('what can never be given is refused at once', bounded, async (t) => {
  await using site = await daemonOf(t);
  const { client } = site;
  await assert.rejects(ResourcePool.named(client, 'none').request(), { code: 'NOT_FOUND' });
});
