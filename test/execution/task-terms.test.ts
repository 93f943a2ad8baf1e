import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytes, UNLIMITED } from '../../src/base/units.ts';
import { planTerms, type TermTask } from '../../src/execution/task-terms.ts';
import { noTerms, type TermSite } from '../../src/execution/term-site.ts';
import type { IoTerms, ProcessTerms } from '../../src/model/execution-terms.ts';
import { timed } from './driver-contract.ts';
import { fakeCgroups, fakeGroup } from './fake-cgroups.ts';
import { id, MIB, Rig } from './rig.ts';

const places: Pick<TermSite, 'cpus' | 'memoryNodes' | 'numa'> = {
  cpus: [0, 1, 2, 3],
  memoryNodes: [0, 1],
  numa: [
    { id: 0, cpus: [0, 1] },
    { id: 1, cpus: [2, 3] },
  ],
};
const v1 = {
  driver: 'cgroup-v1',
  has: { cpu: true, memory: true },
  site: {
    ...places,
    groups: { cpuset: '/s/b', io: '/io/b' },
    accounting: '/u/b',
    hugePageSizes: [],
  },
} as const;
const v2 = {
  driver: 'cgroup-v2',
  has: { cpu: true, memory: true },
  site: {
    ...places,
    groups: { cpuset: '/u/b', io: '/u/b', hugetlb: '/u/b' },
    accounting: undefined,
    hugePageSizes: ['2MB', '1GB'],
  },
} as const;
/** Where the groups above protect nothing hard, and 32 MiB soft. */
const bounded = {
  ...v2,
  site: { ...v2.site, protection: { min: bytes(0), low: bytes(32 * MIB) } },
} as const;
const alone = {
  driver: 'unprivileged',
  has: { cpu: false, memory: false },
  site: { ...noTerms, ...places },
} as const;

const io = (some: Partial<IoTerms>): IoTerms => ({
  readBytesPerSecond: bytes(UNLIMITED),
  writeBytesPerSecond: bytes(UNLIMITED),
  readsPerSecond: UNLIMITED,
  writesPerSecond: UNLIMITED,
  ...some,
});

interface Case {
  readonly on: Parameters<typeof planTerms>[0];
  readonly process?: ProcessTerms;
  readonly io?: IoTerms;
  readonly cores?: readonly number[];
  readonly disks?: readonly string[];
  readonly dirs?: readonly string[];
  /** `aspect file=value` */
  readonly holds?: readonly string[];
  /** `act value` */
  readonly acts?: readonly string[];
  /** `term by` */
  readonly terms: readonly string[];
  readonly notes?: readonly string[];
}

