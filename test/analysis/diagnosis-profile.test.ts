import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConnections, parseQdiscs } from '../../src/analysis/diagnosis/link-files.ts';
import {
  containerOf,
  parseProcessIo,
  parseSchedstat,
  parseSwitches,
  parseTaskStat,
  type TaskStat,
  waitOf,
} from '../../src/analysis/diagnosis/process-files.ts';
import {
  type ProcessReading,
  type ProfileInput,
  profileOf,
  type ThreadState,
} from '../../src/analysis/diagnosis/profile.ts';

const idle: TaskStat = {
  command: 'train',
  state: 'S',
  parent: 1,
  minorFaults: 0,
  majorFaults: 0,
  userTicks: 0,
  systemTicks: 0,
  threads: 1,
  startTicks: 5,
  residentPages: 256,
};

interface Draw {
  readonly stat?: Partial<TaskStat>;
  readonly waitedMs?: number;
  readonly voluntary?: number;
  readonly written?: number;
}

function reading({ stat = {}, waitedMs = 0, voluntary = 0, written = 0 }: Draw): ProcessReading {
  const whole = { ...idle, ...stat };
  const schedule = { ranNs: 0, waitedNs: waitedMs * 1_000_000 };
  return {
    pid: 7,
    stat: whole,
    io: { read: 0, written, through: 0 },
    threads: [{ tid: 7, stat: whole, schedule, switches: { voluntary, involuntary: 0 } }],
  };
}

function profile(after: Draw, changes: Partial<ProfileInput> & { state?: ThreadState } = {}) {
  const { state = { state: 'S', waitsIn: 'do_epoll_wait' }, ...rest } = changes;
  return profileOf({
    elapsedMs: 10_000,
    cpus: 4,
    before: [reading({})],
    after: [reading(after)],
    looks: [[state], [state]],
    throttled: undefined,
    ...rest,
  });
}

const bounds: Readonly<Record<string, readonly [ReturnType<typeof profile>, string, RegExp]>> = {
  'a thread that computes': [
    profile({ stat: { userTicks: 950 } }, { state: { state: 'R', waitsIn: undefined } }),
    'one-thread',
    /^One thread computes all the time .*more CPUs would not help/,
  ],
  'threads that wait for CPUs': [
    profile({ stat: { userTicks: 300 }, waitedMs: 9_000 }),
    'run-queue',
    /^It waits for CPUs: 0\.9 of its threads were ready and did not run\. It uses 0\.3 CPUs/,
  ],
  'a limit that holds it back': [
    profile({ stat: { userTicks: 500 }, waitedMs: 5_000 }, { throttled: 0.5 }),
    'cpu-limit',
    /^Its own CPU limit holds it back, 50 % of the time/,
  ],
  'a disk': [
    profile(
      { stat: { systemTicks: 50 }, written: 104_857_600 },
      { state: { state: 'D', waitsIn: 'io_schedule' } },
    ),
    'disk',
    /^It waits for a disk: 1 threads at a time, 10 MiB\/s/,
  ],
  'memory that is read back': [
    profile(
      { stat: { majorFaults: 5_000 } },
      { state: { state: 'D', waitsIn: 'folio_wait_bit_common' } },
    ),
    'memory',
    /500 major faults a second/,
  ],
  locks: [
    profile(
      { stat: { userTicks: 200 }, voluntary: 500_000 },
      { state: { state: 'S', waitsIn: 'futex_do_wait' } },
    ),
    'locks',
    /^Its threads wait for each other/,
  ],
  'threads that sleep in a lock and are never woken have nothing to do': [
    profile({ voluntary: 100 }, { state: { state: 'S', waitsIn: 'futex_do_wait' } }),
    'idle',
    /most threads in futex_do_wait/,
  ],
  'the network': [
    profile({}, { state: { state: 'S', waitsIn: 'wait_woken' } }),
    'network',
    /^It waits for the network/,
  ],
  'all CPUs': [profile({ stat: { userTicks: 3_900 } }), 'cpu', /^It uses all CPUs/],
  nothing: [profile({}), 'idle', /^Nothing bounds it/],
  'what has ended': [profile({}, { after: [] }), 'gone', /^Nothing of it runs any more/],
};

for (const [name, [found, bound, sentence]] of Object.entries(bounds)) {
  test(`what bounds it: ${name}`, () => {
    assert.equal(found.bound, bound);
    assert.match(found.sentence, sentence);
  });
}

test('a process that was given the number of one that ended counts from nothing', () => {
  const { cpuUser } = profile({ stat: { startTicks: 99, userTicks: 400 } });
  assert.equal(cpuUser, 0.4);
});

