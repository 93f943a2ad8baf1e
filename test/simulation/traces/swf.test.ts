import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceJob } from '../../../src/simulation/trace.ts';
import { swf } from '../../../src/simulation/traces/swf.ts';
import type { ReadOptions } from '../../../src/simulation/traces/trace-format.ts';
import { traceSource, withoutTrace } from '../../builders/trace-data.ts';
import { node } from '../../builders/workload.ts';

/** job submit wait run allocated cpu memory requested time kb status user group app queue partition before think */
const row = (
  changes: Partial<
    Record<
      'id' | 'submit' | 'run' | 'allocated' | 'requested' | 'time' | 'kb' | 'user' | 'app',
      string | number
    >
  > = {},
): string => {
  const { id = 1, submit = 0, run = 100, allocated = 4, requested = 4, time = 200 } = changes;
  const { kb = -1, user = 7, app = -1 } = changes;
  return [
    id,
    submit,
    0,
    run,
    allocated,
    -1,
    -1,
    requested,
    time,
    kb,
    1,
    user,
    1,
    app,
    -1,
    -1,
    -1,
    -1,
  ].join(' ');
};

function read(text: string, options: ReadOptions = {}) {
  const found = swf.read([{ file: 'log.swf', text }], options);
  assert.ok(found.ok, JSON.stringify(found));
  return { ...found.trace, jobs: [...found.trace.jobs] };
}

const seen = ({ at, runMs, tenant, spec }: TraceJob) => {
  const [step] = spec.steps;
  const { request, estimateMs, count, gangMin } = step!;
  return {
    at,
    runMs,
    tenant,
    estimateMs,
    cpu: request.cpu,
    ...(request.memory > 0 && { memory: request.memory }),
    ...(count > 1 && { count, gangMin }),
    ...(spec.name !== 'job' && { name: spec.name }),
  };
};
const plain = { at: 0, runMs: 100_000, tenant: 'user-7', estimateMs: 200_000, cpu: 4_000 };

const rows: Record<string, { text: string; options?: ReadOptions; want: object }> = {
  'as it is written': { text: row(), want: plain },
  'processors as requested, not as allocated': {
    text: row({ requested: 2, allocated: 4 }),
    want: { ...plain, cpu: 2_000 },
  },
  'processors as allocated where none are requested': {
    text: row({ requested: -1, allocated: 3 }),
    want: { ...plain, cpu: 3_000 },
  },
  'a run is cut to the requested time': {
    text: row({ run: 300, time: 200 }),
    want: { ...plain, runMs: 200_000 },
  },
  'without a requested time it is the run time': {
    text: row({ time: -1 }),
    want: { ...plain, estimateMs: 100_000 },
  },
  'a user that is not known': { text: row({ user: -1 }), want: { ...plain, tenant: 'unknown' } },
  'memory of each processor': {
    text: row({ kb: 1024 }),
    want: { ...plain, memory: 4 * 1024 ** 2 },
  },
  'an application is a name': { text: row({ app: 3 }), want: { ...plain, name: 'app-3' } },
  'parts of seconds': { text: row({ run: 0.5 }), want: { ...plain, runMs: 500 } },
  'tabs and line ends of Windows': {
    text: `${row().replaceAll(' ', '\t')}\r\n`,
    want: plain,
  },
  'split over nodes as equal tasks, as few as there can be': {
    text: row({ requested: 12 }),
    options: { nodes: [node('a', { cpu: 8_000 }), node('b', { cpu: 8_000 })] },
    want: { ...plain, cpu: 6_000, count: 2, gangMin: 2 },
  },
};
for (const [name, { text, options, want }] of Object.entries(rows)) {
  test(`SWF: ${name}`, () => {
    const { jobs } = read(text, options);
    assert.deepEqual(jobs.map(seen), [want]);
  });
}

test('SWF: nodes are of the header, of the option before that, or not known', () => {
  const header = '; MaxNodes: 64\n; MaxProcs: 128\n';
  const cores = (text: string, options?: ReadOptions) =>
    read(text, options).nodes?.map(({ cpu }) => cpu / 1000);
  assert.deepEqual(cores(`${header}${row()}`), [128]);
  assert.deepEqual(cores(`; MaxNodes: 64\n${row()}`), [64]);
  assert.deepEqual(cores(`${header}${row()}`, { procs: 16 }), [16]);
  assert.equal(cores(row()), undefined);
});

