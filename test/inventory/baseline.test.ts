import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type Baseline,
  baselineKinds,
  compareBaselines,
  type Measurement,
  spreadOf,
} from '../../src/inventory/baseline.ts';
import { keepBaseline, readBaselines } from '../../src/inventory/io/benchmarks/baseline-store.ts';
import { measureDisk } from '../../src/inventory/io/benchmarks/disk.ts';
import { ScratchFile } from '../../src/inventory/io/benchmarks/scratch-file.ts';
import { takeBaseline } from '../../src/inventory/io/benchmarks/take-baseline.ts';
import { parseFio } from '../../src/inventory/parsers/fio.ts';
import { OperationError } from '../../src/model/errors.ts';

const host = {
  cpu: 'Some CPU',
  threads: 2,
  memoryBytes: 8e9,
  architecture: 'x86_64',
  kernel: '6.18.0',
  disk: 'ext4 /dev/vda',
};
const measured = (over: Partial<Measurement>): Measurement => ({
  name: 'disk-sequential-read',
  method: 'direct',
  repeats: 3,
  min: 90,
  median: 100,
  max: 110,
  note: undefined,
  ...over,
});
const baseline = (
  measurements: readonly Measurement[],
  over: Partial<Baseline> = {},
): Baseline => ({
  takenAt: 1,
  host,
  measurements,
  problems: [],
  ...over,
});

test('the spread of repeats', () => {
  assert.deepEqual(spreadOf([30, 10, 20]), { min: 10, median: 20, max: 30 });
  assert.deepEqual(spreadOf([1, 2, 3, 10]), { min: 1, median: 3, max: 10 });
  assert.equal(spreadOf([]), undefined);
});

const changes: Record<
  string,
  { old?: Partial<Measurement>; now?: Partial<Measurement>; want: string; ratio?: number }
> = {
  'ranges that overlap': {
    old: {},
    now: { min: 105, median: 140, max: 150 },
    want: 'same',
    ratio: 14_000,
  },
  'apart, but within the noise': {
    old: { min: 100, max: 100 },
    now: { min: 104, median: 104, max: 104 },
    want: 'same',
    ratio: 10_400,
  },
  faster: { old: {}, now: { min: 150, median: 200, max: 250 }, want: 'better', ratio: 20_000 },
  slower: { old: {}, now: { min: 40, median: 50, max: 60 }, want: 'worse', ratio: 5000 },
  'less latency is better': {
    old: { name: 'memory-latency' },
    now: { name: 'memory-latency', min: 40, median: 50, max: 60 },
    want: 'better',
    ratio: 5000,
  },
  'another method': {
    old: {},
    now: { method: 'fio', min: 1, median: 1, max: 1 },
    want: 'other-method',
  },
  'a new figure': { now: {}, want: 'new' },
  'a figure that is gone': { old: {}, want: 'gone' },
};
for (const [name, tc] of Object.entries(changes)) {
  test(`compared with the last: ${name}`, () => {
    const of = (m: Partial<Measurement> | undefined) =>
      baseline(m === undefined ? [] : [measured(m)]);
    const { changes: found } = compareBaselines(of(tc.old), of(tc.now));
    assert.equal(found.length, 1);
    assert.equal(found[0]!.verdict, tc.want);
    assert.equal(found[0]!.ratioBp.known ? found[0]!.ratioBp.value : undefined, tc.ratio);
  });
}

