import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { openConfinementSite } from '../../src/execution/io/local/confinement-site.ts';
import type { Ground } from './enforcement-ground.ts';
import { fakeCgroups, fakeGroup } from './fake-cgroups.ts';
import { id, Rig } from './rig.ts';
import { settingsContract } from './settings-contract.ts';

const NAME = 'berth-efefefef';
/** Of the group of one task, as the kernel would make them. */
const files = [
  ...['cgroup.procs', 'cpu.max', 'cpu.weight', 'cpu.idle', 'cpuset.cpus', 'cpuset.mems'],
  ...['memory.max', 'memory.high', 'memory.low', 'memory.min', 'memory.oom.group'],
  ...['memory.swap.max', 'pids.max', 'io.max', 'io.weight', 'hugetlb.2MB.max'],
];

/** Files in the places of cgroup v2: they keep what is written, and hold nobody to it. */
function fakeGround(): Ground {
  const cgroupRoot = makeTree();
  const group = (n: number): string => join(cgroupRoot, NAME, id(n));
  return {
    site: openConfinementSite('cgroup-v2', NAME, cgroupRoot),
    folder: process.cwd(),
    open(t) {
      const rig = new Rig(t, { enforcement: 'unprivileged' });
      writeFileSync(join(rig.stateDir, 'instance'), `${NAME.slice('berth-'.length).repeat(2)}\n`);
      rig.use({ enforcement: 'cgroup-v2', cgroupRoot });
      return rig.open();
    },
    fake: {
      fill: (n) => fakeGroup(group(n), files),
      empty: (n) => {
        for (const file of files) rmSync(join(group(n), file));
      },
    },
  };
}

function makeTree(): string {
  const root = fakeCgroups({ after }, NAME, 'cpuset cpu io memory hugetlb pids\n');
  for (const [file, text] of [
    ['cpuset.cpus.effective', '0'],
    ['cpuset.mems.effective', '0'],
    ['memory.low', '0'],
    ['memory.min', '0'],
    ['memory.swap.max', 'max'],
    ['hugetlb.2MB.max', 'max'],
  ] as const) {
    writeFileSync(join(root, NAME, file), `${text}\n`);
  }
  return root;
}

settingsContract('files in the places of cgroup v2', fakeGround());
