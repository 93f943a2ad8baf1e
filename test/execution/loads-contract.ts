import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BasisPoints, bytes, milliCpu, spanMs, UNLIMITED } from '../../src/base/units.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';
import type { IoTerms, ProcessTerms } from '../../src/model/execution-terms.ts';
import { checkClean, type Ground, groupFile, hasController, told } from './enforcement-ground.ts';
import { type Ask, id, MIB, patience, type Rig, until } from './rig.ts';

/** A real load against one limit. It skips itself where the ground has not what it takes. */
type Load = (rig: Rig, ground: Ground, t: TestContext) => Promise<void>;

const spin = (seconds: number) => ['perl', '-e', `my $e = time + ${seconds}; 1 while time < $e`];
const grow = `perl -e 'my $x = "a" x (200 << 20); print length $x'`;
const cpuStat = `here=$(sed -n 's/^[0-9]*:cpu://p' /proc/self/cgroup)
cat "/sys/fs/cgroup/cpu$here/cpu.stat" 2>/dev/null || cat "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.stat"`;

const limits: Record<string, Load> = {
  'a CPU quota is exact to 5 % in every period that it ends': async (rig, _ground, t) => {
    const run = `perl -e 'my $e = time + 5; 1 while time < $e'; ${cpuStat}`;
    const end = await rig.run(1, { run, limits: { cpu: milliCpu(500) } });
    const stat = keyed(rig.log(1));
    const share = end.usage.cpuMs! / end.usage.wallMs!;
    // What v2 had counted in the same moment as the periods; on a slow machine the end is a while later.
    const cpuMs = 'usage_usec' in stat ? Number(stat['usage_usec']) / 1000 : end.usage.cpuMs!;
    const [periods, throttled] = [Number(stat['nr_periods']), Number(stat['nr_throttled'])];
    t.diagnostic(`${share.toFixed(3)} of a CPU; held back in ${throttled} of ${periods} periods`);
    assert.ok(share <= 0.525, `${share} of a CPU`);
    // A period that ended in throttling gave all of its 50 ms; others may have been taken by other load.
    assert.ok(cpuMs <= periods * 50 * 1.05, `${cpuMs} ms in ${periods} periods`);
    assert.ok(cpuMs >= throttled * 50 * 0.95, `${cpuMs} ms in ${throttled} full periods`);
    if (throttled > periods * 0.95) assert.ok(share >= 0.475, `${share} of a CPU`);
  },

  'on one core, a task of half the weight gets half as much': async (rig, ground, t) => {
    if (!hasController(ground, 'cpuset')) return t.skip('no cpuset controller');
    const cores = [ground.site.terms?.cpus?.at(-1) ?? 0];
    const run = spin(8);
    const half = { process: { cpuShare: 5000 as BasisPoints } };
    const both = [
      { run, cores },
      { run, cores, execution: half },
    ];
    both.forEach((ask, n) => {
      rig.start(n + 1, ask);
    });
    const [whole, other] = await Promise.all(both.map((_, n) => rig.ended(n + 1)));
    const ratio = whole!.usage.cpuMs! / other!.usage.cpuMs!;
    t.diagnostic(
      `${whole!.usage.cpuMs} ms and ${other!.usage.cpuMs} ms: ${ratio.toFixed(2)} times`,
    );
    assert.ok(ratio >= 1.6 && ratio <= 2.4, `${ratio} times as much`);
  },

  'a task dies at its memory limit, and its peak is the limit': async (rig, _ground, t) => {
    const run = ['perl', '-e', 'my $x = "a" x (200 << 20); print length $x'];
    const end = await rig.run(1, { run, memoryLimit: 64 * MIB });
    assert.equal(end.cause, 'oom-killed');
    const peak = end.usage.memoryPeak!;
    t.diagnostic(`peak ${peak} of ${64 * MIB} bytes`);
    assert.ok(peak <= 64 * MIB && peak >= 0.99 * 64 * MIB, `${peak} bytes`);
  },

  'so many processes as allowed, and not one more': async (rig) => {
    const bomb =
      'for my $i (1 .. 100) { my $p = fork; $n++ if $p; if (defined $p && !$p) { sleep 60; exit } } print $n';
    await rig.run(1, { run: ['perl', '-e', bomb], limits: { pids: 30 } });
    assert.equal(rig.log(1), '29');
  },

  'who dies at the memory limit: the largest process, or all of it': async (rig) => {
    const run = `${grow} >/dev/null; echo alive`;
    const one = await rig.run(1, { run, memoryLimit: 64 * MIB });
    assert.deepEqual([one.cause, rig.log(1)], ['succeeded', 'alive\n']);
    const execution = { process: { oomKill: 'task' } } as const;
    const all = await rig.run(2, { run, memoryLimit: 64 * MIB, execution });
    if (told(all)['oom-kill']!.startsWith('none')) return;
    assert.deepEqual([all.cause, all.signal, rig.log(2)], ['oom-killed', 'SIGKILL', '']);
  },

  'memory above which it is slowed down is given back, and nobody dies': async (rig, ground, t) => {
    const file = join(ground.folder, 'large');
    const fill = `dd if=/dev/zero of=${file} bs=1M count=64 oflag=direct`;
    const run = `${fill}; dd if=${file} of=/dev/null bs=64k`;
    const execution = { process: { memoryHigh: bytes(24 * MIB) } };
    const end = await rig.run(1, { run, execution });
    if (told(end)['memory-high']!.startsWith('none')) return t.skip(told(end)['memory-high']!);
    assert.equal(end.cause, 'succeeded', rig.log(1, 'stderr'));
    t.diagnostic(`peak ${end.usage.memoryPeak} of ${24 * MIB} bytes`);
    // Charged in batches of 64 pages on each CPU before it is looked at.
    assert.ok(end.usage.memoryPeak! <= 28 * MIB, `${end.usage.memoryPeak} bytes`);
  },

  'memory that is kept for it stays, while another reads much': async (rig, ground, t) => {
    const { driver, terms } = ground.site;
    if (driver !== 'cgroup-v2')
      return t.skip('cgroup v1 keeps it only while the whole host is short');
    if ((terms?.protection?.low ?? UNLIMITED) < 48 * MIB)
      return t.skip('those above keep too little');
    const [small, large] = ['small', 'much'].map((name) => join(ground.folder, name));
    const fill = `dd if=/dev/zero of=${small} bs=1M count=32 oflag=direct && dd if=/dev/zero of=${large} bs=1M count=192 oflag=direct`;
    assert.equal((await rig.run(0, { run: fill })).cause, 'succeeded');
    // Our own folder is what runs short.
    writeFileSync(join(rig.cgroups()[0]!, 'memory.max'), `${96 * MIB}`);
    const left: number[] = [];
    for (const [n, process] of [{ memoryProtection: 'soft' } as const, {}].entries()) {
      // What is in the cache counts for whoever read it first.
      const forget = `dd if=${small} iflag=nocache count=0`;
      const run = `${forget}; cat ${small} >/dev/null; echo read; sleep 50`;
      rig.start(n + 1, { run, memory: 48 * MIB, execution: { process } });
      await rig.printed(n + 1, 'read');
      const end = await rig.run(n + 3, {
        run: `dd if=${large} iflag=nocache count=0; cat ${large} >/dev/null`,
      });
      assert.equal(end.cause, 'succeeded', end.message);
      left.push(Number(keyed(groupFile(rig, n + 1, 'memory', 'memory.stat'))['file']));
      rig.driver.stop(id(n + 1), 'cancelled', spanMs(0));
      const stopped = await rig.ended(n + 1);
      if (n === 0) assert.match(told(stopped)['memory-kept']!, /^kernel: memory.low/);
    }
    t.diagnostic(`of ${32 * MIB} bytes ${left[0]} stayed; unprotected ${left[1]}`);
    assert.ok(left[0]! >= 30 * MIB, `${left[0]} bytes`);
    assert.ok(left[1]! <= 20 * MIB, `${left[1]} bytes`);
  },

  'so much of the huge pages, and not one more': async (rig, ground, t) => {
    const pages = Number(/^HugePages_Free:\s+(\d+)$/m.exec(memoryInfo())?.[1] ?? 0);
    if (!hasController(ground, 'hugetlb')) return t.skip('no hugetlb controller');
    if (pages < 8 || process.arch !== 'x64') return t.skip('the host has no huge pages to give');
    // mmap(2) and read(2) by number; MAP_PRIVATE, MAP_ANONYMOUS and MAP_HUGETLB of linux/mman.h.
    const take = `open my $zero, '<', '/dev/zero';
my $at = syscall 9, 0, 8 << 20, 3, 0x40022, -1, 0;
for my $page (0 .. 3) { last if syscall(0, fileno $zero, $at + ($page << 21), 1 << 21) != 1 << 21; $n++ }
print $n`;
    const execution = { process: { hugePages: bytes(4 * MIB) } };
    const end = await rig.run(1, { run: ['perl', '-e', take], execution });
    assert.match(told(end)['huge-pages']!, /^kernel: /);
    assert.equal(rig.log(1), '2');
  },
};

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

