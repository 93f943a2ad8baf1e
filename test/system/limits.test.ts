import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type WorkloadDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 240_000 };
const scratch = scratchState();
const { state } = scratch;

before(
  async () => {
    if (skipSystem !== false) return;
    const up = await runBerth(['up', '-d', '--port', '0', '--state', state]);
    assert.equal(up.code, 0, up.stderr);
  },
  { timeout: 60_000 },
);

async function run(document: object): Promise<WorkloadDocument> {
  const file = scratch.write('job.json', JSON.stringify(document));
  const done = await runBerth(['run', file, '--json', '--state', state]);
  return workloadSchema.parse(JSON.parse(done.stdout));
}

const small = { cpu: 0.5, memory: '64Mi' };
const firstLog = (document: WorkloadDocument, step = 0): string =>
  readFileSync(
    join(state, 'attempts', document.steps[step]!.attempts[0]!.id, 'stdout.log'),
    'utf8',
  );

test(
  'a task that outgrows its memory is killed for it, and tried again with more',
  options,
  async () => {
    const { steps, status } = await run({
      name: 'hungry',
      run: `exec perl -e '$x = "x" x (90 << 20); print length $x'`,
      resources: { cpu: 0.5, memory: '48Mi' },
      retry: { max_retries: 3, backoff: '50ms', memory_growth: 2 },
    });
    assert.equal(status, 'succeeded');
    const MIB = 1024 ** 2;
    assert.deepEqual(
      steps[0]!.attempts.map((a) => [a.cause, a.memory_limit_bytes! / MIB]),
      [
        ['oom-killed', 48],
        ['oom-killed', 96],
        ['succeeded', 192],
      ],
    );
    for (const attempt of steps[0]!.attempts) {
      assert.ok(attempt.memory_peak_bytes! <= attempt.memory_limit_bytes!);
      assert.equal(attempt.enforced!.memory, 'kernel');
    }
    assert.match(steps[0]!.attempts[0]!.message!, /killed .* for memory at the limit of 48 MiB/);
  },
);

/** Burns two seconds of CPU, then says how often the kernel held it back. */
const burn = `perl -e '1 while (times)[0] < 2'
here() { sed -n "s/^[0-9]*:$1://p" /proc/self/cgroup; }
cat "/sys/fs/cgroup/cpu$(here cpu)/cpu.stat" 2>/dev/null || cat "/sys/fs/cgroup$(here '')/cpu.stat"`;

