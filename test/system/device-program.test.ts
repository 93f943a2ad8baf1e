import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hex } from '../../src/base/hex.ts';
import { type DeviceAccess, deviceProgram } from '../../src/execution/device-program.ts';
import { skipSystem } from '../builders/system-suite.ts';

const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
const missing = mount === undefined ? 'needs a mount of cgroup v2' : false;
const options = { skip: skipSystem === false ? missing : skipSystem, timeout: 60_000 };
const LAUNCHER = join(import.meta.dirname, '../../src/execution/io/local');

/** What a process in a group with this program can open of null, zero and full, and whether it can make a file. */
function found(t: TestContext, access: DeviceAccess): string[] {
  const group = join(mount!, `berth-devices-${process.pid}`);
  mkdirSync(group);
  t.after(() => rmdirSync(group));
  const attach =
    'require "$ARGV[0]/host.pl"; require "$ARGV[0]/terms.pl";' +
    'my $why = attachDevices($ARGV[1], pack "H*", $ARGV[2]); die "$why\\n" if defined $why;' +
    'open my $procs, ">", "$ARGV[1]/cgroup.procs" or die "$!\\n"; syswrite $procs, $$;' +
    'for (qw(null zero full)) { open my $f, "<", "/dev/$_" and print "$_\\n" }' +
    'my $file = "/tmp/berth-node-$$"; print "mknod\\n" if 0 == system "mknod", $file, qw(c 1 3); unlink $file;';
  const args = ['-e', attach, LAUNCHER, group, hex(deviceProgram(access))];
  const { stdout, stderr, status } = spawnSync('perl', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim().split('\n');
}

test('a group opens what is on its list, and makes no device files', options, (t) => {
  assert.deepEqual(found(t, { list: 'allowed', devices: ['c 1:5', 'c 136:*'] }), ['zero']);
});

test('a group opens all but what is closed to it', options, (t) => {
  const access: DeviceAccess = { list: 'closed', devices: ['c 1:5', 'b 254:0'] };
  assert.deepEqual(found(t, access), ['null', 'full', 'mknod']);
});