test('baselines of two machines are not compared, those of two disks only beside the disk', () => {
  const old = baseline([measured({}), measured({ name: 'memory-latency' })]);
  const machine = compareBaselines(old, { ...old, host: { ...host, cpu: 'Another' } });
  assert.deepEqual(machine, { differs: ['cpu'], changes: [] });
  const disk = compareBaselines(old, {
    ...old,
    host: { ...host, disk: 'xfs /dev/vdb', kernel: '7.0' },
  });
  assert.deepEqual(disk.differs, ['kernel', 'disk']);
  assert.deepEqual(
    disk.changes.map((c) => c.name),
    ['memory-latency'],
  );
});

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'berth-baseline-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('baselines are kept, the newest 52 of them, in a file of the owner', (t) => {
  const state = join(folder(t), 'state');
  assert.deepEqual(readBaselines(state), []);
  for (let i = 0; i < 54; i++) keepBaseline(state, baseline([measured({})], { takenAt: i }));
  const kept = readBaselines(state);
  assert.equal(kept.length, 52);
  assert.deepEqual([kept[0]!.takenAt, kept.at(-1)!.takenAt], [2, 53]);
  assert.deepEqual(kept.at(-1), baseline([measured({})], { takenAt: 53 }));
  assert.equal(statSync(join(state, 'baselines.json')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(state), ['baselines.json']);
});

test('a file that holds something else is told, and left alone', (t) => {
  const state = folder(t);
  writeFileSync(join(state, 'baselines.json'), '[{"takenAt": "yesterday"}]');
  const corrupt = (error: unknown) =>
    error instanceof OperationError && error.code === 'STATE_CORRUPT';
  assert.throws(() => readBaselines(state), corrupt);
  assert.throws(() => keepBaseline(state, baseline([])), corrupt);
  assert.match(readFileSync(join(state, 'baselines.json'), 'utf8'), /yesterday/);
});

test('a scratch file has no name as soon as it exists', (t) => {
  const at = folder(t);
  using scratch = ScratchFile.make(at, 16 * 2 ** 20);
  assert.deepEqual(readdirSync(at), []);
  assert.equal(statSync(scratch.path).size, 16 * 2 ** 20);
  assert.equal(statSync(scratch.path).nlink, 0);
});

test('no room for a scratch file is a failure with its cause', (t) => {
  assert.throws(
    () => ScratchFile.make(folder(t), 2 ** 20),
    (error) => error instanceof OperationError && error.code === 'STATE_FULL',
  );
});

const quick = {
  repeats: 2,
  milliseconds: 20,
  fileBytesMax: 16 * 2 ** 20,
  writtenBytesMax: 16 * 2 ** 20,
};

/** Runs with a PATH of this folder first, so that a fake fio is found or none is. */
async function withPath<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['PATH'];
  process.env['PATH'] = path;
  try {
    return await work();
  } finally {
    process.env['PATH'] = before;
  }
}

test('a whole baseline of this machine', { timeout: 120_000 }, async (t) => {
  const at = folder(t);
  const parts: string[] = [];
  const found = await takeBaseline({
    ...quick,
    folder: at,
    signal: t.signal,
    progress: (part) => parts.push(part),
  });
  assert.deepEqual(found.problems, []);
  assert.deepEqual(parts, ['memory', 'disk', 'loopback', 'process start']);
  const names = found.measurements.map((m) => m.name);
  assert.deepEqual([...names].sort(), Object.keys(baselineKinds).sort());
  for (const m of found.measurements) {
    assert.ok(m.min > 0 && m.min <= m.median && m.median <= m.max, m.name);
    assert.ok(m.repeats <= quick.repeats && m.method !== '', m.name);
  }
  // A rate of memory in bytes per second, a latency in nanoseconds: not off by a thousand.
  const of = (name: string) => found.measurements.find((m) => m.name === name)!.median;
  assert.ok(of('memory-bandwidth-one-thread') > 1e8 && of('memory-bandwidth-one-thread') < 1e12);
  assert.ok(of('memory-latency') > 1 && of('memory-latency') < 1e5);
  assert.ok(of('loopback-round-trip') > 1e3 && of('loopback-round-trip') < 1e8);
  assert.ok(found.host.threads > 0 && found.host.disk !== '');
  assert.deepEqual(readdirSync(at), []);
});

