import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sacct } from '../../../src/simulation/traces/sacct.ts';
import {
  readSlurmMemory,
  readSlurmSpan,
  readTres,
} from '../../../src/simulation/traces/slurm-values.ts';
import type { ReadOptions } from '../../../src/simulation/traces/trace-format.ts';
import { node } from '../../builders/workload.ts';

const spans: Record<string, number | undefined> = {
  '1-02:03:04': 93_784,
  '02:03:04': 7_384,
  '03:04': 184,
  '00:00:00': 0,
  '10:00:00.500': 36_000.5,
  '2-12': 216_000,
  '2-12:30': 217_800,
  '45': 45,
  UNLIMITED: undefined,
  Partition_Limit: undefined,
  INVALID: undefined,
  '': undefined,
  '1:2:3:4': undefined,
  '-5': undefined,
  '999999-00:00:00': undefined,
};
for (const [text, want] of Object.entries(spans)) {
  test(`a time of Slurm: '${text}'`, () => assert.equal(readSlurmSpan(text), want));
}

const memories: Record<string, number | undefined> = {
  '64G': 64 * 2 ** 30,
  '1.5T': 1.5 * 2 ** 40,
  '4000': 4_000 * 2 ** 20,
  '0': 0,
  '12K': 12_288,
  '?': undefined,
};
for (const [text, want] of Object.entries(memories)) {
  test(`memory of Slurm: '${text}'`, () => assert.equal(readSlurmMemory(text), want));
}

test('trackable resources', () => {
  assert.deepEqual(readTres('billing=8,cpu=8,gres/gpu:a100=2,gres/gpu=2,mem=64G,node=2'), {
    cpu: 8,
    gpus: 2,
    gpuModel: 'a100',
    memory: 64 * 2 ** 30,
    nodes: 2,
  });
  assert.deepEqual(readTres('cpu=4,gres/gpu:h100=1,gres/gpu:a100=2'), {
    cpu: 4,
    gpus: 3,
    gpuModel: 'h100',
  });
  assert.deepEqual(readTres(''), {});
  assert.deepEqual(readTres('cpu=many,=,node'), {});
});

const head =
  'JobID|User|JobName|Partition|Account|State|Submit|Eligible|Start|End|Elapsed|Timelimit|NNodes|ReqTRES|AllocTRES';
type Cells = Partial<Record<string, string>>;
const row = (cells: Cells = {}): string => {
  const all: Cells = {
    JobID: '100',
    User: 'ada',
    JobName: 'train',
    State: 'COMPLETED',
    Submit: '2026-01-01T00:00:00',
    Elapsed: '01:00:00',
    Timelimit: '02:00:00',
    ReqTRES: 'billing=8,cpu=8,mem=16G,node=1',
    ...cells,
  };
  return head
    .split('|')
    .map((name) => all[name] ?? '')
    .join('|');
};
const START = Date.parse('2026-01-01T00:00:00Z');

function read(rows: readonly string[], options: ReadOptions = {}, first = head) {
  const found = sacct.read([{ file: 'dump.txt', text: [first, ...rows, ''].join('\n') }], options);
  assert.ok(found.ok, JSON.stringify(found));
  return { ...found.trace, jobs: [...found.trace.jobs] };
}

const GIB = 2 ** 30;
const jobs: Record<string, { cells: Cells; options?: ReadOptions; want: Record<string, unknown> }> =
  {
    'what was requested, not what was allocated': {
      cells: { AllocTRES: 'cpu=64,mem=256G,node=1' },
      want: { cpu: 8_000, memory: 16 * GIB },
    },
    'what was allocated, where the request is not told': {
      cells: { ReqTRES: '', AllocTRES: 'cpu=64,mem=256G,node=1' },
      want: { cpu: 64_000, memory: 256 * GIB },
    },
    'a task on each node': {
      cells: { ReqTRES: 'cpu=128,gres/gpu=16,mem=64G,node=2' },
      want: { cpu: 64_000, memory: 32 * GIB, gpu: 8_000, tasks: 2 },
    },
    'a model of GPU': {
      cells: { ReqTRES: 'cpu=8,gres/gpu:a100=1,mem=16G,node=1' },
      want: { gpu: 1_000, models: ['a100'] },
    },
    'the time limit is what the user said': {
      cells: { Timelimit: '1-00:00:00' },
      want: { estimateMs: 86_400_000 },
    },
    'no time limit': { cells: { Timelimit: 'UNLIMITED' }, want: { estimateMs: undefined } },
    'the limit of the partition, which nobody knows': {
      cells: { Timelimit: 'Partition_Limit' },
      want: { estimateMs: undefined },
    },
    'a run is cut to its limit': {
      cells: { State: 'TIMEOUT', Elapsed: '02:00:17' },
      want: { runMs: 7_200_000, outcome: 'failed' },
    },
    'it comes when it became eligible': {
      cells: { Eligible: '2026-01-01T00:10:00' },
      want: { at: START + 600_000 },
    },
    'it failed': { cells: { State: 'FAILED' }, want: { outcome: 'failed' } },
    'somebody cancelled it while it ran': {
      cells: { State: 'CANCELLED by 1000' },
      want: { runMs: 3_600_000 },
    },
    'a member of an array': { cells: { JobID: '100_7' }, want: { id: '100_7' } },
    'by start and end': {
      cells: { Elapsed: '', Start: '2026-01-01T01:00:00', End: '2026-01-01T01:30:00' },
      want: { runMs: 1_800_000 },
    },
    'on smaller nodes it is split': {
      cells: {},
      options: { nodes: [node('a', { cpu: 4_000 }), node('b', { cpu: 4_000 })] },
      want: { cpu: 4_000, memory: 8 * GIB, tasks: 2 },
    },
  };
