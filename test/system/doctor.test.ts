import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type ProfileDocument, profileSchema } from '../../src/api/contract/doctor-documents.ts';
import { workloadSchema } from '../../src/api/contract/documents.ts';
import {
  type DoctorReport,
  doctorReportSchema,
} from '../../src/api/contract/telemetry-documents.ts';
import { berth, berthProgram, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 180_000 };
const scratch = scratchState();
const { state } = scratch;
const WINDOW = '10s';
const WINDOW_MS = 10_000;
const QUIET_WINDOWS = 4;
/** By our own reading over the same time: others use this machine, too, and what they do is no false finding. */
const REAL_PRESSURE = 0.1;
const MIB = 1024 ** 2;
/** Of all CPUs: who uses so much beyond what he holds cannot be overlooked. */
const LARGE_SHARE = 0.4;
const cpus = availableParallelism();
/** So many times is the doctor asked before the trouble must have shown. */
const TRIES_MAX = 15;

before(
  async () => {
    if (skipSystem !== false) return;
    const up = await runBerth(['up', '-d', '--port', '0', '--state', state]);
    assert.equal(up.code, 0, up.stderr);
  },
  { timeout: 60_000 },
);

type Finding = DoctorReport['findings'][number];

async function submit(of: string, name: string, run: string, resources: object): Promise<string> {
  const document = { name, run, resources, process: { pressure: true } };
  const file = scratch.write(`${name}.json`, JSON.stringify(document));
  return (await berth(of, 'submit', file)).id;
}

async function ask(of: string): Promise<DoctorReport> {
  return doctorReportSchema.parse(await berth(of, 'doctor', '--window', WINDOW));
}

/** The first finding that is as wanted; the last report in the message where none comes. */
async function found(of: string, isWanted: (finding: Finding) => boolean): Promise<Finding> {
  let last: DoctorReport | undefined;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    last = await ask(of);
    const finding = last.findings.find(isWanted);
    if (finding !== undefined) return finding;
    await wait(1_000);
  }
  assert.fail(`the doctor does not name it: ${JSON.stringify(last?.findings)}`);
}

async function ended(of: string, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await berth(of, 'cancel', id);
  await runBerth(['wait', ...ids, '--state', of]);
}

const attemptOf = (id: string, name: string): string => `${id}.${name}.0.1`;
const isOf =
  (kind: Finding['kind'], attempt: string) =>
  ({ kind: is, culprits }: Finding): boolean =>
    is === kind && culprits[0]?.id === attempt;

