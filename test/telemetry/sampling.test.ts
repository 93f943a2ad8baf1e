import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsideReader } from '../../src/telemetry/io/aside-reader.ts';
import { KeptFile } from '../../src/telemetry/io/kept-file.ts';
import type { ProgramSampler, StreamSampler } from '../../src/telemetry/sampler.ts';
import { pauseMs } from '../../src/telemetry/sampler-health.ts';
import { cpuSampler } from '../../src/telemetry/samplers/cpu.ts';
import { loadSampler } from '../../src/telemetry/samplers/load.ts';
import { memorySampler } from '../../src/telemetry/samplers/memory.ts';
import { networkSampler } from '../../src/telemetry/samplers/network.ts';
import { nvidiaSampler } from '../../src/telemetry/samplers/nvidia.ts';
import { powerSampler } from '../../src/telemetry/samplers/power.ts';
import { samplers } from '../../src/telemetry/samplers/registry.ts';
import { temperatureSampler } from '../../src/telemetry/samplers/temperature.ts';
import { byKey } from './readings.ts';
import { put, sampled, tree } from './sampling-run.ts';

const LIMIT = { timeout: 60_000 };
const TEMP = '/sys/class/hwmon/hwmon0/temp1_input';
const up = 'berth_sampler_up';

test('this host is sampled whole', LIMIT, async () => {
  const { live, ticks } = await sampled({ samplers, sysroot: '/' }, (_, seen) => seen.length === 3);
  const found = byKey(live.latest());
  const memory = found['berth_node_memory_used_bytes']!;
  assert.ok(memory > 0 && memory < found['berth_node_memory_total_bytes']!);
  const busy = found['berth_node_cpu_busy_ratio']!;
  assert.ok(busy >= 0 && busy <= 1);
  assert.ok(found['berth_node_context_switches_per_second']! > 0);
  assert.equal(found[`${up}{sampler="cpu"}`], 1);
  assert.ok(found['berth_sampling_cpu_seconds_total']! > 0);
  assert.equal(live.quality(), 1);
  // History has rates where `latest` has counts, too.
  const last = byKey(ticks.at(-1)!.readings);
  assert.ok('berth_node_context_switches_per_second' in last);
  assert.ok(!('berth_node_context_switches_total' in last));
});

test('ticks keep to their grid: none twice, none made up for', LIMIT, async () => {
  const speed = 25;
  const everyMs = 1_000 / speed;
  const { ticks } = await sampled(
    { samplers: [cpuSampler], sysroot: '/', speed },
    (_, { length }) => {
      if (length === 10) {
        const until = performance.now() + 4.5 * everyMs;
        while (performance.now() < until);
      }
      return length === 30;
    },
  );
  const began = ticks[1]!.atMs - everyMs;
  for (const [i, { atMs }] of ticks.entries()) {
    if (i < 2) continue;
    const gapMs = atMs - ticks[i - 1]!.atMs;
    assert.ok(gapMs > everyMs * 0.3, `tick ${i} came ${gapMs} ms after the last`);
  }
  const ended = (ticks.at(-1)!.atMs - began) / everyMs;
  assert.ok(ended >= 29 + 3, `${ended} intervals for 30 ticks, of which four were held up`);
});

test('a sensor that hangs holds up nobody: it is down, and the others go on', LIMIT, async (t) => {
  const root = tree(t, {
    '/proc/meminfo': 'MemTotal: 10 kB\nMemAvailable: 5 kB\n',
    '/sys/class/powercap/intel-rapl:0/energy_uj': '5000000\n',
  });
  put(root, '/sys/class/hwmon/hwmon0/name', 'stuck\n');
  // Whoever opens it to read waits for somebody to write.
  assert.equal(spawnSync('mkfifo', [join(root, TEMP)]).status, 0);
  const answerMs = 1_000;
  let meanwhile = 0;
  const { live } = await sampled(
    {
      samplers: [memorySampler, temperatureSampler, powerSampler],
      sysroot: root,
      speed: 20,
      answerMs,
    },
    (latest) => {
      const found = byKey(latest.latest());
      if (found[`${up}{sampler="temperature"}`] === undefined) meanwhile++;
      return found[`${up}{sampler="temperature"}`] === 0 && found[`${up}{sampler="power"}`] === 1;
    },
  );
  assert.ok(meanwhile >= 4, `${meanwhile} ticks while it hung`);
  const found = byKey(live.latest());
  assert.equal(found['berth_node_energy_joules_total{zone="intel-rapl:0"}'], 5);
  assert.equal(found[`${up}{sampler="memory"}`], 1);
  const waited = found['berth_sampler_duration_seconds{sampler="temperature"}']!;
  assert.ok(waited >= answerMs / 1_000 - 0.01, `${waited} s`);
  assert.ok(live.quality()! < 1);
});

