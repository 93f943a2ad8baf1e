import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { StorageWatch } from '../../src/app/storage-watch.ts';
import type { StorageUse } from '../../src/model/scheduling-config.ts';
import { bench } from '../builders/engine-bench.ts';
import { scratch } from '../store/scratch.ts';

const bounded = { timeout: 30_000 };
const unaborted = new AbortController().signal;

/** A state folder in which nobody runs, and what is said of those who own what lies there. */
function watching(t: TestContext, owners: { volumes: object; workloads: object }) {
  const dir = scratch(t);
  writeFileSync(join(dir, 'storage-owners.json'), JSON.stringify(owners));
  const told: (readonly StorageUse[])[] = [];
  const warned: string[] = [];
  const fast = join(dir, 'fast');
  const open = () =>
    new StorageWatch({
      stateDir: dir,
      storageClasses: new Map([['fast', fast]]),
      siteVolumes: [],
      engine: bench().engine,
      results: () => [],
      tell: async (used) => told.push(used),
      warn: (message) => warned.push(message),
    });
  const fill = (folder: string): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'content'), Buffer.alloc(300_000, 1));
  };
  const used = (): string =>
    told
      .at(-1)!
      .map(({ tenant, bytes }) => `${tenant} ${Math.floor(bytes / 100_000)}`)
      .join();
  const ownersNow = () => JSON.parse(readFileSync(join(dir, 'storage-owners.json'), 'utf8'));
  return { dir, fast, open, fill, used, ownersNow, warned };
}

test(
  'volumes of a class whose folder is a link are measured where it leads',
  bounded,
  async (t) => {
    const { dir, fast, open, fill, used } = watching(t, {
      volumes: { 'fast/v': 'ann' },
      workloads: {},
    });
    fill(join(dir, 'disk', 'v'));
    symlinkSync(join(dir, 'disk'), fast);
    await open().look(unaborted);
    assert.equal(used(), 'ann 3');
  },
);

test(
  'a volume that was removed while no daemon ran is nobody’s when it is made anew',
  bounded,
  async (t) => {
    const { dir, open, fill, used, ownersNow } = watching(t, {
      volumes: { '/gone': 'ann', '/kept': 'bob' },
      workloads: {},
    });
    fill(join(dir, 'volumes', 'kept'));
    const watch = open();
    await watch.look(unaborted);
    assert.deepEqual(ownersNow().volumes, { '/kept': 'bob' });
    fill(join(dir, 'volumes', 'gone'));
    await watch.look(unaborted);
    assert.equal(used(), 'bob 3');
  },
);

test(
  'a folder that another run goes on in stays that of whose workload it was',
  bounded,
  async (t) => {
    const { dir, open, fill, used, ownersNow } = watching(t, {
      volumes: {},
      workloads: { 7: 'ann', 8: 'ann' },
    });
    fill(join(dir, 'work', '7'));
    fill(join(dir, 'work', 'constructor'));
    const watch = open();
    await watch.look(unaborted);
    await watch.look(unaborted);
    assert.equal(used(), 'ann 3');
    assert.deepEqual(ownersNow().workloads, { 7: 'ann' });
  },
);

test('a disk that never answers keeps no daemon from ending', bounded, async (t) => {
  const { dir, open, warned } = watching(t, { volumes: {}, workloads: {} });
  mkdirSync(join(dir, 'work'));
  const path = process.env['PATH'];
  writeFileSync(
    join(dir, 'du'),
    `#!/bin/sh\ntrap '' TERM\necho $$ > ${dir}/new && mv ${dir}/new ${dir}/pid\nwhile :; do sleep 0.05; done\n`,
  );
  chmodSync(join(dir, 'du'), 0o700);
  process.env['PATH'] = `${dir}:${path}`;
  const stack = new AsyncDisposableStack();
  let pid = 0;
  try {
    open().open(stack);
    while (!existsSync(join(dir, 'pid'))) await wait(5);
    pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
    await stack.disposeAsync();
    assert.doesNotThrow(() => process.kill(pid, 0), 'its end was not waited for');
  } finally {
    process.env['PATH'] = path;
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }
  await new Promise(setImmediate);
  assert.deepEqual(warned, []);
});
