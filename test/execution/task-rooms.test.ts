import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bytes } from '../../src/base/units.ts';
import { forgetScratch } from '../../src/execution/io/local/scratch-folders.ts';
import type { ExecutionTerms, ScratchTerms } from '../../src/model/execution-terms.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import { writeSecret } from '../../src/store/io/secret-files.ts';
import { type Ask, id, kill, MIB, Rig, until } from './rig.ts';

const bounded = {
  timeout: 60_000,
  skip: process.platform === 'linux' ? false : 'needs /proc and /dev/shm of Linux',
};
const openRig = (t: TestContext): Promise<Rig> =>
  new Rig(t, { enforcement: 'unprivileged' }).open();

/** In the folders of the rig, as a daemon would have it. */
function asked(rig: Rig, run: string, execution: ExecutionTerms): Ask {
  const workdir = join(rig.stateDir, 'work', '1');
  mkdirSync(workdir, { recursive: true });
  return { run, cwd: workdir, workdir, execution };
}

const secretsOf = (rig: Rig): string => `/dev/shm/berth-${rig.instance().slice(0, 8)}`;

test('who asks for no new privileges has them off, and says so', bounded, async (t) => {
  const rig = await openRig(t);
  const terms = { isolation: { noNewPrivileges: true } };
  const end = await rig.run(1, asked(rig, 'grep NoNewPrivs /proc/self/status', terms));
  assert.match(rig.log(1), /NoNewPrivs:\t1/);
  assert.deepEqual(
    end.enforced.terms?.map(({ term, by }) => [term, by]),
    [['no-new-privileges', 'kernel']],
  );
});

test(
  'secrets come as file and as variable, and the folder goes with the task',
  bounded,
  async (t) => {
    const rig = await openRig(t);
    writeSecret(rig.stateDir, 'alpha', Buffer.from('value of alpha'));
    writeSecret(rig.stateDir, 'beta', Buffer.from('line 1\nline 2\n'));
    const secrets = [
      { secret: 'alpha', as: 'environment', name: 'ALPHA' },
      { secret: 'beta', as: 'file', name: 'b.txt' },
    ] as const;
    const script =
      'echo "<$ALPHA>"; cat "$BERTH_SECRETS/b.txt"; stat -c "%a %n" "$BERTH_SECRETS" "$BERTH_SECRETS/b.txt"; stat -f -c %T "$BERTH_SECRETS"';
    await rig.run(1, asked(rig, script, { isolation: { secrets } }));
    const folder = `${secretsOf(rig)}/${id(1)}`;
    assert.equal(
      rig.log(1),
      `<value of alpha>\nline 1\nline 2\n700 ${folder}\n400 ${folder}/b.txt\ntmpfs\n`,
    );
    assert.ok(!existsSync(folder));
    const record = rig.record(1);
    assert.ok(!record.includes('value of alpha') && !record.includes('line 1'), record);
  },
);

test('a secret that is not there: it does not start, and nothing is left', bounded, async (t) => {
  const rig = await openRig(t);
  const secrets = [{ secret: 'gone', as: 'file', name: 'x' }] as const;
  const end = await rig.run(1, asked(rig, 'echo ran', { isolation: { secrets } }));
  assert.equal(end.cause, 'start-failed');
  assert.match(end.message ?? '', /secret gone/);
  assert.equal(rig.log(1), '');
});

test('a shim that is killed leaves no secrets: they go with the burial', bounded, async (t) => {
  const rig = await openRig(t);
  writeSecret(rig.stateDir, 'alpha', Buffer.from('value of alpha'));
  const secrets = [{ secret: 'alpha', as: 'file', name: 'a' }] as const;
  rig.start(1, asked(rig, 'echo here; sleep 60', { isolation: { secrets } }));
  await rig.printed(1, 'here');
  assert.ok(existsSync(`${secretsOf(rig)}/${id(1)}/a`));
  kill(rig.shimPid(1));
  const end = await rig.ended(1);
  assert.equal(end.cause, 'lost');
  assert.ok(!existsSync(`${secretsOf(rig)}/${id(1)}`));
});

test('secrets that nobody was left to remove go when the driver is opened', bounded, async (t) => {
  const rig = await openRig(t);
  await rig.close();
  mkdirSync(`${secretsOf(rig)}/9.step.0.1`, { recursive: true, mode: 0o700 });
  writeFileSync(`${secretsOf(rig)}/9.step.0.1/a`, 'left');
  await rig.open();
  assert.deepEqual(readdirSync(secretsOf(rig)), []);
});

const scratch = (cleanup: ScratchTerms['cleanup'], size = 64 * MIB): ExecutionTerms => ({
  storage: { volumes: [], scratch: { size: bytes(size), cleanup } },
});

