import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytes, milliCpu, spanMs, UNLIMITED } from '../../src/base/units.ts';
import { type CgroupMounts, parseCgroupMounts } from '../../src/execution/cgroup-mounts.ts';
import { type ConfinementSite, planConfinement } from '../../src/execution/confinement.ts';
import { handDown } from '../../src/execution/io/local/cgroup-files.ts';
import {
  listCgroups,
  openConfinementSite,
  sweepCgroups,
} from '../../src/execution/io/local/confinement-site.ts';
import { timed } from './driver-contract.ts';
import { fakeCgroups } from './fake-cgroups.ts';
import { id, MIB, Rig } from './rig.ts';

const v1: ConfinementSite = {
  driver: 'cgroup-v1',
  parents: { cpu: '/c/b', memory: '/m/b', pids: '/p/b' },
  swap: true,
  notes: [],
};
const v2: ConfinementSite = {
  driver: 'cgroup-v2',
  parent: '/u/b',
  controllers: ['cpu', 'memory', 'pids'],
  swap: true,
  notes: [],
};

interface PlanCase {
  readonly site: ConfinementSite;
  readonly cpu?: number;
  readonly cpuLimit?: number;
  readonly memory?: number;
  readonly pids?: number;
  readonly dirs?: readonly string[];
  readonly sets: readonly string[];
  /** driver cpu memory pids */
  readonly held: string;
}

const plans: Record<string, PlanCase> = {
  'v1 with all limits': {
    site: v1,
    cpuLimit: 500,
    memory: 64 * MIB,
    pids: 20,
    dirs: ['cpu:/c/b/1.step.1.1', 'memory:/m/b/1.step.1.1', 'pids:/p/b/1.step.1.1'],
    sets: [
      'cpu.shares=1024',
      'cpu.cfs_quota_us=50000',
      'memory.limit_in_bytes=67108864',
      'memory.memsw.limit_in_bytes=67108864',
      'pids.max=20',
    ],
    held: 'cgroup-v1 quota kernel kernel',
  },
  'v1 without limits keeps its cgroups: for the weight, the peak and the kill': {
    site: v1,
    dirs: ['cpu:/c/b/1.step.1.1', 'memory:/m/b/1.step.1.1', 'pids:/p/b/1.step.1.1'],
    sets: ['cpu.shares=1024'],
    held: 'cgroup-v1 weight none none',
  },
  'v1 without swap accounting': {
    site: { ...v1, swap: false },
    memory: 4096,
    sets: ['cpu.shares=1024', 'memory.limit_in_bytes=4096'],
    held: 'cgroup-v1 weight kernel none',
  },
  'v1 where only memory may be written': {
    site: { ...v1, parents: { memory: '/m/b' } },
    cpuLimit: 500,
    memory: 4096,
    pids: 20,
    dirs: ['memory:/m/b/1.step.1.1'],
    sets: ['memory.limit_in_bytes=4096', 'memory.memsw.limit_in_bytes=4096'],
    held: 'cgroup-v1 none kernel none',
  },
  'v2 with all limits': {
    site: v2,
    cpuLimit: 2500,
    memory: 64 * MIB,
    pids: 20,
    dirs: ['all:/u/b/1.step.1.1'],
    sets: [
      'cpu.weight=100',
      'cpu.max=250000 100000',
      'memory.max=67108864',
      'memory.swap.max=0',
      'pids.max=20',
    ],
    held: 'cgroup-v2 quota kernel kernel',
  },
  'v2 without limits': { site: v2, sets: ['cpu.weight=100'], held: 'cgroup-v2 weight none none' },
  'v2 without the cpu controller': {
    site: { ...v2, controllers: ['memory', 'pids'] },
    cpuLimit: 500,
    memory: 4096,
    sets: ['memory.max=4096', 'memory.swap.max=0'],
    held: 'cgroup-v2 none kernel none',
  },
  'a weight follows what was asked for': {
    site: v2,
    cpu: 250,
    sets: ['cpu.weight=25'],
    held: 'cgroup-v2 weight none none',
  },
  'no CPU asked for is the least weight': {
    site: v1,
    cpu: 0,
    sets: ['cpu.shares=2'],
    held: 'cgroup-v1 weight none none',
  },
  'very much CPU is the greatest weight': {
    site: v2,
    cpu: 4_000_000,
    sets: ['cpu.weight=10000'],
    held: 'cgroup-v2 weight none none',
  },
  'a tiny quota is what the kernel takes at least': {
    site: v2,
    cpuLimit: 1,
    sets: ['cpu.weight=100', 'cpu.max=1000 100000'],
    held: 'cgroup-v2 quota none none',
  },
  'unprivileged with all limits': {
    site: { driver: 'unprivileged', watchdog: true, notes: ['why'] },
    cpuLimit: 500,
    memory: 4096,
    pids: 20,
    dirs: [],
    sets: [],
    held: 'unprivileged none watchdog none',
  },
  'unprivileged without a watchdog': {
    site: { driver: 'unprivileged', watchdog: false, notes: [] },
    memory: 4096,
    sets: [],
    held: 'unprivileged none none none',
  },
};