const disks = Object.fromEntries(
  Object.entries(transfers).map(([name, { dd, io }]): [string, Load] => [
    `${name} a second are held to 10 %`,
    async (rig, ground, t) => {
      if (!hasController(ground, 'io')) return t.skip('no controller of disks');
      const { folder } = ground;
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
    },
  ]),
);

const places: Record<string, Load> = {
  'a task stays on its cores, whatever it tries': async (rig, ground, t) => {
    if (!hasController(ground, 'cpuset')) return t.skip('no cpuset controller');
    // The last CPU is the 39th field of stat (proc(5)), 37 after the name.
    const look = `my %on; my $end = time + 2;
while (time < $end) { open my $f, '<', '/proc/self/stat'; my $s = <$f>; $on{ (split ' ', substr $s, rindex($s, ')') + 2)[36] }++ }
print join ',', sort keys %on`;
    const run = `sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status
taskset -p -c 0 $$ >/dev/null 2>&1 && echo moved || echo refused
perl -e '${look.replaceAll("'", "'\\''")}'`;
    const execution = { process: { cores: 'exclusive' } } as const;
    const end = await rig.run(1, { run, cores: [1], execution });
    assert.equal(rig.log(1), '1\nrefused\n1');
    assert.equal(told(end)['cores'], 'kernel: its own: CPUs 1');
  },

  'CPUs that are not there are told, and the task runs': async (rig) => {
    const end = await rig.run(1, { run: ['true'], cores: [999] });
    assert.equal(end.cause, 'succeeded');
    assert.match(told(end)['cores']!, /^none: /);
  },

  'its memory comes from the NUMA node of its cores, and from no other': async (rig, ground, t) => {
    const nodes = ground.site.terms?.numa ?? [];
    const [last, other] = [nodes.at(-1), nodes.at(0)];
    if (last === undefined || last === other) return t.skip('the host has one NUMA node');
    const run = `perl -e 'my $x = "a" x (48 << 20); open my $f, "<", "/proc/self/numa_maps";
while (<$f>) { next if !/anon=/; while (/ N(\\d+)=(\\d+)/g) { $on{$1} += $2 } } print "$_ $on{$_}\\n" for sort keys %on'`;
    const cores = last.cpus.slice(0, 1);
    const end = await rig.run(1, { run, cores, execution: { process: { numa: 'bind' } } });
    assert.match(told(end)['numa']!, /^kernel: bind/);
    t.diagnostic(`pages: node ${rig.log(1).trim().replaceAll('\n', ', node ')}`);
    const on = keyed(rig.log(1));
    assert.ok(Number(on[last.id]) >= (48 * MIB) / 4096, rig.log(1));
    assert.equal(on[other!.id], undefined, rig.log(1));
  },

  'how it is scheduled can be read from outside': async (rig) => {
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
    assert.match(readFileSync(`/proc/${pid}/numa_maps`, 'utf8'), /^\S+ bind:0\S* /m);
    rig.driver.stop(id(1), 'cancelled', spanMs(0));
    const end = await rig.ended(1);
    for (const [term, how] of Object.entries(told(end))) assert.match(how, /^kernel: /, term);
    const other = await rig.run(2, { run: 'ionice', execution: { process } });
    assert.equal(other.cause, 'succeeded');
    assert.equal(rig.log(2), 'best-effort: prio 6\n');
  },
};

