import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BasisPoints, bytes, milliCpu, UNLIMITED } from '../../src/base/units.ts';
import type { TermController } from '../../src/execution/term-site.ts';
import type { IoTerms } from '../../src/model/execution-terms.ts';
import { checkClean, type Ground, groupFile, hasController, told } from './enforcement-ground.ts';
import { type Ask, MIB, patience, type Rig } from './rig.ts';

const none: IoTerms = {
  readBytesPerSecond: bytes(UNLIMITED),
  writeBytesPerSecond: bytes(UNLIMITED),
  readsPerSecond: UNLIMITED,
  writesPerSecond: UNLIMITED,
};

/** `file` in the task's group of `aspect`, and what it says while the task runs. */
type Setting = readonly [aspect: string, file: string, says: string | RegExp];

interface Case {
  readonly ask: Omit<Ask, 'run'>;
  /** Says what holds it; limits that every task may have stand in the enforcement itself. */
  readonly term?: string;
  readonly needs?: TermController | 'protection';
  readonly v2: readonly Setting[];
  /** Absent where cgroup v1 has nothing of the kind: then it is told. */
  readonly v1?: readonly Setting[];
}

const process = (terms: NonNullable<Ask['execution']>['process']): Omit<Ask, 'run'> => ({
  execution: { process: terms ?? {} },
});

function casesOn(ground: Ground): Record<string, Case> {
  const { cpus = [], numa = [], protection } = ground.site.terms ?? {};
  const cpu = cpus.at(-1) ?? 0;
  const node = numa.find((one) => one.cpus.includes(cpu))?.id ?? 0;
  const swaps = ground.site.driver !== 'unprivileged' && ground.site.swap;
  const kept = `${16 * MIB}`;
  const disk = { workdir: ground.folder, cwd: ground.folder };
  return {
    'half a CPU, and a weight by what was asked for': {
      ask: { cpu: 250, limits: { cpu: milliCpu(500) } },
      v2: [
        ['cpu', 'cpu.max', '50000 100000'],
        ['cpu', 'cpu.weight', '25'],
      ],
      v1: [
        ['cpu', 'cpu.cfs_quota_us', '50000'],
        ['cpu', 'cpu.cfs_period_us', '100000'],
        ['cpu', 'cpu.shares', '256'],
      ],
    },
    'half of the weight of what was asked for': {
      ask: process({ cpuShare: 5000 as BasisPoints }),
      term: 'cpu-share',
      v2: [['cpu', 'cpu.weight', '50']],
      v1: [['cpu', 'cpu.shares', '512']],
    },
    'the least weight there is': {
      ask: process({ cpuShare: 0 as BasisPoints }),
      term: 'cpu-share',
      v2: [['cpu', 'cpu.weight', '1']],
      v1: [['cpu', 'cpu.shares', '2']],
    },
    'a memory limit': {
      ask: { memoryLimit: 64 * MIB },
      v2: [['memory', 'memory.max', `${64 * MIB}`]],
      v1: [['memory', 'memory.limit_in_bytes', `${64 * MIB}`]],
    },
    'no swap beyond it': {
      ask: { memoryLimit: 64 * MIB },
      v2: swaps ? [['memory', 'memory.swap.max', '0']] : [],
      v1: swaps ? [['memory', 'memory.memsw.limit_in_bytes', `${64 * MIB}`]] : [],
    },
    'a limit of processes': {
      ask: { limits: { pids: 20 } },
      v2: [['pids', 'pids.max', '20']],
      v1: [['pids', 'pids.max', '20']],
    },
    'CPU that nobody else wants': {
      ask: process({ policy: 'idle' }),
      term: 'idle-group',
      v2: [['cpu', 'cpu.idle', '1']],
      v1: [['cpu', 'cpu.idle', '1']],
    },
    'cores of its own': {
      ask: { cores: [cpu], ...process({ cores: 'exclusive' }) },
      term: 'cores',
      needs: 'cpuset',
      v2: [['cpuset', 'cpuset.cpus', `${cpu}`]],
      v1: [['cpuset', 'cpuset.cpus', `${cpu}`]],
    },
    'memory of the NUMA node of its cores': {
      ask: { cores: [cpu], ...process({ numa: 'bind' }) },
      term: 'numa',
      needs: 'cpuset',
      v2: [['cpuset', 'cpuset.mems', `${node}`]],
      v1: [['cpuset', 'cpuset.mems', `${node}`]],
    },
    'memory that others give up last': {
      ask: { memory: 16 * MIB, ...process({ memoryProtection: 'soft' }) },
      term: 'memory-kept',
      ...(protection?.low === 0 && { needs: 'protection' }),
      v2: [['memory', 'memory.low', kept]],
      v1: [['memory', 'memory.soft_limit_in_bytes', kept]],
    },
    'half of its memory that others give up last': {
      ask: {
        memory: 32 * MIB,
        ...process({ memoryProtection: 'soft', memoryGuarantee: 5000 as BasisPoints }),
      },
      term: 'memory-kept',
      ...(protection?.low === 0 && { needs: 'protection' }),
      v2: [['memory', 'memory.low', kept]],
      v1: [['memory', 'memory.soft_limit_in_bytes', kept]],
    },
    'memory that it never gives up': {
      ask: { memory: 16 * MIB, ...process({ memoryProtection: 'hard' }) },
      term: 'memory-kept',
      ...(protection?.min === 0 && { needs: 'protection' }),
      v2: [['memory', 'memory.min', kept]],
    },
    'memory above which it is slowed down': {
      ask: process({ memoryHigh: bytes(32 * MIB) }),
      term: 'memory-high',
      v2: [['memory', 'memory.high', `${32 * MIB}`]],
    },
    'one death for all of it': {
      ask: process({ oomKill: 'task' }),
      term: 'oom-kill',
      v2: [['memory', 'memory.oom.group', '1']],
    },
    'so much of the huge pages': {
      ask: process({ hugePages: bytes(4 * MIB) }),
      term: 'huge-pages',
      needs: 'hugetlb',
      v2: [['hugetlb', 'hugetlb.2MB.max', `${4 * MIB}`]],
      v1: [
        ground.site.terms?.groups.hugetlb === undefined
          ? ['accounting', 'hugetlb.2MB.max', `${4 * MIB}`]
          : ['hugetlb', 'hugetlb.2MB.limit_in_bytes', `${4 * MIB}`],
      ],
    },
    'bytes and operations of its disk': {
      ask: {
        ...disk,
        execution: { io: { ...none, readBytesPerSecond: bytes(5 * MIB), writesPerSecond: 100 } },
      },
      term: 'io',
      needs: 'io',
      v2: [['io', 'io.max', /^\d+:\d+ rbps=5242880 .*wiops=100$/m]],
      v1: [
        ['io', 'blkio.throttle.read_bps_device', /^\d+:\d+ 5242880$/],
        ['io', 'blkio.throttle.write_iops_device', /^\d+:\d+ 100$/],
      ],
    },
    'a weight at its disk': {
      ask: { ...disk, execution: { io: { ...none, weight: 300 } } },
      term: 'io-weight',
      needs: 'io',
      v2: [['io', 'io.weight', /^default 300$/m]],
    },
  };
}

