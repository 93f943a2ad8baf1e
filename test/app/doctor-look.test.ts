import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { takeLook } from '../../src/app/doctor-look.ts';
import { scratch } from '../store/scratch.ts';

/** An `ss` that knows one connection, with 1 GB before; the first time it may fail. */
function fakeSs(t: TestContext, firstStatus: number): void {
  const dir = scratch(t);
  const script = `#!/bin/sh
if [ -e ${dir}/asked ]; then bytes=1000050000; else bytes=1000000000; fi
if [ ! -e ${dir}/asked ]; then : > ${dir}/asked; [ ${firstStatus} = 0 ] || exit ${firstStatus}; fi
echo 'ESTAB 0 0 10.0.0.1:22 10.0.0.2:5000 users:(("rsync",pid=77,fd=3))'
echo "	 cubic bytes_sent:$bytes bytes_received:0"
`;
  writeFileSync(join(dir, 'ss'), script, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${dir}:${path}`;
  t.after(() => {
    process.env['PATH'] = path;
  });
}

test('a connection moves what was added to it between two looks', async (t) => {
  fakeSs(t, 0);
  const { sockets } = await takeLook((pid) => (pid === 77 ? '1.s.0.1' : undefined));
  const [one] = sockets;
  assert.equal(sockets.length, 1);
  assert.equal(one?.attempt, '1.s.0.1');
  assert.ok(one.bytesPerSecond > 0 && one.bytesPerSecond <= 100_000, `${one.bytesPerSecond}`);
});

test('where the first look was not answered, nothing is known of what connections move', async (t) => {
  fakeSs(t, 1);
  assert.deepEqual((await takeLook(() => undefined)).sockets, []);
});
