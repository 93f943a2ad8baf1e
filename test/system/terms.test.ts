import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bytes, milliCpu, spanMs, UNLIMITED } from '../../src/base/units.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';
import type { IoTerms, ProcessTerms } from '../../src/model/execution-terms.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { MIB, Rig } from '../execution/rig.ts';

const options = { skip: skipSystem, timeout: 60_000 };
/** On the disk of the working tree: /tmp may be memory. */
const folder =
  skipSystem === false ? mkdtempSync(join(process.cwd(), '.berth-test-disk-')) : tmpdir();
after(() => {
  if (skipSystem === false) rmSync(folder, { recursive: true });
});

const told = (end: AttemptEnd): Record<string, string> =>
  Object.fromEntries(
    (end.enforced.terms ?? []).map(({ term, by, note }) => [term, `${by}: ${note}`]),
  );

/** Nothing of any task is left: no process, no group. */
function checkClean(rig: Rig): void {
  assert.deepEqual(rig.taskPids(), []);
  const left = rig.cgroups().flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(parent, entry.name)),
  );
  assert.deepEqual(left, []);
}

const spin = (seconds: number) => ['perl', '-e', `my $e = time + ${seconds}; 1 while time < $e`];
const cpuStat = `here=$(sed -n 's/^[0-9]*:cpu://p' /proc/self/cgroup)
cat "/sys/fs/cgroup/cpu$here/cpu.stat" 2>/dev/null || cat "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.stat"`;

test('a CPU quota is exact to 5 % in every period that it ends', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const run = `perl -e 'my $e = time + 5; 1 while time < $e'; ${cpuStat}`;
  const end = await rig.run(1, { run, limits: { cpu: milliCpu(500) } });
  const stat = Object.fromEntries(
    rig
      .log(1)
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const cpuMs = end.usage.cpuMs!;
  const share = cpuMs / end.usage.wallMs!;
  const [periods, throttled] = [Number(stat['nr_periods']), Number(stat['nr_throttled'])];
  t.diagnostic(`${share.toFixed(3)} of a CPU; held back in ${throttled} of ${periods} periods`);
  assert.ok(share <= 0.525, `${share} of a CPU`);
  // A period that ended in throttling gave all of its 50 ms; others may have been taken by other load.
  assert.ok(cpuMs <= periods * 50 * 1.05, `${cpuMs} ms in ${periods} periods`);
  assert.ok(cpuMs >= throttled * 50 * 0.95, `${cpuMs} ms in ${throttled} full periods`);
  if (throttled > periods * 0.95) assert.ok(share >= 0.475, `${share} of a CPU`);
  checkClean(rig);
});

test('a task dies at its memory limit, and its peak is the limit', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const run = ['perl', '-e', 'my $x = "a" x (200 << 20); print length $x'];
  const end = await rig.run(1, { run, memoryLimit: 64 * MIB });
  assert.equal(end.cause, 'oom-killed');
  const peak = end.usage.memoryPeak!;
  t.diagnostic(`peak ${peak} of ${64 * MIB} bytes`);
  assert.ok(peak <= 64 * MIB && peak >= 0.99 * 64 * MIB, `${peak} bytes`);
  checkClean(rig);
});

test('so many processes as allowed, and not one more', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const bomb =
    'for my $i (1 .. 100) { my $p = fork; $n++ if $p; if (defined $p && !$p) { sleep 60; exit } } print $n';
  await rig.run(1, { run: ['perl', '-e', bomb], limits: { pids: 30 } });
  assert.equal(rig.log(1), '29');
  checkClean(rig);
});

const RATE = 5 * MIB;
const SPAN_S = 4;
const disk = (some: Partial<IoTerms>): IoTerms => ({
  readBytesPerSecond: bytes(UNLIMITED),
  writeBytesPerSecond: bytes(UNLIMITED),
  readsPerSecond: UNLIMITED,
  writesPerSecond: UNLIMITED,
  ...some,
});