const cases: readonly [ScratchTerms['cleanup'], string, boolean][] = [
  ['immediate', 'true', false],
  ['immediate', 'false', false],
  ['on-success', 'true', false],
  ['on-success', 'false', true],
  ['never', 'true', true],
];
for (const [cleanup, ending, stays] of cases) {
  const what = stays ? 'stays' : 'is gone';
  test(`scratch with cleanup ${cleanup} ${what} after ${ending}`, bounded, async (t) => {
    const rig = await openRig(t);
    const script = `echo "$BERTH_SCRATCH $TMPDIR"; echo x > "$BERTH_SCRATCH/x"; ${ending}`;
    await rig.run(1, asked(rig, script, scratch(cleanup)));
    const path = join(rig.stateDir, 'scratch', id(1), 'data');
    assert.equal(rig.log(1), `${path} ${path}\n`);
    assert.equal(existsSync(join(path, 'x')), stays);
    rig.driver.settle(id(1));
    await rig.settled(1);
    await rig.close();
    await rig.open();
    assert.equal(existsSync(join(path, 'x')), stays, 'the same after the next start of the daemon');
  });
}

test('who outgrows its scratch is ended, with what it used', bounded, async (t) => {
  const rig = await openRig(t);
  const script = 'head -c 8M /dev/zero > "$BERTH_SCRATCH/x"; sleep 60';
  const end = await rig.run(1, asked(rig, script, scratch('immediate', 4 * MIB)));
  assert.equal(end.cause, 'disk-exceeded');
  assert.match(end.message ?? '', /used [89] MiB of 4 MiB of scratch/);
  assert.ok(!existsSync(join(rig.stateDir, 'scratch', id(1))));
  assert.deepEqual(
    end.enforced.terms?.map(({ term, by }) => [term, by]),
    [['scratch', 'accounting']],
  );
  assert.match(
    end.enforced.terms?.[0]?.note ?? '',
    /^4 MiB, measured every 2 s \(no quota: .+\); cleanup immediate$/,
  );
});

test(
  'scratch of a task that ended while no daemon was there goes when one is',
  bounded,
  async (t) => {
    const rig = await openRig(t);
    rig.start(1, asked(rig, 'echo here; sleep 1', scratch('immediate')));
    await rig.printed(1, 'here');
    await rig.close();
    await until('the end on disk', () => (/^ended\t/m.test(rig.record(1)) ? true : undefined));
    await rig.open();
    const [known] = await rig.driver.known();
    assert.ok(known?.state === 'ended' && known.end.cause === 'succeeded');
    assert.ok(!existsSync(join(rig.stateDir, 'scratch', id(1))));
  },
);

test(
  'what was kept after a failure goes with its workload, and what is kept for ever stays',
  bounded,
  async (t) => {
    const rig = await openRig(t);
    await rig.run(1, asked(rig, 'false', scratch('on-success')));
    await rig.run(2, asked(rig, 'true', scratch('never')));
    forgetScratch(rig.stateDir, '2' as WorkloadId);
    const root = join(rig.stateDir, 'scratch');
    assert.deepEqual(readdirSync(root).sort(), [id(1), id(2)]);
    forgetScratch(rig.stateDir, '1' as WorkloadId);
    assert.deepEqual(readdirSync(root), [id(2)]);
  },
);

test('the secrets folder and its files are for their owner only', bounded, async (t) => {
  const rig = await openRig(t);
  writeSecret(rig.stateDir, 'alpha', Buffer.from('1'));
  writeSecret(rig.stateDir, 'alpha', Buffer.from('2'));
  const folder = join(rig.stateDir, 'secrets');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'alpha')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['alpha']);
});

test(
  'nobody starts with a volume that outgrew its size, until there is room',
  bounded,
  async (t) => {
    const rig = await openRig(t);
    const volume = { name: 'data', size: bytes(4 * MIB), mountPath: '/mnt', readOnly: false };
    const terms: ExecutionTerms = { storage: { volumes: [volume] } };
    const fill = 'head -c 8M /dev/zero > "$BERTH_VOLUME_DATA/x"; sleep 60';
    const first = await rig.run(1, asked(rig, fill, terms));
    assert.equal(first.cause, 'disk-exceeded');
    const second = await rig.run(2, asked(rig, 'echo ran', terms));
    assert.equal(second.cause, 'start-failed');
    const path = join(rig.stateDir, 'volumes', 'data');
    assert.match(second.message ?? '', /the volume data holds [89] MiB of 4 MiB: make room in /);
    assert.ok(second.message?.includes(path));
    rmSync(join(path, 'x'));
    const third = await rig.run(3, asked(rig, 'echo ran', terms));
    assert.equal(third.cause, 'succeeded');
  },
);

test('who runs when the working folder is too large is ended', bounded, async (t) => {
  const rig = await openRig(t);
  const terms: ExecutionTerms = { storage: { volumes: [], workspace: bytes(4 * MIB) } };
  const small = await rig.run(1, asked(rig, 'head -c 1M /dev/zero > x', terms));
  assert.equal(small.cause, 'succeeded');
  const end = await rig.run(2, asked(rig, 'head -c 8M /dev/zero > y; sleep 60', terms));
  assert.equal(end.cause, 'disk-exceeded');
  assert.match(end.message ?? '', /used \d+ MiB of 4 MiB of the working folder/);
  assert.ok(existsSync(join(rig.stateDir, 'work', '1', 'y')), 'what is there stays');
});
