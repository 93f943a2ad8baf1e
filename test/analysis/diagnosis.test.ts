import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diagnose } from '../../src/analysis/diagnosis/diagnose.ts';
import type { Facts } from '../../src/analysis/diagnosis/facts.ts';
import { NOTHING_LOOKED_AT } from '../../src/analysis/diagnosis/facts.ts';
import { severityOf } from '../../src/analysis/finding.ts';
import {
  type Drawn,
  factsOf,
  GIB,
  historyOf,
  host,
  runningTask,
  START,
  uses,
} from './diagnosis-scene.ts';

const MIB = 1024 ** 2;
const SECONDS = 60;

function report(drawn: readonly Drawn[], facts: Facts, seconds = SECONDS) {
  const interval = { from: START, to: START + seconds * 1_000 };
  return diagnose({ history: historyOf(drawn, seconds) }, interval, facts);
}

const hog = runningTask(1, { cpuHeld: 0.5 });
const victim = runningTask(2, { cpuHeld: 1, tenant: 'bob' });
const busyHost = { cpu_busy_ratio: 0.99, 'pressure_waiting_ratio cpu': 0.85 };

interface Case {
  readonly drawn: readonly Drawn[];
  readonly facts: Facts;
  readonly want: {
    readonly kinds: readonly string[];
    readonly severity?: string;
    readonly strategy?: string;
    readonly culprit?: string;
    readonly sufferer?: string;
    readonly command?: RegExp;
    readonly sentence?: RegExp;
  };
}

