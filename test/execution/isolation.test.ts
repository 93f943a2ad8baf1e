import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rig } from './rig.ts';

test('try', { timeout: 60_000 }, async (t) => {
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  const end = await rig.run(1, {
    run:
      'id; ls -la /tmp; env; cat /proc/self/status | grep Cap; ls /dev | wc -l; echo hi > /etc/x; ls ' +
      rig.stateDir,
    workdir: `${rig.stateDir}/work/1`,
    cwd: `${rig.stateDir}/work/1`,
    execution: {
      isolation: {
        user: 'nobody',
        privateTmp: true,
        readOnly: ['/'],
        namespaces: ['pid', 'network'],
        devices: [],
      },
    },
  });
  console.log(end, rig.log(1), rig.log(1, 'stderr'), rig.record(1));
});