const cases: Record<string, Case> = {
  'how it is scheduled is done by itself, and its group is idle, too': {
    on: v1,
    process: {
      nice: 5,
      policy: 'idle',
      ioPriority: { class: 'best-effort', level: 6 },
      oomScoreAdjust: -10,
      transparentHugePages: false,
    },
    holds: ['cpu cpu.idle=1'],
    acts: ['nice 5', 'policy idle', 'ioprio 2:6', 'oom -10', 'thp 1'],
    terms: [
      'nice kernel',
      'policy kernel',
      'idle-group kernel',
      'io-priority kernel',
      'oom-score kernel',
      'huge-pages-unasked kernel',
    ],
  },
  'without a group it does the same': {
    on: alone,
    process: { policy: 'idle', ioPriority: { class: 'idle', level: 4 } },
    acts: ['policy idle', 'ioprio 3:0'],
    terms: ['policy kernel', 'io-priority kernel'],
  },
  'cores in a cpuset of v1, which needs memory nodes': {
    on: v1,
    process: { cores: 'exclusive' },
    cores: [2, 3],
    dirs: ['cpuset:/s/b/1.step.1.1'],
    holds: ['cpuset cpuset.cpus=2-3', 'cpuset cpuset.mems=0-1'],
    terms: ['cores kernel'],
  },
  'cores in a cpuset of v2': {
    on: v2,
    process: { cores: 'exclusive' },
    cores: [0, 2, 3],
    dirs: [],
    holds: ['cpuset cpuset.cpus=0,2-3'],
    terms: ['cores kernel'],
  },
  'cores without a cpuset': {
    on: alone,
    cores: [1, 3],
    acts: ['affinity 1,3'],
    terms: ['cores kernel'],
  },
  'cores of its own that nobody could choose': {
    on: v2,
    process: { cores: 'exclusive' },
    terms: ['cores none'],
  },
  'memory of the nodes of its cores, and of no other': {
    on: v1,
    process: { numa: 'bind' },
    cores: [2, 3],
    holds: ['cpuset cpuset.cpus=2-3', 'cpuset cpuset.mems=1'],
    acts: ['mempolicy 2:1'],
    terms: ['cores kernel', 'numa kernel'],
  },
  'memory rather of one node': {
    on: alone,
    process: { numa: 'preferred' },
    cores: [0],
    acts: ['affinity 0', 'mempolicy 1:0'],
    terms: ['cores kernel', 'numa kernel'],
  },
  'memory of all nodes in turn': {
    on: v2,
    process: { numa: 'interleave' },
    acts: ['mempolicy 3:0,1'],
    terms: ['numa kernel'],
  },
  'protected memory, a soft limit and one death on v2': {
    on: v2,
    process: {
      memoryProtection: 'hard',
      memoryHigh: bytes(32 * MIB),
      oomKill: 'task',
      hugePages: bytes(4 * MIB),
    },
    holds: [
      'memory memory.min=67108864',
      'memory memory.high=33554432',
      'memory memory.oom.group=1',
      'hugetlb hugetlb.2MB.max=4194304',
      // Whole pages only.
      'hugetlb hugetlb.1GB.max=0',
    ],
    terms: ['memory-kept kernel', 'memory-high kernel', 'oom-kill kernel', 'huge-pages kernel'],
  },
  'memory is protected as far as the groups above protect it': {
    on: bounded,
    process: { memoryProtection: 'soft' },
    holds: ['memory memory.low=67108864'],
    terms: ['memory-kept kernel'],
    notes: ['memory.low, at most 33554432 bytes for all tasks: those above'],
  },
  'no memory is protected where the groups above protect none': {
    on: bounded,
    process: { memoryProtection: 'hard' },
    terms: ['memory-kept none'],
    notes: ["the groups above Berth's have no memory.min to share"],
  },
  'a controller that was refused: in the words of the refusal': {
    on: { ...v2, site: { ...noTerms, ...places, refused: { io: 'why' } } },
    io: io({ readsPerSecond: 10, weight: 10 }),
    disks: ['8:0'],
    terms: ['io none', 'io-weight none'],
    notes: ['why', 'why'],
  },
  'v1 has only the soft one of these': {
    on: v1,
    process: {
      memoryProtection: 'soft',
      memoryHigh: bytes(32 * MIB),
      oomKill: 'task',
      hugePages: bytes(4 * MIB),
    },
    holds: ['memory memory.soft_limit_in_bytes=67108864'],
    terms: ['memory-kept kernel', 'memory-high none', 'oom-kill none', 'huge-pages none'],
  },
  'disks on v2: one line for each': {
    on: v2,
    io: io({ readBytesPerSecond: bytes(5 * MIB), writesPerSecond: 100, weight: 50 }),
    disks: ['254:0', '8:16'],
    holds: [
      'io io.max=254:0 rbps=5242880 wiops=100',
      'io io.max=8:16 rbps=5242880 wiops=100',
      'io io.weight=default 50',
    ],
    terms: ['io kernel', 'io-weight kernel'],
  },
  'disks on v1: one file for each kind': {
    on: v1,
    io: io({ readBytesPerSecond: bytes(5 * MIB), writesPerSecond: 100, weight: 50 }),
    disks: ['254:0'],
    dirs: ['io:/io/b/1.step.1.1'],
    holds: [
      'io blkio.throttle.read_bps_device=254:0 5242880',
      'io blkio.throttle.write_iops_device=254:0 100',
    ],
    terms: ['io kernel', 'io-weight none'],
  },
  'folders on no disk': {
    on: v2,
    io: io({ readsPerSecond: 10 }),
    disks: [],
    terms: ['io none'],
  },
  'disks without a group': {
    on: alone,
    io: io({ readsPerSecond: 10, weight: 10 }),
    disks: ['8:0'],
    terms: ['io none', 'io-weight none'],
  },
  'its stalls on a hybrid host: a group of v2 beside': {
    on: v1,
    process: { pressure: true },
    dirs: ['accounting:/u/b/1.step.1.1'],
    terms: ['pressure accounting'],
  },
  'its stalls on v2: of the group that it has': {
    on: v2,
    process: { pressure: true },
    dirs: [],
    terms: ['pressure accounting'],
  },
  'its stalls without a group': {
    on: alone,
    process: { pressure: true },
    terms: ['pressure none'],
  },
};