test('SWF: what cannot be replayed is counted by reason, with the first line of each', () => {
  const text = [
    '; a comment',
    row({ id: 1 }),
    row({ id: 2, run: 0 }),
    row({ id: 3, requested: 17 }),
    row({ id: 4, run: -1 }),
    row({ id: 5, requested: -1, allocated: 0 }),
    row({ id: 6, submit: -1 }),
    'what is this',
    row({ id: 7 }),
  ].join('\n');
  const { jobs, count, skipped } = read(text, { procs: 16 });
  assert.deepEqual(
    jobs.map(({ id }) => id),
    ['1', '7'],
  );
  assert.equal(count, 2);
  assert.deepEqual(skipped, [
    { why: 'no run time', count: 2, line: 3 },
    { why: 'larger than the machine', count: 1, line: 4 },
    { why: 'no processors', count: 1, line: 6 },
    { why: 'no submit time', count: 1, line: 7 },
    { why: 'not a row of 18 numbers', count: 1, line: 8 },
  ]);
});

test('SWF: by time, then by number; the limit takes the first of them', () => {
  const text = [row({ id: 10, submit: 5 }), row({ id: 9, submit: 5 }), row({ id: 11, submit: 1 })];
  assert.deepEqual(
    read(text.join('\n')).jobs.map(({ id }) => id),
    ['11', '9', '10'],
  );
  const first = read(text.join('\n'), { limit: 2 });
  assert.deepEqual(
    first.jobs.map(({ id }) => id),
    ['11', '9'],
  );
  assert.equal(first.count, 2);
});

test('SWF: a job number that comes again gets a name of its own', () => {
  const { jobs } = read([row(), row({ submit: 1 }), row({ submit: 2 })].join('\n'));
  assert.deepEqual(
    jobs.map(({ id }) => id),
    ['1', '1#2', '1#3'],
  );
});

test('SWF: a file without jobs says what it has instead, and where', () => {
  const wrong = swf.read([{ file: 'x.swf', text: '; head\nname,value\n1,2\n' }], {});
  assert.ok(!wrong.ok);
  const [first] = wrong.issues;
  assert.deepEqual([first!.file, first!.line, first!.column], ['x.swf', 2, 1]);
  const none = swf.read([{ file: 'x.swf', text: `${row({ run: 0 })}\n` }], {});
  assert.ok(!none.ok);
  assert.match(none.issues[0]!.message, /no run time \(1, first in line 1\)/);
});

const logs = {
  'swf/KTH-SP2-1996-2.1-cln.swf.gz': [27_992, 100],
  'swf/lublin_256.swf.gz': [10_000, 256],
} as const;
for (const [name, [count, procs]] of Object.entries(logs)) {
  test(`SWF: ${name} has the jobs that the published figures are of`, {
    skip: withoutTrace(name),
  }, () => {
    const source = traceSource(name);
    const found = swf.read([source], {});
    assert.ok(found.ok);
    assert.equal(found.trace.count, count);
    assert.deepEqual(found.trace.skipped, []);
    assert.deepEqual(
      found.trace.nodes!.map(({ cpu }) => cpu),
      [procs * 1000],
    );
    const want = plainly(source.text, procs).slice(0, 1_000);
    const limited = swf.read([source], { procs, limit: 1_000 });
    assert.ok(limited.ok);
    assert.deepEqual(
      [...limited.trace.jobs].map(({ id, at, runMs, spec }) => ({
        id: Number(id),
        submitMs: at,
        runMs,
        processors: spec.steps[0]!.request.cpu / 1000,
        requestedMs: spec.steps[0]!.estimateMs,
      })),
      want,
    );
  });
}

/** The same, as plainly as it can be written. */
function plainly(text: string, procs: number) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith(';'))
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map((field) => {
      const requested = field[8]! > 0 ? field[8]! : field[3]!;
      return {
        id: field[0]!,
        submitMs: field[1]! * 1000,
        runMs: Math.min(field[3]!, requested) * 1000,
        processors: field[7]! > 0 ? field[7]! : field[4]!,
        requestedMs: requested * 1000,
      };
    })
    .filter(({ runMs, processors }) => runMs > 0 && processors > 0 && processors <= procs)
    .sort((a, b) => a.submitMs - b.submitMs || a.id - b.id);
}