const cases: Readonly<Record<string, Case>> = {
  'a host at ease': { drawn: host(), facts: factsOf([hog, victim]), want: { kinds: [] } },
  'a task that uses more CPU than it holds, and one that waits for it': {
    drawn: [
      ...host(busyHost),
      ...uses(hog, { cpu: 3, waits: { cpu: 0.5 } }),
      ...uses(victim, { cpu: 0.8, waits: { cpu: 0.7 } }),
    ],
    facts: factsOf([hog, victim]),
    want: {
      kinds: ['cpu-contention'],
      severity: 'critical',
      strategy: 'immediate-cpu-reallocation',
      culprit: '1.main.0.1',
      sufferer: '2.main.0.1',
      command: /^berth adjust 1 --step main --cpu 0\.5$/,
      sentence: /waited for one 85 % of the time while 99 % of the CPUs were busy/,
    },
  },
  'less of it is answered step by step': {
    drawn: [
      ...host({ ...busyHost, 'pressure_waiting_ratio cpu': 0.65 }),
      ...uses(hog, { cpu: 3, waits: { cpu: 0.5 } }),
      ...uses(victim, { cpu: 0.8, waits: { cpu: 0.6 } }),
    ],
    facts: factsOf([hog, victim]),
    want: {
      kinds: ['cpu-contention'],
      severity: 'high',
      strategy: 'gradual-resource-adjustment',
      command: /--cpu 1\.75$/,
    },
  },
  'CPUs that others took: a process that Berth did not start': {
    drawn: [...host(busyHost), ...uses(victim, { cpu: 0.8, waits: { cpu: 0.7 } })],
    facts: factsOf([victim], {
      look: {
        ...NOTHING_LOOKED_AT,
        processes: [{ pid: 77, command: 'make', attempt: undefined, cpu: 3.1 }],
      },
    }),
    want: {
      kinds: ['cpu-contention'],
      culprit: '77',
      sufferer: '2.main.0.1',
      command: /^renice -n 10 -p 77$/,
    },
  },
  'and where nobody looked, all of them together': {
    drawn: [...host(busyHost), ...uses(victim, { cpu: 0.8, waits: { cpu: 0.7 } })],
    facts: factsOf([victim]),
    want: { kinds: ['cpu-contention'], culprit: 'outside Berth' },
  },
  'many processes that use little each, all together': {
    drawn: [...host(busyHost), ...uses(victim, { cpu: 0.8, waits: { cpu: 0.7 } })],
    facts: factsOf([victim], {
      look: {
        ...NOTHING_LOOKED_AT,
        processes: [1, 2, 3, 4, 5, 6, 7, 8].map((pid) => {
          return { pid, command: 'make', attempt: undefined, cpu: 0.35 };
        }),
      },
    }),
    want: { kinds: ['cpu-contention'], culprit: 'outside Berth', sufferer: '2.main.0.1' },
  },
  'threads of one task that wait for each other': {
    drawn: host(),
    facts: factsOf([hog, victim], {
      look: {
        ...NOTHING_LOOKED_AT,
        locks: [
          { attempt: hog.attempt, threads: 8, inLocks: 6.4, switchesPerSecond: 45_000 },
          // A pool that has nothing to do sleeps on.
          { attempt: victim.attempt, threads: 64, inLocks: 60, switchesPerSecond: 12 },
        ],
      },
    }),
    want: {
      kinds: ['lock-contention'],
      severity: 'moderate',
      culprit: '1.main.0.1',
      sentence:
        /^6\.4 of 8 threads of 1\.main\.0\.1 wait for each other \(80 %\), with 45000 switches a second/,
    },
  },
  'threads that switch often and wait for nobody': {
    drawn: host(),
    facts: factsOf([hog], {
      look: {
        ...NOTHING_LOOKED_AT,
        locks: [{ attempt: hog.attempt, threads: 8, inLocks: 0.4, switchesPerSecond: 45_000 }],
      },
    }),
    want: { kinds: [] },
  },
  'waiting while CPUs are idle is no contention': {
    drawn: [
      ...host({ cpu_busy_ratio: 0.3, 'pressure_waiting_ratio cpu': 0.9 }),
      ...uses(hog, { cpu: 0.5, throttled: 0.85, waits: { cpu: 0.9 } }),
    ],
    facts: factsOf([{ ...hog, cpuLimit: 0.5 }]),
    want: {
      kinds: ['cpu-limit'],
      severity: 'moderate',
      sufferer: '1.main.0.1',
      sentence: /held back by its own limit of 0\.5 CPUs, 85 % of the time/,
    },
  },
  'nor is it where the CPUs are busy and all that waits is held back by its own limit': {
    drawn: [
      ...host(busyHost),
      ...uses(hog, { cpu: 2, throttled: 0.8, waits: { cpu: 0.82 } }),
      ...uses(victim, { cpu: 1.9, waits: { cpu: 0.01 } }),
    ],
    facts: factsOf([
      { ...hog, cpuHeld: 2, cpuLimit: 2 },
      { ...victim, cpuHeld: 2 },
    ]),
    want: { kinds: ['cpu-limit'] },
  },
  'one CPU that is full, where tasks are pinned to it': {
    drawn: [
      ...host({
        cpu_busy_ratio: 0.3,
        'cpu_core_busy_ratio 2': 0.99,
        'pressure_waiting_ratio cpu': 0.5,
      }),
      ...uses(hog, { cpu: 0.9, waits: { cpu: 0.5 } }),
    ],
    facts: factsOf([hog]),
    want: { kinds: ['cpu-contention'], culprit: '1.main.0.1', sentence: /while one CPU were busy/ },
  },
  'a hypervisor that gives CPUs to others': {
    drawn: host({ cpu_stolen_ratio: 0.35 }),
    facts: factsOf([]),
    want: { kinds: ['cpu-stolen'], severity: 'high' },
  },
  'a task that outgrew its own memory limit, on a host with room': {
    drawn: [
      ...host({ 'pressure_waiting_ratio memory': 0.7 }),
      ...uses(hog, { memory: 63 * MIB, faults: 900, waits: { memory: 0.7 } }),
      ...uses(victim, { memory: 10 * MIB }),
    ],
    facts: factsOf([{ ...hog, memoryLimitBytes: 64 * MIB }, victim]),
    want: {
      kinds: ['memory-limit'],
      severity: 'high',
      culprit: '1.main.0.1',
      sufferer: '1.main.0.1',
      command: /^berth adjust 1 --step main --memory 128Mi$/,
    },
  },
  'a host that swaps': {
    drawn: [
      ...host({
        'pressure_waiting_ratio memory': 0.82,
        'swapped_bytes_per_second in': 40 * MIB,
        major_faults_per_second: 2_000,
        memory_available_bytes: 3 * GIB,
        memory_used_bytes: 13 * GIB,
      }),
      ...uses(hog, { memory: 11 * GIB, waits: { memory: 0.3 } }),
      ...uses(victim, { memory: GIB, waits: { memory: 0.8 } }),
    ],
    facts: factsOf([{ ...hog, memoryHeldBytes: 4 * GIB }, victim]),
    want: {
      kinds: ['memory-thrash'],
      severity: 'critical',
      strategy: 'memory-rebalancing',
      culprit: '1.main.0.1',
      sufferer: '2.main.0.1',
      command: /^berth pause 1$/,
    },
  },
  'almost no memory left': {
    drawn: [
      ...host({ memory_available_bytes: 0.3 * GIB, memory_used_bytes: 15.7 * GIB }),
      ...uses(hog, { memory: 12 * GIB }),
    ],
    facts: factsOf([hog]),
    want: { kinds: ['memory-near-oom'], severity: 'critical', culprit: '1.main.0.1' },
  },
  'a process that the kernel killed': {
    drawn: host({ oom_kills_per_second: (second) => (second === 30 ? 1 : 0) }),
    facts: factsOf([]),
    want: { kinds: ['oom-kills'], sentence: /killed 1 process for memory/ },
  },
  'a disk that keeps everybody waiting': {
    drawn: [
      ...host({
        'pressure_waiting_ratio io': 0.62,
        'disk_busy_ratio vda': 1,
        'disk_written_bytes_per_second vda': 200 * MIB,
        'disk_write_time_ratio vda': 8,
        'disk_writes_per_second vda': 400,
        'disk_queue_ratio vda': 8,
      }),
      ...uses(hog, { written: 190 * MIB, waits: { io: 0.6 } }),
      ...uses(victim, { read: MIB, waits: { io: 0.55 } }),
    ],
    facts: factsOf([hog, victim]),
    want: {
      kinds: ['io-contention'],
      severity: 'high',
      strategy: 'process-priority-optimization',
      culprit: '1.main.0.1',
      sufferer: '2.main.0.1',
      sentence: /compete for vda: .* busy 100 % with 20ms for each request/,
    },
  },
  'a task that waits for a disk which is idle most of the time': {
    drawn: [
      ...host({ 'pressure_waiting_ratio io': 0.6, 'disk_busy_ratio vda': 0.3 }),
      ...uses(hog, { read: MIB, waits: { io: 0.6 } }),
    ],
    facts: factsOf([hog]),
    want: { kinds: [] },
  },
  'a disk that is busy and keeps nobody waiting': {
    drawn: host({ 'disk_busy_ratio vda': 1, 'disk_queue_ratio vda': 6 }),
    facts: factsOf([]),
    want: { kinds: [] },
  },
  'a file system that fills': {
    drawn: host({ 'filesystem_available_bytes /': (second) => (60 - second * 0.5) * GIB }),
    facts: factsOf([]),
    want: { kinds: ['disk-full'], severity: 'critical', sentence: /full in 1m 1s/ },
  },
  'a file system with little left that does not shrink': {
    drawn: host({ 'filesystem_available_bytes /': 3 * GIB }),
    facts: factsOf([]),
    want: { kinds: ['disk-full'], severity: 'high' },
  },
  'a link that is full, with packets that wait and are sent again': {
    drawn: host({
      'network_sent_bytes_per_second eth0': 990_000,
      tcp_segments_retransmitted_per_second: 20,
    }),
    facts: factsOf([hog], {
      look: {
        ...NOTHING_LOOKED_AT,
        queues: [{ device: 'eth0', packets: 400, bytesPerSecond: 1_000_000, drops: 5 }],
        sockets: [
          { pid: 5, command: 'perl', attempt: '1.main.0.1', bytesPerSecond: 900_000 },
          { pid: 6, command: 'sshd', attempt: undefined, bytesPerSecond: 9_000 },
        ],
      },
    }),
    want: {
      kinds: ['network-congestion'],
      severity: 'critical',
      strategy: 'comprehensive-rebalancing',
      culprit: '1.main.0.1',
      sentence: /score 0\.82, mostly bandwidth/,
    },
  },
  'segments sent again on a link with room are no congestion': {
    drawn: host({ tcp_segments_retransmitted_per_second: 20 }),
    facts: factsOf([]),
    want: { kinds: [] },
  },
  'a cable that damages packets': {
    drawn: host({ 'network_errors_per_second eth0': 4 }),
    facts: factsOf([]),
    want: { kinds: ['network-errors'], command: /^ethtool -S eth0$/ },
  },
  'memory in pieces that somebody waits for': {
    drawn: host({ compact_stalls_per_second: 8 }),
    facts: factsOf([], {
      look: {
        ...NOTHING_LOOKED_AT,
        zones: [{ numa: 0, zone: 'Normal', blocks: [9_000, 500, 0, 0, 0, 0, 0, 0, 0, 1, 0] }],
      },
    }),
    want: {
      kinds: ['memory-fragmentation'],
      severity: 'high',
      sentence: /95 % of it in node 0, zone Normal/,
      command: /^echo 1 > \/proc\/sys\/vm\/compact_memory$/,
    },
  },
  'memory in pieces that nobody waits for': {
    drawn: host(),
    facts: factsOf([], {
      look: { ...NOTHING_LOOKED_AT, zones: [{ numa: 0, zone: 'Normal', blocks: [9_000, 500] }] },
    }),
    want: { kinds: [] },
  },
  'memory that is held and not used, while others wait': {
    drawn: [...host(), ...uses(hog, { memory: 100 * MIB })],
    facts: factsOf([{ ...hog, memoryHeldBytes: 8 * GIB }], { waitingTasks: 3 }),
    want: {
      kinds: ['memory-held-unused'],
      severity: 'low',
      strategy: 'preventive-optimization',
      culprit: '1.main.0.1',
      command: /^berth adjust 1 --step main --memory 120Mi$/,
    },
  },
  'memory that is held and not used, while nobody waits': {
    drawn: [...host(), ...uses(hog, { memory: 100 * MIB })],
    facts: factsOf([{ ...hog, memoryHeldBytes: 8 * GIB }]),
    want: { kinds: [] },
  },
  'a GPU with errors, too hot': {
    drawn: [
      ...host(),
      ...[
        'berth_gpu_busy_ratio',
        'berth_gpu_temperature_celsius',
        'berth_gpu_errors_per_second',
      ].map((name, i) => ({
        name,
        labels: { gpu: 'GPU-1', index: '0' },
        value: [0.9, 91, 0.1][i]!,
      })),
    ],
    facts: factsOf([]),
    want: { kinds: ['gpu-errors', 'gpu-hot'], severity: 'critical' },
  },
  'a CPU that is slowed for heat': {
    drawn: host({ 'thermal_throttles_per_second 0': 0.4 }),
    facts: factsOf([]),
    want: { kinds: ['thermal-throttling'], severity: 'high' },
  },
};