for (const [name, tc] of Object.entries(cases)) {
  test(`terms: ${name}`, () => {
    const task: TermTask = {
      attempt: id(1),
      process: tc.process,
      io: tc.io,
      cores: tc.cores,
      memory: bytes(64 * MIB),
      disks: tc.disks ?? [],
    };
    const plan = planTerms(tc.on, task)!;
    assert.deepEqual(
      plan.terms.map(({ term, by }) => `${term} ${by}`),
      tc.terms,
    );
    if (tc.notes !== undefined) {
      assert.deepEqual(
        plan.terms.map(({ note }) => note),
        tc.notes,
      );
    }
    assert.deepEqual(
      plan.holds.map((hold) => `${hold.aspect} ${hold.file}=${hold.value}`),
      tc.holds ?? [],
    );
    assert.deepEqual(
      plan.acts.map(({ act, value }) => `${act} ${value}`),
      tc.acts ?? [],
    );
    const named = new Set(plan.terms.map(({ term }) => term));
    for (const { term } of [...plan.holds, ...plan.acts]) assert.ok(named.has(term), term);
    if (tc.dirs === undefined) return;
    assert.deepEqual(
      plan.dirs.map(([aspect, path]) => `${aspect}:${path}`),
      tc.dirs,
    );
  });
}

test('a task that asks for nothing has no plan', () => {
  for (const on of [v1, v2, alone]) {
    const task = { attempt: id(1), process: undefined, io: undefined, cores: undefined };
    assert.equal(planTerms(on, { ...task, memory: bytes(0), disks: [] }), undefined);
  }
});

async function v2Rig(t: Parameters<typeof fakeCgroups>[0] & ConstructorParameters<typeof Rig>[0]) {
  const rig = new Rig(t, { enforcement: 'unprivileged' });
  const instance = 'cd'.repeat(8);
  writeFileSync(join(rig.stateDir, 'instance'), `${instance}\n`);
  const name = `berth-${instance.slice(0, 8)}`;
  const root = fakeCgroups(t, name, 'cpuset cpu io memory hugetlb pids\n');
  for (const file of ['cpuset.cpus.effective', 'cpuset.mems.effective']) {
    writeFileSync(join(root, name, file), '0\n');
  }
  for (const size of ['2MB', '1GB'])
    writeFileSync(join(root, name, `hugetlb.${size}.max`), 'max\n');
  rig.use({ enforcement: 'cgroup-v2', cgroupRoot: root });
  await rig.open();
  return { rig, group: (n: number) => join(root, name, id(n)) };
}