async function pidOf(of: string, workload: string): Promise<number> {
  const { url } = JSON.parse(readFileSync(join(of, 'daemon.json'), 'utf8'));
  const authorization = `Bearer ${readFileSync(join(of, 'token'), 'utf8').trim()}`;
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${url}/api/v1/workloads/${workload}`, {
      headers: { authorization },
    });
    const { steps } = workloadSchema.parse(await answer.json());
    const pid = steps[0]!.attempts[0]?.pid;
    if (pid != null) return pid;
    await wait(100);
  }
  assert.fail(`${workload} does not start`);
}

/**
 * Gives all tasks of this daemon as much as four others, so that on a shared machine it is still they who compete; and
 * among them this one eight times as much as a whole CPU has, which is what Berth's own weights keep it from.
 */
function favour(pid: number): void {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = lines
    .find((line) => /:cpu[:,]/.test(line))
    ?.split(':')
    .at(-1);
  const own = v1 ?? lines.find((line) => line.startsWith('0::'))!.slice(3);
  const parent = dirname(`/sys/fs/cgroup${v1 === undefined ? '' : '/cpu'}${own}`);
  assert.match(parent, /\/berth-[0-9a-f]{8}$/);
  const [file, ofAll, ofThis] =
    v1 === undefined ? ['cpu.weight', '400', '800'] : ['cpu.shares', '4096', '8192'];
  writeFileSync(`${parent}/${file}`, ofAll!);
  writeFileSync(`${parent}/${basename(own)}/${file}`, ofThis!);
}

/** So many processes, each of which ends by itself whatever becomes of the test. */
const forks = (count: number): string => `for (2 .. ${count}) { last if !fork } alarm 100;`;

test(
  'CPUs: who uses more than he holds is the culprit, and who waits suffers',
  options,
  async (t) => {
    const hogs = cpus * 4;
    const hog = await submit(state, 'hog', `exec perl -e '${forks(hogs)} 1 while 1'`, {
      cpu: { request: 0.25, limit: cpus },
      memory: '128Mi',
    });
    const victim = await submit(state, 'victim', `exec perl -e '${forks(cpus)} 1 while 1'`, {
      cpu: { request: cpus / 2, limit: cpus },
      memory: '64Mi',
    });
    favour(await pidOf(state, hog));
    await pidOf(state, victim);
    const attempt = attemptOf(hog, 'hog');
    const isBlamed = ({ culprits }: Finding): boolean => culprits.some(({ id }) => id === attempt);
    const profile: ProfileDocument = profileSchema.parse(
      await berth(state, 'profile', hog, '--for', '3s'),
    );
    t.diagnostic(`${profile.of}: ${profile.sentence}`);
    assert.ok(['run-queue', 'cpu'].includes(profile.bound), profile.sentence);
    assert.equal(profile.processes, hogs);
    // On a machine that others fill as well, they are the culprits, and rightly so.
    const isLarge = profile.cpu_user + profile.cpu_system >= cpus * LARGE_SHARE;
    const finding = await found(
      state,
      (one) => one.kind === 'cpu-contention' && (!isLarge || isBlamed(one)),
    );
    t.diagnostic(finding.sentence);
    assert.equal(finding.resource, 'cpu');
    assert.ok(['high', 'critical'].includes(finding.severity), finding.severity);
    const told = isBlamed(finding) ? finding.culprits : finding.sufferers;
    assert.ok(
      told.some(({ workload }) => workload === hog || workload === victim),
      `the tasks that compete are named: ${JSON.stringify(finding)}`,
    );
    if (isBlamed(finding)) {
      const commands = finding.remedies.map(({ command }) => command ?? '');
      assert.ok(
        commands.some((one) => one.startsWith(`berth adjust ${hog} `)),
        `${commands}`,
      );
    }
    const done = await runBerth(['doctor', '--window', WINDOW, '--state', state]);
    assert.equal(done.code, 1, 'high and critical are told by the exit code');
    await ended(state, hog, victim);
  },
);

test('a task that its own limit holds back is no contention', options, async (t) => {
  const id = await submit(state, 'held', `exec perl -e '${forks(4)} 1 while 1'`, {
    cpu: { request: 0.1, limit: 0.1 },
    memory: '64Mi',
  });
  favour(await pidOf(state, id));
  const attempt = attemptOf(id, 'held');
  const finding = await found(state, (one) => one.id === `cpu-limit:${attempt}`);
  t.diagnostic(finding.sentence);
  assert.match(finding.sentence, /held back by its own limit of 0\.1 CPUs/);
  assert.ok(['low', 'moderate'].includes(finding.severity), 'nobody is alarmed');
  assert.match(finding.remedies[0]!.command!, new RegExp(`^berth adjust ${id} --step held --cpu`));
  const { findings } = await ask(state);
  const blamed = findings.filter(({ culprits }) => culprits.some((one) => one.id === attempt));
  assert.deepEqual(
    blamed.map(({ kind }) => kind),
    [],
    'it takes nothing away from anybody',
  );
  await ended(state, id);
});

test('memory: a task that reads more again and again than its limit holds', options, async (t) => {
  const file = join(scratch.dir, 'pages');
  writeFileSync(file, Buffer.alloc(96 * MIB, 7));
  // What is cached for the writer would not count for the task.
  execFileSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']);
  const reads = `srand; open F, q(${file}); while (1) { sysseek F, 4096 * int(rand(24576)), 0; sysread F, $b, 4096 }`;
  const id = await submit(state, 'thrash', `exec perl -e '${forks(4)} ${reads}'`, {
    cpu: { request: 0.5, limit: cpus },
    memory: '64Mi',
  });
  favour(await pidOf(state, id));
  const attempt = attemptOf(id, 'thrash');
  const finding = await found(state, isOf('memory-limit', attempt));
  t.diagnostic(finding.sentence);
  assert.equal(finding.resource, 'memory');
  assert.equal(finding.sufferers[0]!.id, attempt);
  assert.equal(
    finding.remedies.find(({ command }) => command?.includes('--memory'))?.command,
    `berth adjust ${id} --step thrash --memory 128Mi`,
  );
  await ended(state, id);
});

test('a disk: who writes most of it', options, async (t) => {
  const writes = `while (1) { system(qw(dd if=/dev/zero bs=1M count=64 oflag=direct conv=notrunc status=none), qq(of=${scratch.dir}/w$$)) }`;
  const id = await submit(state, 'writer', `exec perl -e '${forks(4)} ${writes}'`, {
    cpu: { request: 0.5, limit: cpus },
    memory: '64Mi',
  });
  favour(await pidOf(state, id));
  const finding = await found(state, isOf('io-contention', attemptOf(id, 'writer')));
  t.diagnostic(finding.sentence);
  assert.equal(finding.resource, 'io');
  assert.match(
    finding.sentence,
    /^Tasks compete for \w+: something waited for it \d+ % of the time/,
  );
  await ended(state, id);
});

test('a link: who sends most over it', options, async (t) => {
  const [near, far] = [`bd${process.pid}a`, `bd${process.pid}b`];
  const ip = (...args: string[]) => execFileSync('ip', args);
  const inside: ChildProcess[] = [];
  const home = scratchState(t);
  t.after(async () => {
    for (const child of inside) child.kill('SIGKILL');
    await runBerth(['down', '--cancel', '--state', home.state]);
    for (const name of [near, far]) execFileSync('ip', ['netns', 'del', name]);
  });
  for (const name of [near, far]) ip('netns', 'add', name);
  ip('link', 'add', 'link0', 'netns', near, 'type', 'veth', 'peer', 'name', 'link0', 'netns', far);
  for (const [name, address] of [
    [near, '10.213.7.1/24'],
    [far, '10.213.7.2/24'],
  ] as const) {
    ip('-n', name, 'addr', 'add', address, 'dev', 'link0');
    for (const link of ['lo', 'link0']) ip('-n', name, 'link', 'set', link, 'up');
  }
  const shape = ['root', 'tbf', 'rate', '8mbit', 'burst', '16k', 'limit', '24k'];
  execFileSync('tc', ['-n', near, 'qdisc', 'add', 'dev', 'link0', ...shape]);
  const sink = `$l = IO::Socket::INET->new(Listen => 9, LocalAddr => q(10.213.7.2:7777)) or die; $| = 1; print qq(up\n); while ($c = $l->accept) { next if fork; 1 while sysread $c, $b, 65536; exit }`;
  const server = spawn('ip', ['netns', 'exec', far, 'perl', '-MIO::Socket::INET', '-e', sink], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  inside.push(server);
  await once(server.stdout, 'data');
  const [program, ...args] = berthProgram;
  const up = ['netns', 'exec', near, program!, ...args, 'up', '-d', '--port', '0'];
  execFileSync('ip', [...up, '--state', home.state], { stdio: 'ignore' });
  const sends = `${forks(4)} $s = IO::Socket::INET->new(q(10.213.7.2:7777)) or die; $b = q(x) x 65536; 1 while syswrite $s, $b`;
  const id = await submit(home.state, 'sender', `exec perl -MIO::Socket::INET -e '${sends}'`, {
    cpu: { request: 0.25, limit: cpus },
    memory: '64Mi',
  });
  const finding = await found(home.state, isOf('network-congestion', attemptOf(id, 'sender')));
  t.diagnostic(finding.sentence);
  assert.equal(finding.id, 'network-congestion:link0');
  assert.match(finding.sentence, /of 977 KiB\/s/);
  assert.ok(finding.score >= 0.7);
  await berth(home.state, 'cancel', id);
});

/** Of the time since the reading before, the part in which something waited: what the doctor ought to say. */
function pressures(): ReadonlyMap<string, number> {
  return new Map(
    ['cpu', 'memory', 'io'].map((resource) => {
      const text = readFileSync(`/proc/pressure/${resource}`, 'utf8');
      return [resource, Number(/^some .*total=(\d+)$/m.exec(text)![1])];
    }),
  );
}

test(
  'a machine on which a task is at ease: the task is never blamed, and nothing is named that nobody waits for',
  options,
  async (t) => {
    const id = await submit(
      state,
      'modest',
      `exec perl -e 'while (1) { $x = 0; $x++ while $x < 100_000; select undef, undef, undef, 0.05 }'`,
      {
        cpu: { request: 0.5, limit: 0.5 },
        memory: '64Mi',
      },
    );
    await pidOf(state, id);
    const attempt = attemptOf(id, 'modest');
    const tally = { windows: 0, quiet: 0, wrong: [] as string[] };
    for (let n = 0; n < QUIET_WINDOWS; n++) {
      const [before, from] = [pressures(), performance.now()];
      await wait(WINDOW_MS);
      const { findings } = await ask(state);
      const elapsedUs = (performance.now() - from) * 1_000;
      const waited = new Map(
        [...pressures()].map(([name, total]) => [name, (total - before.get(name)!) / elapsedUs]),
      );
      tally.windows++;
      if (findings.length === 0) tally.quiet++;
      for (const { kind, resource, culprits, sentence } of findings) {
        const isReal = (waited.get(resource) ?? 0) >= REAL_PRESSURE && kind.endsWith('-contention');
        const isBlamed = culprits.some((one) => one.id === attempt);
        if (isBlamed || !isReal) tally.wrong.push(sentence);
      }
    }
    const others = tally.windows - tally.quiet;
    t.diagnostic(
      `${tally.windows} windows of ${WINDOW}: ${tally.quiet} quiet, ${others} with contention of others, ${tally.wrong.length} false findings`,
    );
    assert.deepEqual(tally.wrong, []);
    await ended(state, id);
  },
);
