import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Rig } from './rig.ts';

const trial = ['--dev-bind', '/', '/', '--unshare-pid', '--proc', '/proc', '--', '/bin/true'];
const works = spawnSync('bwrap', trial).status === 0;
const bounded = {
  timeout: 60_000,
  skip: works ? false : 'bubblewrap is not installed, or may not make namespaces here',
};

test(
  'whoever runs the daemon: a /tmp and processes of its own, and no token to see',
  bounded,
  async (t) => {
    const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
    const workdir = join(rig.stateDir, 'work', '1');
    mkdirSync(workdir, { recursive: true });
    writeFileSync(join(rig.stateDir, 'token'), 'abc');
    const run = `ls /tmp | grep -v berth-test; ls -d /proc/[0-9]* | wc -l
    cat ${rig.stateDir}/token 2>/dev/null || echo hidden; touch x && echo wrote; exit 3`;
    const isolation = { privateTmp: true, readOnly: ['/'] };
    const end = await rig.run(1, { run, cwd: workdir, workdir, execution: { isolation } });
    assert.equal(end.exitCode, 3, end.message);
    const [processes, ...rest] = rig.log(1).trim().split('\n');
    assert.ok(Number(processes) < 10, processes);
    assert.deepEqual(rest, ['hidden', 'wrote']);
    assert.ok(end.enforced.terms?.every(({ by }) => by === 'kernel'));
  },
);