test('a part that fails does not hide the others', { timeout: 60_000 }, async (t) => {
  const found = await takeBaseline({
    ...quick,
    folder: '/proc/no-such-folder',
    signal: t.signal,
    progress: () => {},
  });
  assert.equal(found.problems.length, 1);
  assert.match(found.problems[0]!, /^disk: /);
  assert.equal(
    found.measurements.some((m) => m.name.startsWith('disk')),
    false,
  );
  assert.ok(found.measurements.some((m) => m.name === 'loopback-round-trip'));
});

test('an interrupted baseline ends, and says what is missing', { timeout: 60_000 }, async (t) => {
  const stop = new AbortController();
  const at = folder(t);
  const found = await takeBaseline({
    ...quick,
    milliseconds: 60_000,
    folder: at,
    signal: stop.signal,
    progress: (part) => {
      if (part === 'disk') setTimeout(() => stop.abort(), 50);
      if (part === 'memory') setTimeout(() => stop.abort(), 300);
    },
  });
  assert.ok(found.problems.some((problem) => problem.includes('interrupted')));
  assert.deepEqual(readdirSync(at), []);
});

test('fio is used where it is found, on a file that has no name', {
  timeout: 60_000,
}, async (t) => {
  const bin = folder(t);
  const at = folder(t);
  const output = JSON.stringify({
    jobs: [
      {
        read: { bw_bytes: 2_000_000, iops: 500.4, clat_ns: { mean: 80_000.4 } },
        write: { bw_bytes: 1_000_000, iops: 250.2, clat_ns: { mean: 90_000.4 } },
      },
    ],
  });
  writeFileSync(
    join(bin, 'fio'),
    `#!/bin/sh\nfor a in "$@"; do case "$a" in --filename=*) f="\${a#--filename=}"; [ "$(/usr/bin/stat -Lc %s "$f")" = 16777216 ] || exit 1;; esac; done\necho 'fio: a note'\necho '${output}'\n`,
  );
  chmodSync(join(bin, 'fio'), 0o755);
  const budget = { ...quick, folder: at, signal: t.signal };
  const found = await withPath(bin, () => measureDisk(budget));
  assert.deepEqual(
    found.map((m) => [m?.name, m?.method, m?.median, m?.repeats]),
    [
      ['disk-sequential-write', 'fio', 1_000_000, 2],
      ['disk-sequential-read', 'fio', 2_000_000, 2],
      ['disk-random-write', 'fio-depth-4', 250, 2],
      ['disk-random-write-latency', 'fio-depth-4', 90_000, 2],
      ['disk-random-read', 'fio-depth-4', 500, 2],
      ['disk-random-read-latency', 'fio-depth-4', 80_000, 2],
    ],
  );
});

test('a fio that fails is replaced by our own reads and writes', { timeout: 60_000 }, async (t) => {
  const bin = folder(t);
  writeFileSync(join(bin, 'fio'), '#!/bin/sh\necho nonsense\nexit 1\n');
  chmodSync(join(bin, 'fio'), 0o755);
  const budget = { ...quick, folder: folder(t), signal: t.signal };
  const found = await withPath(bin, () => measureDisk(budget));
  assert.equal(found.filter((m) => m?.method.startsWith('fio')).length, 0);
  assert.equal(found.filter((m) => m !== undefined).length, 6);
});

test('the output of fio', () => {
  const job = {
    read: { bw_bytes: 1500.6, iops: 3.5, clat_ns: { mean: 5.2, percentile: { '99.000000': 9 } } },
    write: { bw_bytes: 0, iops: 0 },
  };
  assert.deepEqual(parseFio(`note\n${JSON.stringify({ jobs: [job] })}`), {
    read: { bytesPerSecond: 1501, operationsPerSecond: 4, meanLatencyNs: 5, p99LatencyNs: 9 },
    write: undefined,
  });
  assert.equal(parseFio(JSON.stringify({ jobs: [{ ...job, error: 22 }] })), undefined);
  assert.equal(parseFio('fio: failed'), undefined);
});
