import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endOf, parseRecord, recordFields } from '../../src/execution/attempt-record.ts';
import {
  asAttemptId,
  decodeLine,
  encodeLine,
  parseLauncherMessage,
} from '../../src/execution/launcher-protocol.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';

const signalName = (n: number): string => `SIG${n}`;
const end = (...fields: string[]): AttemptEnd => endOf(recordFields(fields), signalName);

test('fields come back from a line as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (fields) => {
      const line = encodeLine(fields);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.deepEqual(decodeLine(line.slice(0, -1)), fields);
    }),
  );
});

const messages: Record<string, { fields: string[]; want: RegExp | undefined; cause: string }> = {
  'nothing to say': { fields: ['cause=succeeded', 'code=0'], want: undefined, cause: 'succeeded' },
  'a failed start': {
    fields: ['cause=start-failed', 'message=No such file or directory: x'],
    want: /^No such file or directory: x\.$/,
    cause: 'start-failed',
  },
  'killed for memory': {
    fields: ['cause=oom-killed', 'oom=2', 'limit=67108864'],
    want: /^The kernel killed 2 processes for memory at the limit of 64 MiB\.$/,
    cause: 'oom-killed',
  },
  'killed for memory without a limit of its own': {
    fields: ['cause=oom-killed', 'oom=1'],
    want: /^The kernel killed 1 process for memory\.$/,
    cause: 'oom-killed',
  },
  'killed by the watchdog': {
    fields: ['cause=oom-killed', 'watched=83886080', 'limit=67108864'],
    want: /^It used 80 MiB of a limit of 64 MiB, and the watchdog killed it\.$/,
    cause: 'oom-killed',
  },
  'too long': {
    fields: ['cause=timed-out', 'wallmax=1500'],
    want: /^It ran longer than its limit of 1\.5 s\.$/,
    cause: 'timed-out',
  },
  'a limit of time that was not reached': {
    fields: ['cause=failed', 'wallmax=1500'],
    want: undefined,
    cause: 'failed',
  },
  'forks refused and log lost': {
    fields: ['cause=failed', 'refused=1', 'lostlog=7'],
    want: /^Its limit of processes refused 1 fork\. 7 bytes of its log could not be written\.$/,
    cause: 'failed',
  },
  'left over': {
    fields: ['cause=failed', 'unkilled=1', 'leaked=2'],
    want: /^1 process could not be killed\. 2 cgroups could not be removed\.$/,
    cause: 'failed',
  },
  lost: {
    fields: ['cause=lost', 'message=its shim is gone'],
    want: /^No record of its end could be found: its shim is gone\.$/,
    cause: 'lost',
  },
  'never begun': {
    fields: ['cause=lost', 'unstarted=1', 'message=No space left on device: x'],
    want: /^It could not be started: No space left on device: x\.$/,
    cause: 'lost',
  },
  'a cause of another version': {
    fields: ['cause=vanished'],
    want: /the record is unreadable/,
    cause: 'lost',
  },
};
for (const [name, tc] of Object.entries(messages)) {
  test(`an end says: ${name}`, () => {
    const found = end(...tc.fields);
    assert.equal(found.cause, tc.cause);
    if (tc.want === undefined) assert.equal('message' in found, false);
    else assert.match(found.message ?? '', tc.want);
  });
}

test('what a record does not say is absent, and garbage is not a number', () => {
  const found = end(
    'cause=failed',
    'code=x',
    'wall=-1',
    'cpu=1e3',
    'peak=',
    'log=99999999999999999',
  );
  assert.deepEqual(found, {
    cause: 'failed',
    usage: {},
    enforced: { driver: 'unknown', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  });
});

test('all that a record says is there', () => {
  const found = end(
    ...['cause=signalled', 'signal=11', 'wall=5', 'cpu=4', 'peak=3', 'log=2', 'held-by=cgroup-v2'],
    ...['cpu-by=quota', 'memory-by=kernel', 'pids-by=none', 'note=a=b', 'note=c'],
  );
  assert.deepEqual(found, {
    cause: 'signalled',
    signal: 'SIG11',
    usage: { wallMs: 5, cpuMs: 4, memoryPeak: 3, logBytes: 2 },
    enforced: {
      driver: 'cgroup-v2',
      cpu: 'quota',
      memory: 'kernel',
      pids: 'none',
      notes: ['a=b', 'c'],
    },
  });
});

test('a record that was cut anywhere is either whole or has no end', () => {
  const of = asAttemptId('1.a.0.1')!;
  const text = `start\t${of}\tboot=b\tshim=1\ntask\t${of}\tpid=2\nended\t${of}\tcause=failed\tcode=3\n`;
  for (let cut = 0; cut < text.length; cut++) {
    assert.equal(parseRecord(text.slice(0, cut), of).ended, undefined, text.slice(0, cut));
  }
  const { start, task, ended } = parseRecord(text, of);
  assert.deepEqual([start.get('boot'), task.get('pid')], [['b'], ['2']]);
  assert.equal(endOf(ended!, signalName).exitCode, 3);
  // An end that was written behind a line that was cut off.
  assert.notEqual(parseRecord(`start\tbo\nended\t${of}\tcause=lost\n`, of).ended, undefined);
});

test('of a record that attempts share, each has its own lines', () => {
  const [a, b, c] = [1, 2, 3].map((n) => asAttemptId(`1.a.${n}.1`));
  const text = `start\t${a}\tboot=a\nended\t${a}\tcause=failed\nstart\t${b}\tboot=b\n`;
  assert.deepEqual(parseRecord(text, a!).ended?.get('cause'), ['failed']);
  assert.deepEqual(parseRecord(text, b!).start.get('boot'), ['b']);
  assert.equal(parseRecord(text, b!).ended, undefined);
  assert.equal(parseRecord(text, c!).start.size, 0);
});

test('messages that are not understood are nothing', () => {
  for (const line of [
    '',
    'what\t1.a.0.1',
    'ended\t../x',
    'started',
    'owns\tx',
    'ended\t01.a.00.1',
  ]) {
    assert.equal(parseLauncherMessage(line), undefined, line);
  }
  assert.deepEqual(parseLauncherMessage('started\t1.a.0.1\t42\tterm=nice:kernel:nice 5'), {
    kind: 'started',
    attempt: '1.a.0.1',
    pid: 42,
    fields: ['term=nice:kernel:nice 5'],
  });
  assert.equal(asAttemptId('1.a.0.1/..'), undefined);
});