const live: Record<string, Load> = {
  'paused it gets no CPU at all, then goes on, and can be ended while it is paused': async (
    rig,
  ) => {
    rig.start(1, { run: spin(50), limits: { graceMs: spanMs(0) } });
    const pid = await rig.started(1);
    assert.match((await changed(rig, () => rig.driver.pause(id(1))))['pause']!, /^kernel: /);
    const before = cpuMs(pid);
    await delay(1000);
    assert.equal(cpuMs(pid), before);
    await changed(rig, () => rig.driver.resume(id(1)));
    await until('it to go on', () => cpuMs(pid) > before || undefined);
    await changed(rig, () => rig.driver.pause(id(1)));
    rig.driver.stop(id(1), 'cancelled', spanMs(0));
    assert.equal((await rig.ended(1)).cause, 'cancelled');
  },
};

const shares: Record<string, Load> = {
  'four CPUs asked for weigh four times one': async (rig, _ground, t) => {
    const [more, less] = await beside(rig, { cpu: 4000 }, { cpu: 1000 });
    t.diagnostic(`${more} ms beside ${less} ms: ${(more / less).toFixed(1)} : 1`);
    assert.ok(more / less > 3.4 && more / less < 4.6, `${more} : ${less}`);
  },

  'SCHED_IDLE gets nothing beside one that wants the CPU': async (rig, _ground, t) => {
    const [busy, idle] = await beside(rig, {}, asking({ policy: 'idle' }));
    t.diagnostic(`${busy} ms beside ${idle} ms`);
    assert.ok(busy > 0 && idle < 0.05 * busy, `${idle} ms beside ${busy} ms`);
  },

  'nice holds between tasks, too: ten levels are a ninth': async (rig, _ground, t) => {
    const [normal, nice] = await beside(rig, asking({ nice: 0 }), asking({ nice: 10 }));
    t.diagnostic(`${normal} ms beside ${nice} ms: ${(normal / nice).toFixed(1)} : 1`);
    // 1.25 to the 10th is 9.3.
    assert.ok(normal / nice > 7.5 && normal / nice < 11.5, `${normal} : ${nice}`);
  },

  'how long it waited for a CPU is measured for it alone': async (rig, _ground, t) => {
    const one = spin(3).map((word) => `'${word}'`);
    const run = `${one.join(' ')} & ${one.join(' ')}; wait`;
    const end = await rig.run(1, { run, cores: [0], ...asking({ pressure: true }) });
    const quiet = await rig.run(2, { run: 'sleep 0.2', ...asking({ pressure: true }) });
    const stalled = (of: AttemptEnd): number =>
      Number(/cpu (\d+) ms/.exec(told(of)['pressure'] ?? '')?.[1]);
    t.diagnostic(`${told(end)['pressure']}; asleep: ${told(quiet)['pressure']}`);
    assert.ok(stalled(end) > 1500, told(end)['pressure']);
    assert.ok(stalled(quiet) < 300, told(quiet)['pressure']);
  },
};

