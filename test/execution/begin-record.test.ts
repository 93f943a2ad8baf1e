import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const LAUNCHER = join(import.meta.dirname, '../../src/execution/io/local');
const options = { skip: process.platform === 'linux' ? false : 'needs Linux' };

/** What a shim that is given 1.a.0.1 and then 1.a.0.2 says of each: whether it begins it. */
function begins(t: TestContext, ...there: readonly string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-begin-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const name of there) writeFileSync(join(dir, name), '');
  const script =
    'our ($attemptsDir, $bootId, $shimStart); ($attemptsDir, $bootId, $shimStart) = ($ARGV[1], "boot", 1);' +
    'require "$ARGV[0]/$_" for qw(host.pl terms.pl shim.pl);' +
    'my %shared = (held => { note => [], term => [] }, dirs => {}, report => \\*STDOUT);' +
    'my $s = { %shared, id => "1.a.0.1" }; my @begun = beginRecord($s) ? 1 : 0;' +
    '$s->{id} = "1.a.0.2"; push @begun, beginRecord($s) ? 1 : 0;' +
    'flushReports(\\*STDOUT); print "begun @begun\\n";';
  const done = spawnSync('perl', ['-e', script, LAUNCHER, dir], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  return { told: done.stdout.trim().split('\n'), files: readdirSync(dir).sort(), dir };
}

test('who makes the record begins the attempt', options, (t) => {
  const { told, dir } = begins(t);
  assert.deepEqual(told, ['begun 1 1']);
  assert.ok(existsSync(join(dir, '1.a.0.1.record')));
});

test('an attempt that somebody else has begun is not begun again', options, (t) => {
  const { told } = begins(t, '1.a.0.1.record');
  assert.deepEqual(told, ['exists\t1.a.0.1', 'begun 0 1']);
});

test(
  'nor one that ended and was settled since the launcher looked, and no record of it stays',
  options,
  (t) => {
    const first = begins(t, '1.a.0.1.settled');
    assert.deepEqual(first.told, ['exists\t1.a.0.1', 'begun 0 1']);
    assert.deepEqual(first.files, ['1.a.0.1.settled', '1.a.0.2.record']);
    const second = begins(t, '1.a.0.2.settled');
    assert.deepEqual(second.told, ['exists\t1.a.0.2', 'begun 1 0']);
    assert.deepEqual(second.files, ['1.a.0.1.record', '1.a.0.2.settled']);
  },
);

test('one that was settled is not recorded as never begun', options, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-begin-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, '1.a.0.1.settled'), 'what became of it');
  writeFileSync(join(dir, '1.a.0.2.record'), 'it runs');
  const script =
    'our $attemptsDir = $ARGV[1]; require "$ARGV[0]/host.pl";' +
    'print recordUnstarted("1.a.0.$_") // "no\\n" for 1 .. 3;';
  const done = spawnSync('perl', ['-e', script, LAUNCHER, dir], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^no\nno\nended\t1\.a\.0\.3\tcause=unstarted\tended=\d+\tsaved=1\n$/);
  const files = ['1.a.0.1.settled', '1.a.0.2.record', '1.a.0.3.record'];
  assert.deepEqual(readdirSync(dir).sort(), files);
});

test(
  'what a process of the same number left when it was killed is not taken for the record',
  options,
  (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'berth-begin-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const script =
      'our $attemptsDir = $ARGV[1]; require "$ARGV[0]/host.pl";' +
      'spit(unstartedPath($$), encode("ended", "1.a.0.8", "cause=unstarted")); print recordUnstarted("1.a.0.9");';
    const done = spawnSync('perl', ['-e', script, LAUNCHER, dir], { encoding: 'utf8' });
    assert.match(
      done.stdout,
      /^ended\t1\.a\.0\.9\tcause=unstarted\tended=\d+\tsaved=1\n$/,
      done.stderr,
    );
    assert.deepEqual(readdirSync(dir), ['1.a.0.9.record']);
    assert.match(readFileSync(join(dir, '1.a.0.9.record'), 'utf8'), /^ended\t1\.a\.0\.9\t/);
  },
);

test('an undertaker leaves alone who lives, and whose end is settled', options, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-begin-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const text = readFileSync('/proc/self/stat', 'utf8');
  const began = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  const start = (id: string, shimStart: string | undefined): void => {
    const line = `start\t${id}\tboot=boot\tshim=${process.pid}\tshimstart=${shimStart}\n`;
    writeFileSync(join(dir, `${id}.record`), line);
  };
  start('1.a.0.1', began);
  start('1.a.0.2', '1');
  start('1.a.0.4', '1');
  writeFileSync(join(dir, '1.a.0.4.settled'), 'what became of it');
  writeFileSync(join(dir, '1.a.0.3.settled'), 'what became of it');
  const bury = (id: string, after?: string): string => {
    const script =
      'our ($attemptsDir, $bootId); ($attemptsDir, $bootId) = ($ARGV[1], "boot");' +
      'require "$ARGV[0]/$_" for qw(host.pl terms.pl isolation.pl shim.pl);' +
      'bury($ARGV[2], \\*STDOUT, "its shim is gone", $ARGV[3]);';
    const args = ['-e', script, LAUNCHER, dir, id, ...(after === undefined ? [] : [after])];
    const done = spawnSync('perl', args, { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  };
  assert.equal(bury('1.a.0.1'), 'exists\t1.a.0.1\n', 'its shim lives');
  assert.match(bury('1.a.0.2'), /^ended\t1\.a\.0\.2\tcause=lost\t/, 'a later process has its pid');
  for (const after of [undefined, '1.a.0.2']) {
    assert.equal(bury('1.a.0.3', after), 'exists\t1.a.0.3\n', 'its end is settled');
  }
  assert.equal(
    bury('1.a.0.4'),
    'exists\t1.a.0.4\n',
    'its end is settled, and nobody began it again',
  );
  const files = ['1.a.0.1.record', '1.a.0.2.record', '1.a.0.3.settled', '1.a.0.4.settled'];
  assert.deepEqual(readdirSync(dir).sort(), files);
});