for (const [name, { drawn, facts, want }] of Object.entries(cases)) {
  test(name, () => {
    const { findings, sentence, looked } = report(drawn, facts);
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      want.kinds,
    );
    for (const resource of ['cpu', 'memory', 'io', 'power', 'cache', 'locks']) {
      assert.ok(
        looked.some((one) => one.resource === resource),
        `${resource} is told of`,
      );
    }
    const [first] = findings;
    if (first === undefined) {
      assert.match(sentence, /^Nothing is short/);
      return;
    }
    assert.equal(sentence, first.sentence);
    if (want.severity !== undefined) assert.equal(first.severity, want.severity);
    if (want.strategy !== undefined) assert.equal(first.strategy, want.strategy);
    if (want.culprit !== undefined) assert.equal(first.culprits[0]?.id, want.culprit);
    if (want.sufferer !== undefined) assert.equal(first.sufferers[0]?.id, want.sufferer);
    if (want.command !== undefined) assert.match(first.remedies[0]?.command ?? '', want.command);
    if (want.sentence !== undefined) assert.match(first.sentence, want.sentence);
    assert.ok(first.remedies.length > 0 && first.evidence.length > 0);
  });
}

test('a trouble of a minute is found in an hour, with when it began', () => {
  const inside = (second: number): boolean => second >= 1_000 && second < 1_600;
  const drawn = [
    ...host({
      cpu_busy_ratio: (second) => (inside(second) ? 0.99 : 0.2),
      'pressure_waiting_ratio cpu': (second) => (inside(second) ? 0.9 : 0.01),
    }),
    ...uses(hog, { cpu: (second) => (inside(second) ? 3.5 : 0) }),
    ...uses(victim, { cpu: (second) => (inside(second) ? 0.2 : 3) }),
  ];
  const { findings } = report(drawn, factsOf([hog, victim]), 3_600);
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [['cpu-contention', 'critical']],
  );
  assert.equal(findings[0]!.culprits[0]!.id, hog.attempt, 'the one of that time, not of the hour');
  assert.ok(Math.abs(findings[0]!.since! - (START + 1_000_000)) <= 60_000);
});