test(
  'half a core is half a core: never a tenth more, and a tenth less only where others take it',
  options,
  async (t) => {
    const before = hostTimes();
    const document = await run({ name: 'throttled', run: burn, resources: small });
    const after = hostTimes();
    const [attempt] = document.steps[0]!.attempts;
    assert.equal(attempt!.cause, 'succeeded');
    const share = attempt!.cpu_ms! / attempt!.wall_ms!;
    const stat = Object.fromEntries(
      firstLog(document)
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
    const throttledShare = Number(stat['nr_throttled']) / Number(stat['nr_periods']);
    const idleShare = (after.idle - before.idle) / (after.total - before.total);
    t.diagnostic(
      `${share.toFixed(3)} of a core, held back in ${throttledShare.toFixed(2)} of the periods, ` +
        `the machine idle ${idleShare.toFixed(2)} of the time`,
    );
    assert.ok(attempt!.cpu_ms! >= 1_900, `${attempt!.cpu_ms} ms of CPU`);
    assert.ok(share <= 0.55, `${share} of a core`);
    // Others may keep it from its share; the limit must not.
    if (throttledShare > 0.95 || idleShare > 0.5) assert.ok(share >= 0.45, `${share} of a core`);
  },
);

test('a fork bomb ends at its limit of processes, and nothing of it is left', options, async () => {
  const bomb = `perl -e '
    for (1 .. 1000) { my $p = fork; if (!defined $p) { $r++ } elsif (!$p) { sleep 600; exit } else { $n++ } }
    print "$n forked, $r refused\\n"; exit 5'`;
  const started = performance.now();
  const document = await run({
    name: 'bomb',
    run: bomb,
    resources: small,
    resource_limits: { pids: 60 },
  });
  const [attempt] = document.steps[0]!.attempts;
  assert.deepEqual([attempt!.cause, attempt!.exit_code], ['failed', 5]);
  const [, forked, refused] = /(\d+) forked, (\d+) refused/.exec(firstLog(document))!.map(Number);
  assert.ok(forked! <= 60 && forked! >= 50 && forked! + refused! === 1000, `${forked} ${refused}`);
  assert.match(attempt!.message!, /refused \d+ forks/);
  assert.ok(performance.now() - started < 60_000, 'its children are not waited for');
});

test('a thousand children that stay are killed with their parent', options, async () => {
  const document = await run({
    name: 'crowd',
    run: `perl -e 'for (1 .. 1000) { my $p = fork; if (defined $p && !$p) { sleep 600; exit } } print "up\\n"'`,
    resources: { cpu: 0.5, memory: '512Mi' },
    resource_limits: { pids: 1100 },
  });
  const [attempt] = document.steps[0]!.attempts;
  assert.equal(attempt!.cause, 'succeeded', attempt!.message ?? '');
  assert.equal(firstLog(document), 'up\n');
});

test(
  'a gigabyte of log: bounded on the disk, its end is kept, its neighbour is not held up',
  options,
  async () => {
    const document = await run({
      name: 'flood',
      steps: [
        {
          id: 'flood',
          run: 'head -c 1000000000 /dev/zero | tr "\\0" x; echo; echo the end',
          resources: { cpu: 1, memory: '64Mi' },
          resource_limits: { log: '1Mi' },
        },
        { id: 'beside', run: 'for i in 1 2 3 4 5; do echo $i; sleep 0.2; done', resources: small },
      ],
    });
    const [flood, beside] = document.steps;
    assert.deepEqual([flood!.state, beside!.state], ['succeeded', 'succeeded']);
    const folder = join(state, 'attempts', flood!.attempts[0]!.id);
    const kept = readdirSync(folder)
      .filter((name) => name.startsWith('stdout.log'))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    assert.ok(kept <= 1024 ** 2 && kept > 512 * 1024, `${kept} bytes are kept`);
    assert.ok(beside!.attempts[0]!.wall_ms! < 30_000);
    const shown = await runBerth(['logs', flood!.attempts[0]!.id, '--state', state]);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /x\nthe end\n$/);
    assert.match(
      `${shown.stderr}${shown.stdout.slice(0, 500)}`,
      /dropped|thrown away|not kept|cap/,
    );
  },
);

test('garbage in a log is shown as text, and is whole on the disk', options, async () => {
  const document = await run({
    name: 'garbage',
    run: 'head -c 300000 /dev/urandom; printf "\\nlast line\\n"',
    resources: small,
  });
  const attempt = document.steps[0]!.attempts[0]!;
  assert.equal(attempt.cause, 'succeeded');
  const raw = readFileSync(join(state, 'attempts', attempt.id, 'stdout.log'));
  assert.equal(raw.length, 300_000 + 11);
  const plain = await runBerth(['logs', attempt.id, '--state', state]);
  assert.equal(plain.code, 0);
  assert.match(plain.stdout, /last line\n$/);
  const json = await runBerth(['logs', attempt.id, '--json', '--state', state]);
  assert.equal(json.code, 0);
  JSON.parse(json.stdout);
});

test('a task that closes its output lives on until it ends', options, async () => {
  const document = await run({
    name: 'silent',
    run: 'echo before; exec >&- 2>&-; sleep 1.2; exit 3',
    resources: small,
  });
  const [attempt] = document.steps[0]!.attempts;
  assert.deepEqual([attempt!.cause, attempt!.exit_code], ['failed', 3]);
  assert.ok(attempt!.wall_ms! >= 1_200);
  assert.equal(firstLog(document), 'before\n');
});

test('after all that the daemon is as it was', options, async () => {
  const status = await berth(state, 'status');
  assert.deepEqual([status.counts.running, status.journal.stalled], [0, null]);
});

/** All CPUs together, in ticks. */
function hostTimes(): { readonly total: number; readonly idle: number } {
  const [cpu] = readFileSync('/proc/stat', 'utf8').split('\n');
  // user nice system idle iowait irq softirq steal; guest is in user already.
  const ticks = cpu!.trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: ticks.reduce((a, b) => a + b, 0), idle: ticks[3]! + ticks[4]! };
}