for (const [name, tc] of Object.entries(plans)) {
  test(`plan: ${name}`, () => {
    const plan = planConfinement(tc.site, {
      attempt: id(1),
      cpu: milliCpu(tc.cpu ?? 1000),
      memoryLimit: bytes(tc.memory ?? UNLIMITED),
      limits: {
        cpu: milliCpu(tc.cpuLimit ?? UNLIMITED),
        memory: bytes(UNLIMITED),
        pids: tc.pids ?? UNLIMITED,
        wallMs: spanMs(UNLIMITED),
        graceMs: spanMs(0),
        logBytes: bytes(0),
      },
    });
    assert.deepEqual(
      plan.sets.map((s) => `${s.file}=${s.value}`),
      tc.sets,
    );
    for (const s of plan.sets) assert.ok(s.file.startsWith(`${s.aspect}.`));
    if (tc.dirs) {
      assert.deepEqual(
        plan.dirs.map(([aspect, path]) => `${aspect}:${path}`),
        tc.dirs,
      );
    }
    const { driver, cpu, memory, pids } = plan.enforced;
    assert.equal(`${driver} ${cpu} ${memory} ${pids}`, tc.held);
    assert.equal(plan.memoryLimit, tc.memory);
    assert.equal(plan.join, driver === 'cgroup-v1' ? 'tasks' : 'cgroup.procs');
  });
}

interface MountCase {
  readonly mountinfo: string;
  readonly self: string;
  readonly v2?: string;
  readonly v1?: Record<string, string>;
}

