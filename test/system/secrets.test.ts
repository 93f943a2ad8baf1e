import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const missing = spawnSync('bwrap', ['--version']).status === 0 ? false : 'needs bubblewrap';
const options = { skip: skipSystem === false ? missing : skipSystem, timeout: 120_000 };

test('the value of a secret is in its file and nowhere else', options, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  // Made here, so that it is not in this file, which a command line could name.
  const value = `s${[...'terces-fo-eulav'].reverse().join('')}-${process.pid}`;
  assert.equal((await runBerth(['up', '-d', '--port', '0', '--state', state])).code, 0);
  const set = await runBerth(['secret', 'set', 'alpha', '--state', state], { stdin: `${value}\n` });
  assert.equal(set.code, 0, set.stderr);
  const file = scratch.write(
    'job.json',
    JSON.stringify({
      name: 'uses-a-secret',
      // Its lengths, so that the value is not in its own log.
      run: 'echo $(wc -c < "$BERTH_SECRETS/a") $(printf %s "$ALPHA" | wc -c); echo here',
      isolation: {
        private_tmp: true,
        secrets: [
          { secret: 'alpha', name: 'a' },
          { secret: 'alpha', as: 'environment', name: 'ALPHA' },
        ],
      },
    }),
  );
  const { id } = await berth(state, 'submit', file);
  const logs = await runBerth(['logs', String(id), '--follow', '--state', state]);
  assert.match(logs.stdout, new RegExp(`^${value.length} ${value.length}\nhere`));
  const answers = await Promise.all([
    runBerth(['ps', '--all', '--json', '--state', state]),
    runBerth(['why', String(id), '--json', '--state', state]),
    runBerth(['secret', 'list', '--json', '--state', state]),
    runBerth(['status', '--json', '--state', state]),
  ]);
  for (const { stdout, stderr } of answers) assert.ok(!`${stdout}${stderr}`.includes(value));
  assert.equal((await runBerth(['down', '--state', state])).code, 0);
  const found = spawnSync('grep', ['-rlFa', value, state], { encoding: 'utf8' });
  assert.equal(found.stdout, `${join(state, 'secrets', 'alpha')}\n`);
  assert.deepEqual(
    readdirSync('/dev/shm').filter((name) => holds(`/dev/shm/${name}`, value)),
    [],
  );
});

function holds(path: string, value: string): boolean {
  return spawnSync('grep', ['-rqFa', value, path]).status === 0;
}

test('while the task runs, no command line has the value', options, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const value = `s${[...'eulav-gninnur'].reverse().join('')}-${process.pid}`;
  assert.equal((await runBerth(['up', '-d', '--port', '0', '--state', state])).code, 0);
  await runBerth(['secret', 'set', 'alpha', '--state', state], { stdin: value });
  const secrets = [{ secret: 'alpha', as: 'environment', name: 'ALPHA' }];
  const file = scratch.write(
    'job.json',
    JSON.stringify({
      name: 'held',
      run: 'for pid in $(ls /proc | grep -E "^[0-9]+$"); do tr "\\0" " " < /proc/$pid/cmdline 2>/dev/null; echo; done > seen; grep -cF "$ALPHA" seen',
      cwd: scratch.dir,
      isolation: { no_new_privileges: true, secrets },
    }),
  );
  const done = await runBerth(['run', file, '--json', '--state', state]);
  const [attempt] = JSON.parse(done.stdout).steps[0].attempts;
  const log = readFileSync(join(state, 'attempts', attempt.id, 'stdout.log'), 'utf8');
  // grep itself is started after they were read.
  assert.equal(log, '0\n');
  await runBerth(['down', '--state', state]);
});

const call = `perl -e 'use IO::Socket::INET; my ($h, $p) = $ENV{BERTH_URL} =~ m{//([^:/]+):([0-9]+)};
for my $path (@ARGV) { my ($m, $u) = split / /, $path;
my $s = IO::Socket::INET->new(PeerAddr => $h, PeerPort => $p) or die "no";
print $s "$m $u HTTP/1.0\\r\\nHost: $h:$p\\r\\nAuthorization: Bearer $ENV{BERTH_TOKEN}\\r\\nContent-Length: 0\\r\\n\\r\\n";
my $l = <$s>; print $l }' "GET /api/v1/status" "POST /api/v1/shutdown"; echo "token $BERTH_TOKEN"`;

test(
  'a task that may call the daemon has a token that is good for work, and while it runs',
  options,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    assert.equal((await runBerth(['up', '-d', '--port', '0', '--state', state])).code, 0);
    const file = scratch.write(
      'job.json',
      JSON.stringify({ name: 'calls', run: call, isolation: { daemon_access: true } }),
    );
    const done = await runBerth(['run', file, '--json', '--state', state]);
    const [attempt] = JSON.parse(done.stdout).steps[0].attempts;
    const log = readFileSync(join(state, 'attempts', attempt.id, 'stdout.log'), 'utf8');
    const [status, shutdown, last] = log.trim().split('\n');
    assert.match(status!, / 200 /, log);
    assert.match(shutdown!, / 403 /, log);
    const token = last!.replace('token ', '');
    const { url } = await berth(state, 'status');
    const again = execFileSync(
      'perl',
      ['-e', call.slice(call.indexOf('use IO'), call.indexOf(`' "GET`)), 'GET /api/v1/status'],
      { encoding: 'utf8', env: { ...process.env, BERTH_URL: url, BERTH_TOKEN: token } },
    );
    assert.match(again, / 401 /);
    await runBerth(['down', '--state', state]);
  },
);