test('a sensor that answers again is read again', LIMIT, async (t) => {
  const root = tree(t, { '/sys/class/hwmon/hwmon0/name': 'slow\n' });
  spawnSync('mkfifo', [join(root, TEMP)]);
  let down = false;
  const { live } = await sampled(
    { samplers: [temperatureSampler], sysroot: root, speed: 100, answerMs: 1_000 },
    (latest) => {
      const state = byKey(latest.latest())[`${up}{sampler="temperature"}`];
      if (state === 0 && !down) {
        down = true;
        rmSync(join(root, TEMP));
        put(root, TEMP, '41000\n');
      }
      return state === 1;
    },
  );
  assert.equal(live.latest('berth_node_temperature_celsius')[0]?.value, 41);
});

test('names that are not ASCII are read as they are', LIMIT, async (t) => {
  const reader = new AsideReader(tree(t, { '/mounts': '/mnt/Übung\n' }), 30_000);
  t.after(() => reader.close());
  const texts = await reader.read(['/mounts']);
  assert.equal(texts?.get('/mounts'), '/mnt/Übung\n');
});

test('a sensor that fails is asked less and less, at least every ten minutes', () => {
  assert.deepEqual(
    [0, 1, 3, 20].map((failures) => pauseMs(10_000, failures)),
    [10_000, 20_000, 80_000, 600_000],
  );
  assert.equal(pauseMs(3_600_000, 5), 3_600_000);
});

test('processes that a driver holds are no more than three', LIMIT, async (t) => {
  const root = tree(t, {});
  spawnSync('mkfifo', [join(root, 'stuck')]);
  const reader = new AsideReader(root, 500);
  t.after(() => reader.close());
  const readers = () =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`read-aside.pl\0${root}`);
      } catch {
        return false;
      }
    }).length;
  for (let i = 0; i < 6; i++) assert.equal(await reader.read(['/stuck']), undefined);
  assert.ok(readers() <= 3, `${readers()} of them`);
  put(root, '/fine', 'text\n');
  put(root, '/empty', '');
  // Those that only waited have ended by now; the next gets an answer as soon as there is room.
  let texts = await reader.read(['/f*', '/empty', '/absent']);
  while (texts === undefined) texts = await reader.read(['/f*', '/empty', '/absent']);
  assert.deepEqual(
    [...texts],
    [
      ['/fine', 'text\n'],
      ['/empty', ''],
    ],
  );
});

test('what a host does not have is unknown, not zero, and not a failure', LIMIT, async (t) => {
  const root = tree(t, { '/proc/stat': 'cpu 10 0 0 90 0 0 0 0\n' });
  const { live } = await sampled(
    { samplers: samplers.filter(({ kind }) => kind !== 'stream'), sysroot: root, speed: 50 },
    (_, ticks) => ticks.length === 20,
  );
  const names = new Set(live.latest().map(({ name }) => name));
  assert.deepEqual(
    [...names].filter((name) => name.startsWith('berth_node_')),
    [],
  );
  assert.equal(live.latest(up).filter(({ value }) => value === 0).length, 0);
});

test(
  'a file that can no longer be read is a failure, and what it said goes stale',
  LIMIT,
  async (t) => {
    const root = tree(t, { '/proc/loadavg': '1.50 0 0 1/2 3\n', '/proc/net/dev': '' });
    writeFileSync(join(root, '/proc/loadavg'), '1.50 0.00 0.00 1/2 3\n');
    let gone = false;
    const { live } = await sampled(
      { samplers: [loadSampler, networkSampler], sysroot: root, speed: 50 },
      (latest) => {
        if (latest.latest('berth_node_load1').length === 1 && !gone) {
          gone = true;
          // What is open stays so; the kernel would answer a read with an error.
          writeFileSync(join(root, '/proc/loadavg'), 'no load\n');
        }
        return gone && latest.latest('berth_node_load1').length === 0;
      },
    );
    assert.equal(live.latest('berth_node_load1').length, 0);
  },
);

test('the end closes every file and process, and no tick comes after it', LIMIT, async (t) => {
  const root = tree(t, { '/proc/stat': 'cpu 10 0 0 90 0 0 0 0\n', [TEMP]: '1000\n' });
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const all = { samplers: [cpuSampler, temperatureSampler], sysroot: root, speed: 100 };
  const { ticks } = await sampled(
    all,
    (live) => live.latest('berth_node_temperature_celsius').length > 0,
  );
  const count = ticks.length;
  // Another run gets ticks meanwhile; the ended one gets none.
  await sampled(all, (_, seen) => seen.length === 10);
  assert.equal(ticks.length, count);
  while (open() > before) await new Promise((resolve) => setTimeout(resolve, 10));
});

test('a file that is longer than any buffer is read whole, or not at all', (t) => {
  const root = tree(t, { '/long': 'x'.repeat(300_000), '/longer': 'x'.repeat(5_000_000) });
  const read = (name: string) => {
    const file = new KeptFile(join(root, name));
    t.after(() => file.close());
    return file.read();
  };
  assert.equal(read('long')?.length, 300_000);
  assert.equal(read('longer'), undefined);
  assert.equal(read('absent'), undefined);
});