const transfers: Record<string, { readonly dd: string; readonly io: IoTerms }> = {
  'bytes written': {
    dd: `dd if=/dev/zero of=FILE bs=256k count=${(SPAN_S * RATE) / 262_144} oflag=direct`,
    io: disk({ writeBytesPerSecond: bytes(RATE) }),
  },
  'bytes read': {
    dd: `dd if=FILE of=/dev/null bs=256k count=${(SPAN_S * RATE) / 262_144} iflag=direct`,
    io: disk({ readBytesPerSecond: bytes(RATE) }),
  },
  'write operations': {
    dd: `dd if=/dev/zero of=FILE bs=4k count=${SPAN_S * 100} oflag=direct conv=notrunc`,
    io: disk({ writesPerSecond: 100 }),
  },
  'read operations': {
    dd: `dd if=FILE of=/dev/null bs=4k count=${SPAN_S * 100} iflag=direct`,
    io: disk({ readsPerSecond: 100 }),
  },
};

for (const [name, { dd, io }] of Object.entries(transfers)) {
  test(`${name} a second are held to 10 %`, options, async (t) => {
    const rig = await new Rig(t, {}).open();
    const file = join(folder, 'F');
    if (name.includes('read')) {
      const fill = `dd if=/dev/zero of=${file} bs=1M count=20 oflag=direct`;
      assert.equal((await rig.run(1, { run: fill })).cause, 'succeeded');
    }
    const run = `LC_ALL=C ${dd.replaceAll('FILE', file)}`;
    const end = await rig.run(2, { run, workdir: folder, cwd: folder, execution: { io } });
    assert.equal(end.cause, 'succeeded', rig.log(2, 'stderr'));
    const spentS = Number(/, ([\d.]+) s,/.exec(rig.log(2, 'stderr'))?.[1]);
    t.diagnostic(`${SPAN_S} s worth of it took ${spentS} s; ${told(end)['io']}`);
    assert.match(told(end)['io']!, /^kernel: on \d+:\d+/);
    assert.ok(spentS >= SPAN_S * 0.9 && spentS <= SPAN_S * 1.1, `${spentS} s`);
    checkClean(rig);
  });
}

test('a task stays on its cores, whatever it tries', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  // The last CPU is the 39th field of stat (proc(5)), 37 after the name.
  const look = `my %on; my $end = time + 2;
while (time < $end) { open my $f, '<', '/proc/self/stat'; my $s = <$f>; $on{ (split ' ', substr $s, rindex($s, ')') + 2)[36] }++ }
print join ',', sort keys %on`;
  const run = `sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status
taskset -p -c 0 $$ >/dev/null 2>&1 && echo moved || echo refused
perl -e '${look.replaceAll("'", "'\\''")}'`;
  const end = await rig.run(1, { run, cores: [1], execution: { process: { cores: 'exclusive' } } });
  assert.equal(rig.log(1), '1\nrefused\n1');
  assert.equal(told(end)['cores'], 'kernel: its own: CPUs 1');
  checkClean(rig);
});

test('CPUs that are not there are told, and the task runs', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const end = await rig.run(1, { run: ['true'], cores: [999] });
  assert.equal(end.cause, 'succeeded');
  assert.match(told(end)['cores']!, /^none: /);
  checkClean(rig);
});

test('how it is scheduled can be read from outside', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const process: ProcessTerms = {
    nice: 7,
    policy: 'batch',
    ioPriority: { class: 'best-effort', level: 6 },
    oomScoreAdjust: 321,
    transparentHugePages: false,
    numa: 'bind',
  };
  rig.start(1, { run: ['sleep', '30'], execution: { process }, limits: { graceMs: spanMs(0) } });
  const pid = await rig.started(1);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields 19 and 41 of stat; SCHED_BATCH is 3 (linux/sched.h).
  assert.deepEqual([fields[16], fields[38]], ['7', '3']);
  assert.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'), '321\n');
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^THP_enabled:\t0$/m);
  assert.match(readFileSync(`/proc/${pid}/numa_maps`, 'utf8'), /^\S+ bind:0 /m);
  rig.driver.stop(rig.reports[0]!.attempt, 'cancelled', spanMs(0));
  const end = await rig.ended(1);
  for (const [term, how] of Object.entries(told(end))) assert.match(how, /^kernel: /, term);
  const other = await rig.run(2, { run: 'ionice', execution: { process } });
  assert.equal(other.cause, 'succeeded');
  assert.equal(rig.log(2), 'best-effort: prio 6\n');
  checkClean(rig);
});

