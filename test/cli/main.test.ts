import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ended, step, workload } from './documents.ts';
import { TestDaemon } from './test-daemon.ts';

const bounded = { timeout: 30_000 };
/** Several commands, each a process. */
const slow = { timeout: 120_000 };
const folder = mkdtempSync(join(tmpdir(), 'berth-main-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Done {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command, in a process of its own. */
function berth(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string | Buffer } = {},
): Done {
  const done = spawnSync(process.execPath, ['src/app/main.ts', ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    input: options.input ?? '',
    env: { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', ...options.env },
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** As `berth`, while this process serves what it asks for. */
async function berthBeside(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Done> {
  const child = spawn(process.execPath, ['src/app/main.ts', ...args], {
    env: { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => (stdout += piece));
  child.stderr.setEncoding('utf8').on('data', (piece) => (stderr += piece));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

test('--version says the version and nothing else', bounded, () => {
  const { status, stdout, stderr } = berth(['--version']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^berth \d+\.\d+\.\d+\n$/);
  assert.equal(berth(['version']).stdout, stdout);
  assert.equal(berth(['--quiet', '-V']).stdout, stdout);
});

test('without a daemon: exit 69, a sentence, and with --json a problem document', bounded, () => {
  const plain = berth(['ps', '--state', folder]);
  assert.deepEqual([plain.status, plain.stdout], [69, '']);
  assert.equal(
    plain.stderr,
    `berth: No daemon runs on ${folder}.\n  Start it with \`berth up -d\`.\n`,
  );
  const json = berth(['ps', '--json', '--state', folder]);
  assert.equal(json.status, 69);
  assert.equal(JSON.parse(json.stdout).code, 'DAEMON_DOWN');
});

test('a wrong command line is 64, and JSON where JSON was asked for', bounded, () => {
  const { status, stdout } = berth(['ps', '--jsn', '--json']);
  assert.equal(status, 64);
  assert.equal(JSON.parse(stdout).code, 'USAGE');
});

const big = join(folder, 'big.yaml');
const binary = join(folder, 'binary.yaml');
const latin = join(folder, 'latin.yaml');
const empty = join(folder, 'empty.yaml');
writeFileSync(big, '#'.repeat(1_048_577));
writeFileSync(binary, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]));
writeFileSync(latin, Buffer.from([0x61, 0x3a, 0xe9, 0x0a]));
writeFileSync(empty, '\n  \n');
const files: Record<string, { file: string; input?: string; exit: number; says: RegExp }> = {
  'none there': { file: join(folder, 'none.yaml'), exit: 66, says: /none\.yaml does not exist/ },
  'a folder': { file: folder, exit: 66, says: /is a folder, not a file/ },
  'part of the path a file': {
    file: join(big, 'x'),
    exit: 66,
    says: /a part of its path is not a folder/,
  },
  'too large': { file: big, exit: 2, says: /big\.yaml has 1 MiB; a document has 1 MiB at most/ },
  endless: { file: '/dev/zero', exit: 2, says: /has more than 1 MiB/ },
  binary: { file: binary, exit: 2, says: /is not text: it holds binary data/ },
  'latin-1': { file: latin, exit: 2, says: /is not UTF-8 text/ },
  empty: { file: empty, exit: 2, says: /is empty/ },
  'empty stdin': { file: '-', exit: 2, says: /stdin is empty/ },
  'large stdin': {
    file: '-',
    input: '#'.repeat(2_000_000),
    exit: 2,
    says: /stdin has more than 1 MiB/,
  },
};
for (const [name, { file, input, exit, says }] of Object.entries(files)) {
  test(`a document that cannot be one is refused before it is sent: ${name}`, bounded, () => {
    const { status, stdout, stderr } = berth(
      ['submit', file, '--state', folder],
      input === undefined ? {} : { input },
    );
    assert.deepEqual([status, stdout], [exit, ''], stderr);
    assert.match(stderr, says);
  });
}

test('a file that may not be read', {
  ...bounded,
  skip: process.getuid?.() === 0 ? 'root may read all' : false,
}, () => {
  const secret = join(folder, 'secret.yaml');
  writeFileSync(secret, 'name: x');
  chmodSync(secret, 0);
  const { status, stderr } = berth(['submit', secret, '--state', folder]);
  assert.equal(status, 66);
  assert.match(stderr, /may not be read by you/);
});

test(
  'config explain says where each setting comes from, and keeps the token to itself',
  bounded,
  () => {
    const { stdout } = berth(['config', 'explain', '--json', '--state', 's'], {
      env: { BERTH_PORT: '9000', BERTH_TOKEN: 'secret', NO_COLOR: '1' },
    });
    const settings = new Map<string, { value: unknown; origin: string; source: string }>(
      JSON.parse(stdout).settings.map((setting: { name: string }) => [setting.name, setting]),
    );
    assert.equal(settings.get('state_dir')!.value, join(process.cwd(), 's'));
    assert.equal(settings.get('state_dir')!.origin, 'flag');
    assert.equal(settings.get('port')!.value, 9_000);
    assert.equal(settings.get('port')!.source, 'BERTH_PORT');
    assert.equal(settings.get('colour')!.source, 'NO_COLOR');
    assert.ok(!stdout.includes('secret'));
  },
);

test('a reader that leaves early ends the command quietly', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set(
    '12',
    workload('succeeded', [step('a', 'succeeded', { attempts: [ended('a.0.1')] })]),
  );
  daemon.logs.set('12.a.0.1/stdout', { text: 'line\n'.repeat(2_000_000), ended: true });
  const command = `"${process.execPath}" src/app/main.ts logs 12 --state ${daemon.stateDir}; echo "exit $?" >&2`;
  const child = spawn('sh', ['-c', `{ ${command}; } | head -n 2`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => (out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece) => (err += piece));
  await new Promise((resolve) => child.once('close', resolve));
  assert.equal(out, 'line\nline\n');
  assert.equal(err, 'exit 0\n');
  // The log has 39 pieces: what nobody reads is not fetched.
  assert.ok(daemon.requests.filter((request) => request.includes('/logs/')).length < 20);
});

test('a long answer reaches a pipe whole', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const attempts = Array.from({ length: 2_000 }, (_, i) => ended(`a.${i}.1`));
  daemon.workloads.set('12', workload('succeeded', [step('a', 'succeeded', { attempts })]));
  const { status, stdout } = await berthBeside([
    'wait',
    '12',
    '--json',
    '--state',
    daemon.stateDir,
  ]);
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).steps[0].attempts.length, 2_000);
});

test(
  'a table for a program is not cut, and follows COLUMNS where that is said',
  bounded,
  async () => {
    await using daemon = await TestDaemon.open();
    const name = 'n'.repeat(150);
    daemon.workloads.set('12', workload('running', [step('a', 'running')], { name }));
    const args = ['ps', '--state', daemon.stateDir];
    assert.ok((await berthBeside(args)).stdout.includes(name));
    const top = (await berthBeside(['top', '--state', daemon.stateDir])).stdout;
    assert.ok(top.split('\n').every((line) => [...line].length <= 120));
    const narrow = (await berthBeside(args, { COLUMNS: '80' })).stdout;
    assert.ok(narrow.split('\n').every((line) => [...line].length <= 80));
  },
);

test('only ASCII where the locale is not UTF-8', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set('12', workload('running', [step('a', 'running')]));
  const { stdout } = await berthBeside(['ps', '--state', daemon.stateDir], { LANG: 'C' });
  assert.match(stdout, /> running/);
  assert.ok([...stdout].every((c) => c.codePointAt(0)! < 0x80));
});

test('import writes a site that check takes, never over a file, and warns on stderr', slow, () => {
  const output = join(folder, 'imported.yaml');
  const input = [
    'apiVersion: v1',
    'kind: ResourceQuota',
    'metadata: {name: q, namespace: team}',
    'spec: {hard: {pods: 7, services: 1}}',
  ].join('\n');
  const printed = berth(['import', '-'], { input });
  assert.equal(printed.status, 0);
  assert.match(printed.stderr, /^stdin:4:24 warning: spec\.hard\.services: .* not carried over/);
  assert.match(printed.stdout, /^ {2}team:\n {4}max_active: 7 # stdin:4 pods of q$/m);
  const written = berth(['import', '-', '-o', output, '--quiet', '--json'], { input });
  assert.deepEqual([written.status, written.stderr], [0, '']);
  assert.equal(readFileSync(output, 'utf8'), JSON.parse(written.stdout).site);
  assert.equal(berth(['check', output]).stdout, `${output}: valid\n`);
  const again = berth(['import', '-', '-o', output], { input });
  assert.deepEqual([again.status, again.stdout], [64, '']);
  assert.match(again.stderr, /is there already/);
  const wrong = berth(['import', '-'], { input: input.replace('7', 'many') });
  assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /stdin:4:21 error: spec\.hard\.pods: "many" is no amount/);
});

test('tier plan says what would move, --apply moves it, and restore brings it back', slow, () => {
  const here = mkdtempSync(join(folder, 'tiers-'));
  const [data, cold] = [join(here, 'data'), join(here, 'cold')];
  mkdirSync(data);
  const old = join(data, 'old.bin');
  writeFileSync(old, Buffer.alloc(100_000, 'a'));
  writeFileSync(join(data, 'new.bin'), Buffer.alloc(100_000, 'b'));
  const tiers = join(here, 'tiers.yaml');
  writeFileSync(
    tiers,
    `tiers: {hot: {}, cold: {folder: ${cold}, compress: zstd}}\nmin_size: 1Ki\n`,
  );
  // The file system of this test may keep no access times: then only what is counted moves.
  const counts = join(here, 'counts');
  writeFileSync(counts, `0.01 ${old}\n500 ${join(data, 'new.bin')}\n`);
  const plan = ['tier', 'plan', data, '--tiers', tiers, '--uses', counts];
  const unmounted = berth(plan);
  assert.deepEqual([unmounted.status, unmounted.stdout], [66, '']);
  assert.match(unmounted.stderr, /the folder of the tier cold, .*\n.*Is its disk mounted/);
  mkdirSync(cold);
  const planned = berth(plan);
  assert.equal(planned.status, 0, planned.stderr);
  assert.match(planned.stdout, /1 to move, 97\.7 KiB; saves unknown a month/);
  assert.match(planned.stdout, /^old\.bin {2}hot {3}cold .* 0\.01 a day/m);
  const before = readFileSync(old);
  const applied = berth([...plan, '--apply', '--json']);
  const [report] = JSON.parse(applied.stdout).folders;
  assert.deepEqual([applied.status, report.moved], [0, [{ path: old, to: 'cold' }]]);
  assert.deepEqual(readdirSync(data).sort(), ['new.bin', 'old.bin.berth.zst']);
  assert.match(berth(plan).stdout, /0 to move/);
  const within = berth(['tier', 'plan', cold, '--tiers', tiers]);
  assert.deepEqual([within.status, within.stdout], [64, '']);
  const restored = berth(['tier', 'restore', old, '--tiers', tiers]);
  assert.deepEqual([restored.status, restored.stdout], [0, `${old} is back\n`]);
  assert.ok(readFileSync(old).equals(before));
  const again = berth(['tier', 'restore', old, '--tiers', tiers]);
  assert.equal(again.status, 1);
  assert.match(again.stdout, /no tier of the document has it/);
});