for (const [name, { cells, options, want }] of Object.entries(jobs)) {
  test(`sacct: ${name}`, () => {
    const [job] = read([row(cells)], options).jobs;
    const [step] = job!.spec.steps;
    const got: Record<string, unknown> = {
      id: job!.id,
      at: job!.at,
      runMs: job!.runMs,
      cpu: step!.request.cpu,
      memory: step!.request.memory,
      gpu: step!.request.gpu,
      tasks: step!.gangMin ?? 1,
      models: step!.constraints?.gpuModels,
      estimateMs: step!.estimateMs,
      outcome: job!.truth?.({ step: 'main', index: 0, attempt: 1 }).outcome ?? 'succeeded',
    };
    assert.deepEqual(got, {
      id: '100',
      at: START,
      runMs: 3_600_000,
      cpu: 8_000,
      memory: 16 * GIB,
      gpu: 0,
      tasks: 1,
      models: undefined,
      estimateMs: 7_200_000,
      outcome: 'succeeded',
      ...want,
    });
    assert.equal(job!.tenant, 'ada');
    assert.equal(job!.spec.name, 'train');
  });
}

test('sacct: steps, what had not ended and what the site stopped are left out and counted', () => {
  const { jobs: kept, skipped } = read([
    row(),
    row({ JobID: '100.batch', User: '' }),
    row({ JobID: '100.0', User: '' }),
    row({ JobID: '101', State: 'RUNNING' }),
    row({ JobID: '102_[1-10%2]', State: 'PENDING', Elapsed: '00:00:00' }),
    row({ JobID: '103', State: 'CANCELLED by 7', Elapsed: '00:00:00' }),
    row({ JobID: '104', State: 'NODE_FAIL' }),
    row({ JobID: '105', Submit: 'Unknown' }),
    row({ JobID: '106', ReqTRES: '' }),
    row({ JobID: '107', State: 'REQUEUED' }),
    row({ JobID: '107' }),
  ]);
  assert.deepEqual(
    kept.map(({ id }) => id),
    ['100', '107'],
  );
  assert.deepEqual(skipped, [
    { why: 'a step of a job', count: 2, line: 3 },
    { why: 'it had not ended', count: 1, line: 5 },
    { why: 'it had not started', count: 1, line: 6 },
    { why: 'no run time', count: 1, line: 7 },
    { why: 'stopped by the site', count: 1, line: 8 },
    { why: 'no submit time', count: 1, line: 9 },
    { why: 'no resources', count: 1, line: 10 },
    { why: 'requeued: it comes again', count: 1, line: 11 },
  ]);
});

test('sacct: other columns, another order, another delimiter, a delimiter at the end', () => {
  const { jobs: kept } = read(
    ['2026-01-01T00:00:00,60,9,4,4Gc,5,', '2026-01-01T00:00:00,61,8,2,8Gn,30,'],
    {},
    'Submit,ElapsedRaw,JobID,AllocCPUS,ReqMem,TimelimitRaw,',
  );
  assert.deepEqual(
    kept.map(
      ({
        id,
        runMs,
        tenant,
        spec: {
          steps: [step],
        },
      }) => [id, runMs, tenant, step!.request.cpu, step!.request.memory / GIB, step!.estimateMs],
    ),
    [
      ['8', 61_000, 'unknown', 2_000, 8, 1_800_000],
      ['9', 60_000, 'unknown', 4_000, 16, 300_000],
    ],
  );
});

const wrong: Record<string, { text: string; says: RegExp; line: number }> = {
  'no times': {
    text: 'JobID|Submit|ReqTRES\n1|2026-01-01T00:00:00|cpu=1\n',
    says: /no column `Elapsed`/,
    line: 1,
  },
  'no amounts': { text: 'JobID|Submit|Elapsed\n', says: /no column `ReqTRES`/, line: 1 },
  'no rows': { text: `${head}\n`, says: /it has no rows/, line: 1 },
  'rows of something else': { text: `${head}\nhello\nworld\n`, says: /no job number/, line: 2 },
};
for (const [name, { text, says, line }] of Object.entries(wrong)) {
  test(`sacct: a dump with ${name} says so`, () => {
    const found = sacct.read([{ file: 'dump.txt', text }], {});
    assert.ok(!found.ok);
    assert.match(found.issues[0]!.message, says);
    assert.equal(found.issues[0]!.line, line);
  });
}
