import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { berth, runBerth, startBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 120_000 };

/** A daemon of which one folder is on a small disk of its own. */
async function site(t: TestContext, folder: string, size: string, document?: string) {
  const scratch = scratchState(t);
  const { state } = scratch;
  const disk = mkdtempSync(join(tmpdir(), 'berth-test-disk-'));
  mkdirSync(state, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=0700,${size}`, 'berth-test', disk]);
  // After the daemon has gone, before the folder goes.
  t.after(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmdirSync(disk);
  });
  symlinkSync(disk, join(state, folder));
  const said = document === undefined ? [] : ['--site', scratch.write('site.yaml', document)];
  const up = await runBerth(['up', '-d', '--port', '0', '--state', state, ...said]);
  assert.equal(up.code, 0, up.stderr);
  const job = (name: string, run: string, retries = 0) =>
    scratch.write(
      `${name}.json`,
      JSON.stringify({
        name,
        run,
        retry: { max_retries: retries, backoff: '300ms', backoff_factor: 1 },
        resources: { cpu: 0.2, memory: '64Mi' },
      }),
    );
  return { ...scratch, disk, job, ballast: join(disk, 'ballast') };
}

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(64 << 20));
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC');
  }
}

test(
  'no space for logs: the output is counted, the task is not held up, and what comes after there is space is kept',
  options,
  async (t) => {
    const { state, dir, job, ballast } = await site(t, 'attempts', 'size=4m');
    const go = join(dir, 'go');
    const script = `echo begun; until [ -e ${go}1 ]; do sleep 0.05; done; printf 'half of \\342\\202'; head -c 3000000 /dev/zero; echo over > ${dir}/over; until [ -e ${go}2 ]; do sleep 0.05; done; echo the end; exit 7`;
    const { id } = await berth(state, 'submit', job('chatty', script));
    await startBerth(['logs', id, '-f', '--state', state]).said(/begun/);
    fill(ballast);
    writeFileSync(`${go}1`, '');
    await until(() => exists(join(dir, 'over')));
    rmSync(ballast);
    writeFileSync(`${go}2`, '');
    const ended = await berth(state, 'wait', id);
    const [attempt] = ended.steps[0].attempts;
    assert.deepEqual([attempt.cause, attempt.exit_code], ['failed', 7]);
    assert.match(attempt.message, /bytes of its log could not be written/);
    const folder = join(state, 'attempts', attempt.id);
    const kept = readdirSync(folder)
      .filter((name) => name.startsWith('stdout.log'))
      .map((name) => readFileSync(join(folder, name), 'latin1'));
    assert.ok(
      kept.some((text) => text.endsWith('the end\n')),
      'what came after is kept',
    );
    const whole = await runBerth(['logs', id, '--state', state]);
    assert.ok(/^begun\n.*the end\n$/s.test(whole.stdout), 'all that was kept is shown');
    assert.match(whole.stderr, /before this were not kept/);
    const followed = await runBerth(['logs', id, '-f', '--state', state]);
    assert.ok(followed.stdout === whole.stdout, 'the same with -f');
    const tail = await runBerth(['logs', id, '--tail', '1', '--state', state]);
    assert.equal(tail.stdout, 'the end\n');
    t.diagnostic('1 of 1 full disks under logs survived: 3,000,000 bytes counted');
  },
);

test('no space for the logs of the daemon and the launcher: both go on', options, async (t) => {
  const { state, job, ballast } = await site(t, 'logs', 'size=1m');
  fill(ballast);
  for (let n = 0; n < 3; n++) {
    assert.equal((await runBerth(['run', job('quiet', 'true'), '--state', state])).code, 0);
  }
  assert.equal((await berth(state, 'status')).journal.stalled, null);
  rmSync(ballast);
  assert.equal((await runBerth(['run', job('quiet', 'true'), '--state', state])).code, 0);
  t.diagnostic('4 of 4 tasks survived a full disk under logs/');
});

test(
  'no space for work folders: a task that fails for it may be tried again, and succeeds when there is space',
  options,
  async (t) => {
    const { state, job, ballast } = await site(t, 'work', 'size=1m,nr_inodes=20');
    fill(ballast);
    const write = 'head -c 100000 /dev/zero > "$BERTH_WORKDIR/result" && echo written';
    const once = await runBerth(['run', job('once', write), '--json', '--state', state]);
    assert.notEqual(once.code, 0);
    const patient = await berth(state, 'submit', job('patient', write, 100));
    await delay(1_500);
    rmSync(ballast);
    assert.equal((await berth(state, 'wait', patient.id)).status, 'succeeded');
    t.diagnostic('1 of 1 full work folders survived');
  },
);

test(
  'no space for scratch: the task meets it and fails, the next one succeeds, and nothing of either is left',
  options,
  async (t) => {
    const { state, ballast, write } = await site(t, 'scratch', 'size=2m');
    const job = (name: string) =>
      write(
        `${name}.json`,
        JSON.stringify({
          name,
          run: 'head -c 1000000 /dev/zero > "$BERTH_SCRATCH/x"',
          resources: { cpu: 0.2, memory: '64Mi' },
          storage: { temp_storage: { size: '1Gi' } },
        }),
      );
    writeFileSync(ballast, Buffer.alloc(1_500_000));
    const full = await runBerth(['run', job('full'), '--json', '--state', state]);
    assert.equal(full.code, 1);
    const { steps } = JSON.parse(full.stdout);
    assert.equal(steps[0].attempts[0].cause, 'failed', 'its own doing, not an end by Berth');
    assert.match((await berth(state, 'logs', '1', '--stderr')).logs[0].text, /No space left/);
    fill(`${ballast}2`);
    assert.notEqual((await runBerth(['run', job('none'), '--state', state])).code, 0);
    rmSync(`${ballast}2`);
    rmSync(ballast);
    assert.equal((await runBerth(['run', job('after'), '--state', state])).code, 0);
    assert.deepEqual(readdirSync(join(state, 'scratch')), []);
    t.diagnostic('2 of 2 full disks under scratch survived');
  },
);

test(
  'no space at the destination of a transfer: it fails and says so, and goes on when there is space',
  options,
  async (t) => {
    const { state, disk, ballast, write } = await site(t, 'volumes', 'size=6m');
    const from = write('result', randomBytes(4_000_000));
    mkdirSync(join(disk, 'kept'));
    writeFileSync(ballast, Buffer.alloc(3_500_000));
    const transfer = ['transfer', from, 'volume:kept', '--json', '--state', state];
    const failed = await runBerth(transfer);
    assert.equal(failed.code, 1, failed.stderr);
    assert.match(JSON.parse(failed.stdout).message, /ENOSPC/);
    assert.deepEqual(readdirSync(join(disk, 'kept')), ['.result.berth-partial']);
    rmSync(ballast);
    const resumed = JSON.parse((await runBerth([...transfer, '--resume'])).stdout);
    assert.deepEqual([resumed.state, resumed.starts], ['succeeded', 2]);
    assert.ok(readFileSync(join(disk, 'kept', 'result')).equals(readFileSync(from)));
    t.diagnostic('1 of 1 full destinations survived');
  },
);

test(
  'no space for what waits for a full queue: it is refused and says so, what was accepted before runs, and what comes after there is space is accepted',
  options,
  async (t) => {
    const queues =
      'queues:\n  default: {}\n  full: {max_size: 1, overflow_policy: spill_to_disk}\n';
    const { state, dir, ballast, write } = await site(t, 'overflow', 'size=1m', queues);
    const go = join(dir, 'go');
    const job = (queue: string) =>
      write(
        `${queue}.json`,
        JSON.stringify({
          name: queue,
          queue,
          run: `until [ -e ${go} ]; do sleep 0.1; done; # ${randomBytes(20_000).toString('hex')}`,
          resources: { cpu: 0.1, memory: '32Mi' },
        }),
      );
    const text = job('full');
    const accepted = [await berth(state, 'submit', text), await berth(state, 'submit', text)];
    assert.deepEqual(accepted[1].spilled, { queue: 'full', ahead: 0 });
    fill(ballast);
    let refused = await berth(state, 'submit', text);
    for (
      ;
      refused.id !== undefined && accepted.length < 30;
      refused = await berth(state, 'submit', text)
    )
      accepted.push(refused);
    assert.equal(refused.code, 'STATE_FULL');
    assert.match(refused.detail, /the queue overflow .*: the disk is full/);
    assert.equal((await berth(state, 'status')).journal.stalled, null, 'the daemon goes on');
    assert.equal(
      (await berth(state, 'ps')).total,
      accepted.length,
      'what was refused is not there',
    );
    rmSync(ballast);
    accepted.push(await berth(state, 'submit', text));
    writeFileSync(go, '');
    for (const { id } of accepted)
      assert.equal((await berth(state, 'wait', id)).status, 'succeeded');
    const { queues: left } = await berth(state, 'queue');
    assert.equal(left[0].spilled.submissions, 0);
    t.diagnostic(`1 of 1 full disks under overflow survived, with ${accepted.length} submissions`);
  },
);

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 300, 'within 30 s');
    await delay(100);
  }
}