test('a command may be called anything', () => {
  const rest = 'S 1 2 3 4 5 6 10 0 20 0 300 40 0 0 20 0 7 0 12345 9999 55 0';
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (command) => {
      const stat = parseTaskStat(`42 (${command}) ${rest}`);
      assert.deepEqual(stat, {
        command,
        state: 'S',
        parent: 1,
        minorFaults: 10,
        majorFaults: 20,
        userTicks: 300,
        systemTicks: 40,
        threads: 7,
        startTicks: 12_345,
        residentPages: 55,
      });
    }),
  );
});

test('files of a process that are none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseTaskStat(text);
      parseSchedstat(text);
      parseSwitches(text);
      parseProcessIo(text);
      containerOf(text);
      parseConnections(text);
      parseQdiscs(text);
    }),
  );
  assert.equal(parseTaskStat(''), undefined);
  assert.equal(parseSwitches('voluntary_ctxt_switches:\tmany'), undefined);
  assert.equal(parseProcessIo('rchar: 1\n'), undefined);
  assert.equal(parseQdiscs('[]]'), undefined);
});

const id = '4f1c'.padEnd(64, '0a');
/** Lines of /proc/PID/cgroup as the runtimes document and write them. */
const cgroups: readonly (readonly [string, string | undefined])[] = [
  [`12:memory:/docker/${id}\n11:cpu,cpuacct:/docker/${id}`, 'docker'],
  [`0::/system.slice/docker-${id}.scope`, 'docker'],
  [`0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`, 'containerd'],
  [`4:memory:/kubepods/besteffort/pod8f3c/${id}`, 'kubernetes'],
  [`0::/kubepods.slice/kubepods-pod1.slice/crio-${id}.scope/container`, 'cri-o'],
  [`0::/machine.slice/libpod-${id}.scope/container`, 'podman'],
  ['0::/user.slice/user-1000.slice/session-3.scope', undefined],
  ['1:cpu:/berth-1234abcd/12.main.0.1', undefined],
];

test('a container is told by the cgroup of its processes', () => {
  for (const [text, runtime] of cgroups) {
    assert.deepEqual(containerOf(text), runtime === undefined ? undefined : { runtime, id });
  }
});

test('connections as ss tells of them', () => {
  const text = `ESTAB 0      236024 10.99.0.1:38088 10.99.0.2:7777 users:(("perl",pid=9353,fd=3))
\t bbr wscale:10,10 rto:248 bytes_sent:5500 bytes_retrans:44 bytes_acked:65 segs_out:3 bytes_received:70 lastsnd:20
ESTAB 0      0      127.0.0.1:22 127.0.0.1:99
\t cubic rto:200 bytes_received:8
`;
  assert.deepEqual(parseConnections(text), [
    { key: '10.99.0.1:38088 10.99.0.2:7777', pid: 9353, command: 'perl', bytes: 5_570 },
    { key: '127.0.0.1:22 127.0.0.1:99', pid: undefined, command: 'somebody', bytes: 8 },
  ]);
});

test('queues of links as tc tells of them', () => {
  const recorded =
    '[{"kind":"noqueue","handle":"0:","dev":"lo","root":true,"refcnt":2,"options":{},"drops":0,"qlen":0},' +
    '{"kind":"tbf","handle":"8080:","dev":"hdv0","root":true,"options":{"rate":1000000,"burst":16384},"drops":7501,"backlog":57532,"qlen":5},' +
    '{"kind":"fq_codel","dev":"hdv0","parent":"1:10","options":{},"qlen":3},null]';
  assert.deepEqual(parseQdiscs(recorded), [
    { device: 'lo', packets: 0, bytesPerSecond: undefined, drops: 0 },
    { device: 'hdv0', packets: 5, bytesPerSecond: 1_000_000, drops: 7_501 },
  ]);
});

const waits: Readonly<
  Record<
    string,
    readonly [
      wchan: string | undefined,
      syscall: string | undefined,
      arch: string,
      want: string | undefined,
    ]
  >
> = {
  'a function of the kernel': ['futex_do_wait', undefined, 'x64', 'futex_do_wait'],
  'kept to itself, and in a lock': ['0', '202 0x7f 0x80 0x0 0x7ff 0x7f', 'x64', 'futex'],
  'of another processor the number is another': ['0', '98 0x7f 0x80', 'arm64', 'futex'],
  'and means something else here': ['0', '98 0x7f 0x80', 'x64', undefined],
  'kept to itself, and asleep': ['0', '230 0x0 0x0', 'x64', undefined],
  'it runs': ['0', 'running', 'x64', undefined],
  'one may not know': [undefined, undefined, 'x64', undefined],
};
for (const [name, [wchan, syscall, arch, want]] of Object.entries(waits)) {
  test(`where a thread waits: ${name}`, () =>
    assert.equal(
      waitOf(wchan, () => syscall, arch),
      want,
    ));
}