/** CPU milliseconds of two that want the same CPU for the same three seconds. */
async function beside(rig: Rig, first: ProcessTerms, second: ProcessTerms) {
  const limits = { wallMs: spanMs(3000), graceMs: spanMs(0) };
  const run = spin(30);
  for (const [n, process] of [first, second].entries()) {
    rig.start(n, { run, cores: [0], execution: { process }, limits });
  }
  const ends = [await rig.ended(0), await rig.ended(1)] as const;
  for (const end of ends) assert.equal(end.cause, 'timed-out');
  return [ends[0].usage.cpuMs!, ends[1].usage.cpuMs!] as const;
}

test('SCHED_IDLE gets nothing beside one that wants the CPU', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const [busy, idle] = await beside(rig, {}, { policy: 'idle' });
  t.diagnostic(`${busy} ms beside ${idle} ms`);
  // Until the first has started, and after it has ended, the CPU is nobody's.
  assert.ok(idle < 0.1 * busy, `${idle} ms beside ${busy} ms`);
  checkClean(rig);
});

test('nice holds between tasks, too: ten levels are a ninth', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const [normal, nice] = await beside(rig, { nice: 0 }, { nice: 10 });
  t.diagnostic(`${normal} ms beside ${nice} ms: ${(normal / nice).toFixed(1)} : 1`);
  // 1.25 to the 10th is 9.3; both are alone for a moment.
  assert.ok(normal / nice > 6 && normal / nice < 12, `${normal} : ${nice}`);
  checkClean(rig);
});

test('how long it waited for a CPU is measured for it alone', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  const run = `${spin(3)
    .map((word) => `'${word}'`)
    .join(' ')} & ${spin(3)
    .map((word) => `'${word}'`)
    .join(' ')}; wait`;
  const end = await rig.run(1, { run, cores: [0], execution: { process: { pressure: true } } });
  const quiet = await rig.run(2, { run: 'sleep 0.2', execution: { process: { pressure: true } } });
  const stalled = (of: AttemptEnd): number =>
    Number(/cpu (\d+) ms/.exec(told(of)['pressure'] ?? '')?.[1]);
  t.diagnostic(`${told(end)['pressure']}; asleep: ${told(quiet)['pressure']}`);
  assert.ok(stalled(end) > 1500, told(end)['pressure']);
  assert.ok(stalled(quiet) < 300, told(quiet)['pressure']);
  checkClean(rig);
});

test('what a cgroup of v1 cannot do is told', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  if (rig.driver.enforcement.driver !== 'cgroup-v1') return t.skip('cgroup v2 can');
  const process: ProcessTerms = { memoryHigh: bytes(32 * MIB), oomKill: 'task' };
  const end = await rig.run(1, { run: ['true'], execution: { process, io: disk({ weight: 7 }) } });
  assert.deepEqual(told(end), {
    'memory-high': 'none: cgroup v1 has no such limit',
    'oom-kill': 'none: cgroup v1 has no such limit',
    'io-weight': 'none: only cgroup v2 weighs disks',
  });
  checkClean(rig);
});

test('the groups that terms need are gone with driver and launcher', options, async (t) => {
  const rig = await new Rig(t, {}).open();
  await rig.run(1, {
    run: ['true'],
    cores: [0],
    workdir: folder,
    execution: { process: { pressure: true }, io: disk({ readsPerSecond: 1000 }) },
  });
  assert.ok(rig.cgroups().length >= 5);
  await rig.close();
  assert.deepEqual(rig.cgroups(), []);
  assert.ok(existsSync(folder));
});