/** What is written to the group of a task, and told of it: the same cases wherever there are cgroups. */
export function settingsContract(name: string, ground: Ground): void {
  test(`${name}: what is set`, { timeout: 120_000 * patience }, async (t) => {
    const rig = await ground.open(t);
    for (const [n, [what, tc]] of Object.entries(casesOn(ground)).entries()) {
      await t.test(what, () => checkCase(rig, ground, n, tc));
    }
    checkClean(rig);
  });
}

async function checkCase(rig: Rig, ground: Ground, n: number, tc: Case): Promise<void> {
  const { term, needs } = tc;
  ground.fake?.fill(n);
  const go = join(rig.stateDir, `go-${n}`);
  writeFileSync(go, '');
  rig.start(n, { ...tc.ask, run: `while [ -e ${go} ]; do sleep 0.1; done` });
  await rig.started(n);
  const missing = needs !== undefined && (needs === 'protection' || !hasController(ground, needs));
  const settings = missing ? undefined : ground.site.driver === 'cgroup-v2' ? tc.v2 : tc.v1;
  for (const [aspect, file, says] of settings ?? []) {
    const text = groupFile(rig, n, aspect, file);
    if (typeof says === 'string') assert.equal(text, says, file);
    else assert.match(text, says, file);
  }
  ground.fake?.empty(n);
  rmSync(go);
  const end = await rig.ended(n);
  assert.equal(end.cause, 'succeeded', end.message);
  const { driver, cpu, memory, pids } = end.enforced;
  assert.equal(driver, ground.site.driver);
  if (tc.ask.limits?.cpu !== undefined) assert.equal(cpu, 'quota');
  if (tc.ask.memoryLimit !== undefined) assert.equal(memory, 'kernel');
  if (tc.ask.limits?.pids !== undefined) assert.equal(pids, 'kernel');
  if (term === undefined) return;
  // Without a cpuset the task does what it can by itself.
  const by = settings === undefined && needs !== 'cpuset' ? /^none: \w/ : /^kernel: \w/;
  assert.match(told(end)[term] ?? 'not told', by);
}