const ends: Record<string, Load> = {
  'the groups that terms need are gone with driver and launcher': async (rig, { folder }) => {
    await rig.run(1, {
      run: ['true'],
      cores: [0],
      workdir: folder,
      execution: { process: { pressure: true }, io: disk({ readsPerSecond: 1000 }) },
    });
    assert.ok(rig.cgroups().length >= (rig.driver.enforcement.driver === 'cgroup-v1' ? 5 : 1));
    await rig.close();
    assert.deepEqual(rig.cgroups(), []);
    assert.ok(existsSync(folder));
  },
};

/** What a limit does to a real load: the same loads on every kernel. */
export function loadsContract(name: string, ground: Ground): void {
  const loads = { ...limits, ...disks, ...places, ...live, ...shares, ...ends };
  for (const [what, load] of Object.entries(loads)) {
    test(`${name}: ${what}`, { timeout: 60_000 * patience }, async (t) => {
      const rig = await ground.open(t);
      await load(rig, ground, t);
      checkClean(rig);
    });
  }
}

const asking = (process: ProcessTerms): Omit<Ask, 'run'> => ({ execution: { process } });

/** What is told of a change of attempt 1, `BY: NOTE` of each term. */
async function changed(rig: Rig, change: () => void): Promise<Record<string, string>> {
  const heard = rig.reports.length;
  change();
  const report = await until('what became of it', () =>
    rig.reports.slice(heard).find(({ kind }) => kind === 'adjusted'),
  );
  assert.ok(report.kind === 'adjusted');
  return Object.fromEntries(report.terms.map(({ term, by, note }) => [term, `${by}: ${note}`]));
}

/** CPU milliseconds of two that want the same CPU, in the same three seconds. */
async function beside(rig: Rig, first: Omit<Ask, 'run'>, second: Omit<Ask, 'run'>) {
  const pids: number[] = [];
  for (const [n, ask] of [first, second].entries()) {
    rig.start(n, { ...ask, run: spin(50), cores: [0], limits: { graceMs: spanMs(0) } });
    pids.push(await rig.started(n));
  }
  const before = pids.map(cpuMs);
  await delay(3000);
  const after = pids.map(cpuMs);
  for (const n of [0, 1]) {
    rig.driver.stop(id(n), 'cancelled', spanMs(0));
    await rig.ended(n);
  }
  return [after[0]! - before[0]!, after[1]! - before[1]!] as const;
}

/** Of a process, in the kernel's ticks of 10 ms: fields 14 and 15 of stat (proc(5)). */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Lines `KEY VALUE`. */
const keyed = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );

const memoryInfo = (): string => readFileSync('/proc/meminfo', 'utf8');