test('what follows from another comes after it, and says so', () => {
  const drawn = [
    ...host({
      'pressure_waiting_ratio memory': 0.6,
      major_faults_per_second: 3_000,
      memory_available_bytes: 2 * GIB,
      'pressure_waiting_ratio io': 0.9,
      'disk_busy_ratio vda': 0.98,
    }),
    ...uses(hog, { memory: 12 * GIB, read: 100 * MIB, waits: { memory: 0.6, io: 0.9 } }),
  ];
  const { findings } = report(drawn, factsOf([hog]));
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['memory-thrash', 'io-contention'],
  );
  assert.match(findings[1]!.sentence, /follows from memory-thrash: relieve that first/);
});

test('of what was not measured nothing is said', () => {
  const { findings, sentence, looked } = report([], factsOf([hog]));
  assert.deepEqual(findings, []);
  assert.match(sentence, /^Nothing was measured/);
  for (const { utilisation, saturation, errors } of looked) {
    assert.deepEqual([utilisation, saturation, errors], [undefined, undefined, undefined]);
  }
});

test('the ladder', () => {
  const rungs = [0, 0.39, 0.4, 0.59, 0.6, 0.79, 0.8, 1].map(severityOf);
  const [low, moderate, high, critical] = ['low', 'moderate', 'high', 'critical'];
  assert.deepEqual(rungs, [low, low, moderate, moderate, high, high, critical, critical]);
});

