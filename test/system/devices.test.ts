import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TermEnforcement } from '../../src/model/attempt.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { type Ask, Rig } from '../execution/rig.ts';

const mounts = readFileSync('/proc/mounts', 'utf8');
const held =
  /^\S+ \S+ cgroup \S*\bdevices\b/m.test(mounts) || /^\S+ \/sys\/fs\/cgroup cgroup2 /m.test(mounts);
const missing = held ? false : 'needs cgroup v2, or the devices controller of v1';
const options = { skip: skipSystem === false ? missing : skipSystem, timeout: 60_000 };

const ZERO = 'GPU-00000000-0000-0000-0000-000000000000';
const ONE = 'GPU-11111111-1111-1111-1111-111111111111';

/** A host with two GPUs, whose files have the numbers of /dev/null and /dev/zero, and one more device. */
function host(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'berth-devices-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'dev'));
  for (const [minor, uuid, number] of [
    [0, ZERO, '3'],
    [1, ONE, '5'],
  ] as const) {
    const folder = join(root, 'proc/driver/nvidia/gpus', `0000:0${minor}:00.0`);
    mkdirSync(folder, { recursive: true });
    const text = `Model: \t\t NVIDIA A100-SXM4-40GB\nGPU UUID: \t ${uuid}\nDevice Minor: \t ${minor}\n`;
    writeFileSync(join(folder, 'information'), text);
    execFileSync('mknod', ['-m', '666', join(root, 'dev', `nvidia${minor}`), 'c', '1', number]);
  }
  execFileSync('mknod', ['-m', '666', join(root, 'dev', 'fuse'), 'c', '10', '229']);
  return root;
}

const opens = (root: string): string =>
  ['nvidia0', 'nvidia1', 'fuse']
    .map((name) => `head -c0 ${root}/dev/${name} 2>&1 && echo ${name} || true`)
    .join('; ');

async function printed(t: TestContext, root: string, ask: Omit<Ask, 'run'>) {
  const rig = await new Rig(t, { hostRoot: root }).open();
  const workdir = join(rig.stateDir, 'work', '1');
  mkdirSync(workdir, { recursive: true });
  const end = await rig.run(1, { cwd: workdir, workdir, ...ask, run: opens(root) });
  assert.equal(end.cause, 'succeeded', end.message);
  const lines = rig.log(1).trim().split('\n');
  return { lines, terms: end.enforced.terms ?? [] };
}
const said = (terms: readonly TermEnforcement[]): string[] =>
  terms.map(({ term, by }) => `${term} ${by}`);

test(
  'who got one GPU cannot open the file of the other, and all else as before',
  options,
  async (t) => {
    const root = host(t);
    const { lines, terms } = await printed(t, root, { gpus: [ZERO] });
    assert.equal(lines[0], 'nvidia0');
    assert.match(lines[1]!, /nvidia1.*Operation not permitted/);
    assert.equal(lines[2], 'fuse');
    assert.deepEqual(said(terms), ['gpu-devices kernel']);
    assert.match(terms[0]!.note, /nvidia1 cannot be opened/);
  },
);

test('a list of devices holds by their numbers, too', options, async (t) => {
  const root = host(t);
  const isolation = { required: false, devices: [join(root, 'dev', 'fuse')] };
  const { lines, terms } = await printed(t, root, { execution: { isolation } });
  assert.equal(lines.at(-1), 'fuse', 'it is on the list');
  assert.ok(said(terms).includes('device-numbers kernel'), said(terms).join());
  const none = await printed(t, root, {
    execution: { isolation: { required: false, devices: [] } },
  });
  assert.match(none.lines.at(-1)!, /fuse/);
  assert.doesNotMatch(none.lines.at(-1)!, /^fuse$/);
});

test('a GPU whose file is not known closes nothing, and the term says so', options, async (t) => {
  const { lines, terms } = await printed(t, host(t), { gpus: ['MIG-7'] });
  assert.deepEqual(lines, ['nvidia0', 'nvidia1', 'fuse']);
  assert.deepEqual(said(terms), ['gpu-devices none']);
});