const files = {
  'cpu.weight': '33',
  'cpu.idle': '1',
  'cpuset.cpus': '0',
  'cpuset.mems': '0',
  'memory.low': `${64 * MIB}`,
  'memory.high': `${32 * MIB}`,
  'memory.oom.group': '1',
  'hugetlb.2MB.max': `${4 * MIB}`,
  'hugetlb.1GB.max': '0',
  'io.weight': 'default 50',
};

test('terms on a v2 tree are written, read back and told at start and end', timed, async (t) => {
  const { rig, group } = await v2Rig(t);
  fakeGroup(group(1), [...Object.keys(files), 'io.max', 'cgroup.procs']);
  for (const what of ['cpu', 'memory', 'io']) {
    const stalled = `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234567\nfull total=0\n`;
    writeFileSync(join(group(1), `${what}.pressure`), stalled);
  }
  const ask = {
    run: ['true'],
    cores: [0],
    memory: 64 * MIB,
    workdir: rig.stateDir,
    cwd: rig.stateDir,
    execution: {
      process: {
        nice: 5,
        policy: 'idle',
        cores: 'exclusive',
        numa: 'bind',
        memoryProtection: 'soft',
        memoryHigh: bytes(32 * MIB),
        oomKill: 'task',
        hugePages: bytes(4 * MIB),
        pressure: true,
      },
      io: io({ weight: 50 }),
    },
  } as const;
  const end = await rig.run(1, ask);
  assert.equal(end.cause, 'succeeded');
  for (const [file, want] of Object.entries(files)) {
    assert.equal(readFileSync(join(group(1), file), 'utf8'), want, file);
  }
  const told = new Map(end.enforced.terms?.map((one) => [one.term, one]));
  for (const { term, by, note } of told.values()) assert.notEqual(by, 'none', `${term}: ${note}`);
  assert.equal(told.get('pressure')?.note, 'stalled for cpu 1235 ms, memory 1235 ms, io 1235 ms');
  const started = rig.reports.find((report) => report.kind === 'started');
  assert.ok(started?.kind === 'started');
  assert.deepEqual(
    started.terms?.map(({ term }) => term),
    [...told.keys()],
  );
});

test('a file that is not there, or says something else, is told', timed, async (t) => {
  const { rig, group } = await v2Rig(t);
  fakeGroup(group(1), ['cpu.weight', 'cgroup.procs', 'memory.high']);
  writeFileSync(join(group(1), 'memory.high'), 'already here and longer than what is written');
  const end = await rig.run(1, {
    run: ['true'],
    cores: [0],
    execution: { process: { memoryHigh: bytes(32 * MIB), cores: 'exclusive', nice: 1 } },
  });
  const told = new Map(end.enforced.terms?.map((one) => [one.term, one]));
  assert.equal(end.cause, 'succeeded');
  assert.equal(told.get('nice')?.by, 'kernel');
  assert.deepEqual([told.get('cores')?.by, told.get('memory-high')?.by], ['none', 'none']);
  assert.match(told.get('cores')!.note, /^cpuset\.cpus: No such file/);
  assert.match(told.get('memory-high')!.note, /^memory\.high: wrote '33554432', it says '33554432/);
});

const many = availableParallelism() < 2 ? 'needs two CPUs' : false;

test('without a group a task pins itself', { ...timed, skip: many }, async (t) => {
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  const run = 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status; nice';
  const end = await rig.run(1, { run, cores: [1], execution: { process: { nice: 3 } } });
  assert.equal(rig.log(1), '1\n3\n');
  assert.deepEqual(
    end.enforced.terms?.map(({ term, by }) => `${term} ${by}`),
    ['nice kernel', 'cores kernel'],
  );
});

test('an act that the kernel refuses is told, and the task runs', timed, async (t) => {
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  const end = await rig.run(1, { run: ['true'], cores: [1000] });
  assert.equal(end.cause, 'succeeded');
  assert.equal(end.enforced.terms?.[0]?.by, 'none');
  assert.match(end.enforced.terms![0]!.note, /^sched_setaffinity: /);
});