/** A program in the place of the one that a sampler runs. */
function program(root: string, text: string): string {
  const path = join(root, 'program');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a stream is read line by line, and begun again when it falls silent', LIMIT, async (t) => {
  const root = tree(t, {});
  const path = program(
    root,
    `echo run >>${root}/runs
printf '0, GPU-5cb50e3a-7e0d-4e2c-a5a8-4bd4ef1f6b1a, 50, 1024, 81559, 45, 99.5, 1980, 0\\n1, GPU-6c'
printf 'b50e3a-7e0d-4e2c-a5a8-4bd4ef1f6b1b, [N/A], [N/A], [N/A], 31, [Not Supported], ERR!, [N/A]\\n'
exec sleep 600`,
  );
  const sampler: StreamSampler = { ...nvidiaSampler, command: [path] };
  const runs = () => {
    try {
      return readFileSync(join(root, 'runs'), 'utf8').length / 4;
    } catch {
      return 0;
    }
  };
  const gpu = '{gpu="GPU-5cb50e3a-7e0d-4e2c-a5a8-4bd4ef1f6b1a",index="0"}';
  const seen: Record<string, number>[] = [];
  const whole = () =>
    seen.find((one) => {
      const indexes = Object.keys(one).filter((key) => key.startsWith('berth_gpu_'));
      return ['"0"', '"1"'].every((index) => indexes.some((key) => key.includes(index)));
    });
  await sampled({ samplers: [sampler], sysroot: root, speed: 5 }, (live) => {
    seen.push(byKey(live.latest()));
    return runs() >= 2 && whole() !== undefined;
  });
  const told = whole()!;
  assert.equal(told[`berth_gpu_busy_ratio${gpu}`], 0.5);
  assert.equal(told[`berth_gpu_memory_used_bytes${gpu}`], 1024 * 2 ** 20);
  assert.equal(told[`berth_gpu_power_watts${gpu}`], 99.5);
  assert.equal(told[`berth_gpu_clock_hertz${gpu}`], 1.98e9);
  const other = Object.keys(told).filter((key) => key.includes('index="1"'));
  assert.deepEqual(other, [
    'berth_gpu_temperature_celsius{gpu="GPU-6cb50e3a-7e0d-4e2c-a5a8-4bd4ef1f6b1b",index="1"}',
  ]);
  assert.ok(seen.some((one) => one[`${up}{sampler="nvidia"}`] === 0));
});

test('a stream that never says a thing is asked once each time instead', LIMIT, async (t) => {
  const root = tree(t, {});
  const path = program(root, 'exec sleep 600');
  const asked: string[] = [];
  const { live } = await sampled(
    {
      samplers: [{ ...nvidiaSampler, command: [path] }],
      sysroot: root,
      speed: 50,
      run: async (name, args) => {
        asked.push([name, ...args].join(' '));
        return { ok: true, value: '0, GPU-a, 25, 1, 2, 3, 4, 5, 6\n' };
      },
    },
    () => asked.length >= 2,
  );
  assert.equal(live.latest('berth_gpu_busy_ratio')[0]?.value, 0.25);
  assert.ok(!asked[0]!.includes('--loop'));
});

test(
  'a stream whose hardware is not there is no failure; one that told of it is',
  LIMIT,
  async (t) => {
    const root = tree(t, {});
    const words = 'echo "NVIDIA-SMI has failed because it could not communicate with the driver."';
    const path = program(
      root,
      `echo run >>${root}/runs\n${words}\ntest -e ${root}/gpu || exit 9
echo '0, GPU-a, 25, 1, 2, 3, 4, 5, 6'`,
    );
    const runs = () => (existsSync(join(root, 'runs')) ? statSync(join(root, 'runs')).size / 4 : 0);
    const health: (number | undefined)[] = [];
    // It may be silent for 2.5 s of the test, and its hardware is looked for after 120 ms.
    const sampler: StreamSampler = { ...nvidiaSampler, everyMs: 500_000, command: [path] };
    await sampled({ samplers: [sampler], sysroot: root, speed: 500 }, (live) => {
      const now = byKey(live.latest())[`${up}{sampler="nvidia"}`];
      if (runs() < 3) health.push(now);
      else put(root, '/gpu', '');
      return now === 0;
    });
    assert.deepEqual([...new Set(health)], [undefined]);
  },
);

test('a program that is not there is no failure; one that fails is', LIMIT, async (t) => {
  const root = tree(t, {});
  const missing: StreamSampler = { ...nvidiaSampler, command: [join(root, 'absent')] };
  const failing: ProgramSampler = {
    name: 'amd',
    kind: 'program',
    everyMs: 1_000,
    files: [],
    families: [],
    command: () => ['rocm-smi'],
    read: () => undefined,
  };
  const { live } = await sampled(
    {
      samplers: [missing, failing],
      sysroot: root,
      speed: 50,
      run: async () => ({ ok: false, problem: { kind: 'timed-out', detail: 'it hangs' } }),
    },
    (latest, ticks) =>
      ticks.length >= 10 && byKey(latest.latest())[`${up}{sampler="amd"}`] !== undefined,
  );
  const found = byKey(live.latest());
  assert.equal(found[`${up}{sampler="nvidia"}`], undefined);
  assert.equal(found[`${up}{sampler="amd"}`], 0);
});