test('noise on a host at ease raises nothing', () => {
  const noisy = (mean: number, spread: number, seed: number) => (second: number) => {
    const wave = Math.abs(Math.sin((second + 1) * 12.9898 + seed * 78.233) * 43_758.5453) % 1;
    // One second in twenty is a burst.
    return wave > 0.95 ? Math.min(1, mean + spread * 4) : mean + spread * wave;
  };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), (seed) => {
      const drawn = [
        ...host({
          cpu_busy_ratio: noisy(0.3, 0.2, seed),
          'pressure_waiting_ratio cpu': noisy(0.02, 0.1, seed + 1),
          'pressure_waiting_ratio io': noisy(0.01, 0.1, seed + 2),
          'pressure_waiting_ratio memory': noisy(0, 0.03, seed + 3),
          'disk_busy_ratio vda': noisy(0.1, 0.2, seed + 4),
          tcp_segments_retransmitted_per_second: noisy(0, 3, seed + 5),
        }),
        ...uses(hog, { cpu: noisy(0.3, 0.3, seed + 6), waits: { cpu: noisy(0.02, 0.1, seed) } }),
      ];
      const { findings } = report(drawn, factsOf([hog]));
      assert.deepEqual(
        findings.map(({ sentence }) => sentence),
        [],
      );
    }),
    { numRuns: 200 },
  );
});

test('whatever was measured, a report comes out whose scores fit their severities', () => {
  const value = fc.oneof(
    fc.double({ min: 0, max: 2, noNaN: true }),
    fc.double({ min: 0, max: 1e12, noNaN: true }),
    fc.constant(0),
  );
  const names = [...new Set([...host(), ...uses(hog, {})].map(({ name }) => name))];
  const series = fc.record({
    name: fc.constantFrom(...names),
    labels: fc.constantFrom({}, { device: 'sda' }, { resource: 'cpu' }, { attempt: hog.attempt }),
    value,
  });
  fc.assert(
    fc.property(
      fc.array(series, { maxLength: 40 }),
      fc.integer({ min: 0, max: 400 }),
      (drawn, n) => {
        const { findings, looked } = report(drawn, factsOf([hog, victim]), n);
        for (const { score, severity } of findings) {
          assert.ok(score >= 0 && score <= 1);
          assert.equal(severity, severityOf(score));
        }
        for (const { utilisation = 0, saturation = 0 } of looked) {
          assert.ok(Number.isFinite(utilisation) && Number.isFinite(saturation));
        }
      },
    ),
  );
});
