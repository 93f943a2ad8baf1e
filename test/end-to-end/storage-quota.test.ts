import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

test('who keeps too much starts nothing new, also after the daemon was killed, until some of it is removed', {
  timeout: 240_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  process.env['BERTH_SITE'] = write(
    'site.yaml',
    'multi_tenancy: {user_limits: {default: {storage_quota: 10Mi}}}\n',
  );
  t.after(() => {
    delete process.env['BERTH_SITE'];
  });
  let daemon: ChildProcess = await up(state);
  t.after(() => kill(daemon));
  const small = 'resources: {cpu: 50m, memory: 64Mi}\n';
  const fill = 'head -c 6000000 /dev/zero > "$BERTH_WORKDIR/a"\n';
  const volume =
    'storage: {volumes: [{name: data, size: 20Mi, mount_path: /mnt}]}\n' +
    'run: head -c 6000000 /dev/zero > "$BERTH_VOLUME_DATA/b"\n';
  for (const text of [`${small}run: ${fill}`, `${small}${volume}`]) {
    const done = await runBerth(['run', '-', '--state', state], { stdin: text });
    assert.equal(done.code, 0, done.stderr);
  }
  const over = async (): Promise<boolean> => {
    const { storage } = await berth(state, 'quota');
    return storage.some((one: { used_bytes: number; limit_bytes: number }) => {
      return one.used_bytes >= one.limit_bytes;
    });
  };
  const until = async (wanted: boolean): Promise<void> => {
    while ((await over()) !== wanted) await once(AbortSignal.timeout(100), 'abort');
  };
  await until(true);
  const shown = await runBerth(['quota', '--state', state]);
  assert.match(shown.stdout, /each user +\S+ +1[12]\.\d MiB +10(\.0)? MiB +1[12]\d%/);
  await kill(daemon);
  daemon = await up(state);
  const third = await runBerth(['submit', '-', '--state', state], {
    stdin: `${small}run: "true"\n`,
  });
  assert.equal(third.code, 0, third.stderr);
  const id = third.stdout.trim();
  const why = await berth(state, 'why', id);
  assert.equal(why.steps[0].reasons[0].code, 'storage-quota');
  assert.match(why.sentence, /storage quota each user of \S+: 1[12].*some of that is removed/);
  rmSync(join(state, 'volumes', 'data', 'b'));
  const waited = await runBerth(['wait', id, '--state', state]);
  assert.equal(waited.code, 0, waited.stderr);
  assert.equal(await over(), false);
});