const mounts: Record<string, MountCase> = {
  'v2 alone': {
    mountinfo: '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate',
    self: '0::/user.slice/user-1000.slice/session-3.scope\n',
    v2: '/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope',
  },
  'v1 and v2 side by side, each with a path of its own': {
    mountinfo: [
      '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
      '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
      '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd',
      '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    ].join('\n'),
    self: '9:name=systemd:/\n4:memory:/api/77\n1:cpu:/\n0::/\n',
    v2: '/sys/fs/cgroup/unified',
    v1: { cpu: '/sys/fs/cgroup/cpu', memory: '/sys/fs/cgroup/memory/api/77' },
  },
  'two controllers in one hierarchy': {
    mountinfo: '33 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    self: '3:cpu,cpuacct:/a\n',
    v1: { cpu: '/sys/fs/cgroup/cpu,cpuacct/a', cpuacct: '/sys/fs/cgroup/cpu,cpuacct/a' },
  },
  'a container sees a part of it': {
    mountinfo: '33 25 0:30 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
    self: '3:memory:/docker/ab/in\n',
    v1: { memory: '/sys/fs/cgroup/memory/in' },
  },
  'a process outside of what is mounted': {
    mountinfo: '33 25 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    self: '0::/../../other\n',
    v2: '/sys/fs/cgroup',
  },
  'a mount with a space in its name': {
    mountinfo: '33 25 0:30 / /my\\040groups rw - cgroup2 cgroup2 rw',
    self: '0::/x\n',
    v2: '/my groups/x',
  },
  nothing: { mountinfo: '', self: '' },
};

for (const [name, tc] of Object.entries(mounts)) {
  test(`mounts: ${name}`, () => {
    const found: CgroupMounts = parseCgroupMounts(tc.mountinfo, tc.self);
    assert.equal(found.v2?.own, tc.v2);
    for (const [controller, own] of Object.entries(tc.v1 ?? {})) {
      assert.equal(found.v1.get(controller)?.own, own);
    }
    if (tc.v1 === undefined) assert.equal(found.v1.size, 0);
  });
}

test('a v2 tree is used with the controllers that it has', (t) => {
  const root = fakeCgroups(t, 'berth-0', 'cpuset cpu io memory\n');
  const site = openConfinementSite('auto', 'berth-0', root);
  const { terms, ...rest } = site;
  assert.deepEqual(terms?.groups, {
    freezer: join(root, 'berth-0'),
    cpuset: join(root, 'berth-0'),
    io: join(root, 'berth-0'),
    // By a program, which root alone may attach.
    ...(process.getuid?.() === 0 && { devices: join(root, 'berth-0') }),
  });
  assert.deepEqual(rest, {
    driver: 'cgroup-v2',
    parent: join(root, 'berth-0'),
    controllers: ['cpu', 'memory'],
    swap: false,
    notes: [site.notes[0], 'swap is not limited'],
  });
  assert.match(site.notes[0]!, /^no cgroup controller for pids/);
});

test('a v2 tree without controllers is not used, and unprivileged says why', (t) => {
  const root = fakeCgroups(t, 'berth-0', 'hugetlb\n');
  const site = openConfinementSite('auto', 'berth-0', root);
  assert.equal(site.driver, 'unprivileged');
  assert.ok(site.notes.some((note) => note.includes('no cgroup is used')));
});

test('a v2 tree that cannot be written is not used', (t) => {
  const root = fakeCgroups(t, 'berth-0', 'cpu memory pids\n');
  for (const folder of [root, join(root, 'berth-0')]) {
    rmSync(join(folder, 'cgroup.subtree_control'));
    mkdirSync(join(folder, 'cgroup.subtree_control'));
  }
  const site = openConfinementSite('auto', 'berth-0', root);
  assert.equal(site.driver, 'unprivileged');
  assert.match(site.notes[0]!, /^cgroup v2 cannot be used: EISDIR/);
});

test('a task on a v2 tree: limits are written, then it joins, then it runs', timed, async (t) => {
  const rig = new Rig(t, { enforcement: 'unprivileged' });
  const instance = 'ab'.repeat(8);
  writeFileSync(join(rig.stateDir, 'instance'), `${instance}\n`);
  const name = `berth-${instance.slice(0, 8)}`;
  const root = fakeCgroups(t, name, 'cpu memory pids\n');
  rig.use({ enforcement: 'cgroup-v2', cgroupRoot: root });
  await rig.open();
  assert.equal(rig.driver.enforcement.driver, 'cgroup-v2');
  const group = join(root, name, id(1));
  // The kernel would make these files.
  mkdirSync(group);
  for (const file of ['cpu.weight', 'cpu.max', 'memory.max', 'pids.max', 'cgroup.procs']) {
    writeFileSync(join(group, file), '');
  }
  const seen = ['cpu.max', 'memory.max', 'pids.max', 'cgroup.procs'];
  const end = await rig.run(1, {
    run: ['tail', '-n', '+1', ...seen.map((file) => join(group, file))],
    memoryLimit: 64 * MIB,
    limits: { cpu: milliCpu(500), pids: 20 },
  });
  assert.match(rig.log(1), /50000 100000.*67108864.*20.*0/s);
  assert.equal(end.enforced.cpu, 'quota');
  assert.equal(end.enforced.memory, 'kernel');
  // What is not there to be written is said.
  const other = await rig.run(2, { run: ['true'], memoryLimit: 64 * MIB });
  assert.equal(other.enforced.cpu, 'none');
  assert.equal(other.enforced.memory, 'watchdog');
  assert.ok(other.enforced.notes.some((note) => /^memory: memory\.max: No such file/.test(note)));
});

test('a controller is asked for from the mount down, and what stays refused is said', (t) => {
  const root = fakeCgroups(t, 'slice', 'cpu memory pids\n');
  for (const folder of [root, join(root, 'slice')]) {
    writeFileSync(join(folder, 'cgroup.subtree_control'), '');
  }
  writeFileSync(join(root, 'slice', 'cgroup.controllers'), '\n');
  // No kernel gives it to the folder below.
  assert.throws(
    () => handDown(join(root, 'slice'), 'cpu', root),
    /was not taken|no cpu controller/,
  );
  assert.equal(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8'), '+cpu');
  assert.throws(() => handDown(join(root, 'slice'), 'cpu'), /slice has no cpu controller$/);
});

test('what the groups above protect of memory is passed to our groups', (t) => {
  const root = fakeCgroups(t, 'berth-0', 'cpu memory pids\n');
  for (const [file, text] of [
    ['memory.low', '1048576\n'],
    ['memory.min', '0\n'],
  ] as const) {
    writeFileSync(join(root, file), text);
    writeFileSync(join(root, 'berth-0', file), '0\n');
  }
  const { terms } = openConfinementSite('cgroup-v2', 'berth-0', root);
  assert.deepEqual(terms?.protection, { min: 0, low: 1_048_576 });
  assert.match(readFileSync(join(root, 'berth-0', 'memory.low'), 'utf8'), /^1048576/);
});

test('a sweep leaves what is kept', timed, async (t) => {
  const root = fakeCgroups(t, 'berth-0', 'cpu memory pids\n');
  const site = openConfinementSite('cgroup-v2', 'berth-0', root);
  for (const name of ['1.a.0.1', '1.b.0.1']) mkdirSync(join(root, 'berth-0', name));
  rmSync(join(root, 'berth-0', 'trial'), { recursive: true });
  assert.deepEqual(await sweepCgroups(listCgroups(site), new Set(['1.a.0.1'])), []);
  assert.equal(existsSync(join(root, 'berth-0', '1.a.0.1')), true);
  assert.equal(existsSync(join(root, 'berth-0', '1.b.0.1')), false);
  assert.equal(readFileSync(join(root, 'cgroup.controllers'), 'utf8'), 'cpu memory pids\n');
});
