import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inventorySchema } from '../../src/inventory/inventory-schema.ts';
import { send } from '../api/open-site.ts';
import { startBerth } from '../builders/berth-cli.ts';
import { temporaryFolder } from '../inventory/fixtures.ts';

const uuid = (n: number) => `GPU-0000000${n}-0000-0000-0000-000000000000`;
const report = (...gpus: number[]) =>
  `<nvidia_smi_log><driver_version>550.1</driver_version>${gpus.map((n) => `<gpu id="00000000:0${n}:00.0"><product_name>NVIDIA T4</product_name><uuid>${uuid(n)}</uuid><fb_memory_usage><total>15360 MiB</total></fb_memory_usage></gpu>`).join('')}</nvidia_smi_log>\n`;

test('a GPU that vanishes is no longer given out, and a driver that hangs takes none away', {
  timeout: 60_000,
}, async (t) => {
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const answer = join(folder, 'answer');
  writeFileSync(answer, report(1, 2));
  // Without its file the driver fails.
  writeFileSync(
    join(bin, 'nvidia-smi'),
    `#!/bin/sh\n[ "$1" = -q ] && exec cat ${answer}\nexit 0\n`,
  );
  chmodSync(join(bin, 'nvidia-smi'), 0o755);
  const state = join(folder, 'state');
  const daemon = startBerth(['up', '--state', state, '--port', '0'], {
    env: { PATH: `${bin}:${process.env['PATH']}` },
  });
  t.after(async () => {
    if (daemon.child.exitCode !== null) return;
    daemon.child.kill('SIGTERM');
    await once(daemon.child, 'exit');
  });
  await daemon.said(/Berth is up/);
  const { socket } = JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8'));
  const get = async (path: string) =>
    (await send({ socketPath: socket, method: 'GET', path: `/api/v1/${path}` })).json();
  /** Everything is read again, at most every two seconds. */
  const fresh = async (until: (gpus: number, failed: boolean) => boolean): Promise<void> => {
    for (;;) {
      const { gpus, confidence } = inventorySchema.parse(await get('inventory?fresh=1'));
      if (until(gpus.length, confidence.failed_probes.includes('nvidia'))) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const given = async () => {
    const { nodes } = (await get('nodes')) as unknown as { nodes: { gpus: { id: string }[] }[] };
    return nodes[0]?.gpus.map(({ id }) => id);
  };
  assert.deepEqual(await given(), [uuid(1), uuid(2)]);

  writeFileSync(answer, 'no driver\n');
  await fresh((_, failed) => failed);
  assert.deepEqual(await given(), [uuid(1), uuid(2)]);

  writeFileSync(answer, report(2));
  await fresh((gpus) => gpus === 1);
  // The scheduler is told once that is durable.
  while ((await given())?.length !== 1) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(await given(), [uuid(2)]);
  const { changes } = (await get('inventory/changes')) as unknown as {
    changes: { sentence: string }[];
  };
  assert.deepEqual(
    changes.map(({ sentence }) => sentence),
    [
      `gpu ${uuid(1)} vanished`,
      'probe nvidia recovered: failed true → false',
      'probe nvidia degraded: failed false → true',
    ],
  );
  assert.match(
    readFileSync(join(state, 'logs/daemon.log'), 'utf8'),
    /gpu GPU-00000001\S* vanished/,
  );
});
