import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Status, Why } from '../../src/api/contract/documents.ts';
import { renderWorkloads } from '../../src/cli/commands/ps.ts';
import { renderStatus } from '../../src/cli/commands/status.ts';
import { renderWhy } from '../../src/cli/commands/why.ts';
import { estimateRemaining, stepEstimate } from '../../src/cli/estimate.ts';
import { renderOutcome } from '../../src/cli/outcome.ts';
import { renderProgress } from '../../src/cli/progress.ts';
import { progressLog } from '../../src/cli/progress-log.ts';
import { displayWidth } from '../../src/cli/text.ts';
import {
  attempt,
  busyWorkload,
  cgroup,
  ended,
  MiB,
  step,
  summary,
  T0,
  tasks,
  workload,
} from './documents.ts';

const plain = { width: 80, colour: 'none', unicode: true } as const;
const wide = { width: 120, colour: 'none', unicode: true } as const;
const ascii = { width: 80, colour: 'none', unicode: false } as const;
const colour = { width: 80, colour: 'basic', unicode: true } as const;

function assertLines(lines: readonly string[], want: string): void {
  assert.equal(lines.join('\n'), want.replace(/^\n/, '').replace(/\n$/, ''));
}

test('progress at 80 columns', () => {
  assertLines(
    renderProgress(busyWorkload(), { page: plain, now: T0 + 42_000, rows: 24 }),
    `
quickstart (12) running 42s · 4 of 13 tasks done
✓ generate ████████████ 1/1    10s  cpu 0.49 · mem 96/128 MiB
▶ shards   █████▒▒▒░░░░ 3/8    32s  2 running · ~30s left · cpu 0.98 · mem 48/1…
▶ hungry   ▒▒▒▒▒▒▒▒▒▒▒▒ 0/1    32s  try 2 after oom-killed
✕ broken   ▚▚▚▚▚▚▚▚▚▚▚▚ 0/1    10s  failed · cpu 0.49 · mem 96/128 MiB
◷ report   ░░░░░░░░░░░░ 0/1         waits for shards, hungry
◷ eval     ░░░░░░░░░░░░ 0/1         Asks 2 GPUs; lab-3 has 1 GPU free
`,
  );
});

test('progress at 120 columns', () => {
  const lines = renderProgress(busyWorkload(), { page: wide, now: T0 + 42_000, rows: 24 });
  assert.equal(
    lines[2],
    '▶ shards   ████████▒▒▒▒▒░░░░░░░ 3/8    32s  2 running · ~30s left · cpu 0.98 · mem 48/128 MiB',
  );
});

test('progress where only ASCII is shown', () => {
  const lines = renderProgress(busyWorkload(), { page: ascii, now: T0 + 42_000, rows: 24 });
  assert.equal(lines[3], '> hungry   ============ 0/1    32s  try 2 after oom-killed');
  assert.ok([...lines.join('')].every((c) => c.codePointAt(0)! < 0x80));
});

test('progress in colour says the same', () => {
  const options = { now: T0 + 42_000, rows: 24 };
  const painted = renderProgress(busyWorkload(), { ...options, page: colour }).join('\n');
  assert.ok(painted.includes('\u001b[31m✕\u001b[0m broken'));
  assert.equal(
    stripVTControlCharacters(painted),
    renderProgress(busyWorkload(), { ...options, page: plain }).join('\n'),
  );
});

test('progress of many steps keeps to the rows that there are, what moves first', () => {
  const many = workload('running', [
    ...Array.from({ length: 40 }, (_, i) => step(`done-${i}`, 'succeeded')),
    step('now', 'running'),
    ...Array.from({ length: 40 }, (_, i) => step(`later-${i}`, 'waiting')),
  ]);
  const lines = renderProgress(many, { page: plain, now: T0, rows: 10 });
  assert.equal(lines.length, 9);
  assert.ok(lines.some((line) => line.startsWith('▶ now')));
  assert.equal(lines.at(-1), '  74 more steps');
});

test('progress is never wider than the page, whatever the names', () => {
  const nasty = workload('running', [
    step('日本語日本語日本語日本語日本語', 'waiting', {
      waiting_for: [
        {
          code: 'insufficient',
          sentence: `\u001b[2J${'x'.repeat(200)}`,
          change: null,
          facts: {},
          tasks: 1,
        },
      ],
    }),
  ]);
  for (const width of [40, 79, 80, 120, 200]) {
    const page = { ...plain, width };
    for (const line of renderProgress(nasty, { page, now: T0, rows: 24 })) {
      assert.ok(displayWidth(line) <= width, `${width}: ${line}`);
      assert.ok(!line.includes('\u001b'));
    }
  }
});

const finished = (): ReturnType<typeof workload> =>
  workload('succeeded', [
    step('generate', 'succeeded', { attempts: [ended('generate.0.1')] }),
    step('shards', 'succeeded', {
      tasks: tasks({ succeeded: 2 }),
      attempts: [ended('shards.0.1'), ended('shards.1.1', { memory_peak_bytes: null })],
    }),
    step('hungry', 'succeeded', {
      attempts: [
        ended('hungry.0.1', {
          cause: 'oom-killed',
          exit_code: null,
          signal: 'SIGKILL',
          memory_peak_bytes: 128 * MiB,
        }),
        ended('hungry.0.2', { memory_limit_bytes: 256 * MiB, memory_peak_bytes: 160 * MiB }),
      ],
    }),
  ]);

test('the outcome at 80 columns', () => {
  assertLines(
    renderOutcome(finished(), plain),
    `
✓ quickstart (12) is done after 1m 02s: 3 steps, 4 tasks, 5 attempts.

STEP      TRY  CAUSE         EXIT  WALL   CPU  CPU/LIMIT  MEMORY/LIMIT
generate    1  ✓ succeeded      0   10s  4.9s   0.49/0.5    96/128 MiB
shards.0    1  ✓ succeeded      0   10s  4.9s   0.49/0.5    96/128 MiB
shards.1    1  ✓ succeeded      0   10s  4.9s   0.49/0.5     —/128 MiB
hungry      1  ✕ oom-killed  KILL   10s  4.9s   0.49/0.5   128/128 MiB
hungry      2  ✓ succeeded      0   10s  4.9s   0.49/0.5   160/256 MiB

Limits were enforced by cgroup-v1 (cpu: quota, memory: kernel, processes:
kernel).
`,
  );
});

test('the outcome at 120 columns names for each attempt what enforced its limits', () => {
  const mixed = finished();
  mixed.steps[0]!.attempts[0]!.enforced = {
    driver: 'unprivileged',
    cpu: 'none',
    memory: 'watchdog',
    pids: 'rlimit',
    notes: ['No cgroup may be written: cpu is not limited.'],
  };
  const lines = renderOutcome(mixed, wide);
  assert.match(lines[2]!, / {2}ENFORCED BY$/);
  assert.match(lines[3]!, / {2}unprivileged$/);
  assert.equal(
    lines.slice(-3).join('\n'),
    'Limits were enforced by unprivileged (cpu: none, memory: watchdog, processes: rlimit) for 1 and cgroup-v1 (cpu: quota,\nmemory: kernel, processes: kernel) for 4.\n  No cgroup may be written: cpu is not limited.',
  );
});

test('the outcome of a failure says what to look at', () => {
  const failed = workload('failed', [
    step('train', 'failed', {
      attempts: [
        ended('train.0.1', {
          cause: 'start-failed',
          exit_code: null,
          message: 'No such program: trian.',
        }),
      ],
    }),
    step('report', 'skipped', { needs: ['train'] }),
  ]);
  const lines = renderOutcome(failed, plain);
  assert.equal(lines[0], '✕ quickstart (12) failed after 1m 02s: 2 steps, 2 tasks, 1 attempt.');
  assert.ok(lines.includes('12.train.0.1: No such program: trian.'));
  assert.equal(lines.at(-1), 'Look closer: berth logs 12.train --stderr · berth why 12');
});

test('the outcome of nothing at all', () => {
  const lines = renderOutcome(workload('cancelled', [step('a', 'cancelled')]), plain);
  assert.ok(lines.includes('  Nothing was started.'));
});

test('the outcome of 10,000 tasks stays short and counts what it hides', () => {
  const attempts = Array.from({ length: 10_000 }, (_, i) =>
    i % 100 === 0
      ? ended(`map.${i}.1`, { cause: 'failed', exit_code: 1 })
      : ended(`map.${i}.1`, { wall_ms: i }),
  );
  const lines = renderOutcome(
    workload('failed', [
      step('map', 'failed', { tasks: tasks({ succeeded: 9_900, failed: 100 }), attempts }),
    ]),
    plain,
  );
  assert.ok(lines.length < 70);
  assert.ok(lines.includes('… and 9,948 more attempts of map, the longest 10s'));
});

test('the remaining time follows the longest chain, and is unknown as soon as one step is', () => {
  const shards = step('shards', 'running', {
    tasks: tasks({ succeeded: 1, running: 1, waiting: 3 }),
    attempts: [
      ended('shards.0.1', { wall_ms: 10_000 }),
      attempt('shards.1.1', { started_at: T0 + 10_000 }),
    ],
  });
  assert.equal(stepEstimate(shards, T0 + 14_000), 36_000);
  assert.equal(estimateRemaining(workload('running', [shards]), T0 + 14_000), 36_000);
  const after = step('report', 'waiting', { needs: ['shards'] });
  assert.equal(stepEstimate(after, T0), undefined);
  assert.equal(estimateRemaining(workload('running', [shards, after]), T0), undefined);
  const second = { ...shards, id: 'more', needs: ['shards'] };
  assert.equal(estimateRemaining(workload('running', [second, shards]), T0 + 14_000), 72_000);
});

test('a log of progress has one line per change, and none where nothing changed', () => {
  const before = workload('running', [
    step('a', 'running', { attempts: [attempt('a.0.1')] }),
    step('b', 'waiting'),
  ]);
  const after = workload('failed', [
    step('a', 'failed', { attempts: [ended('a.0.1', { cause: 'failed', exit_code: 3 })] }),
    step('b', 'skipped'),
  ]);
  assert.deepEqual(progressLog(undefined, before), ['12.a.0.1: started']);
  assert.deepEqual(progressLog(before, before), []);
  assert.deepEqual(progressLog(before, after), [
    '12.a.0.1: failed with 3 after 10s',
    'a: failed',
    'b: skipped',
    'quickstart (12): failed',
  ]);
});

const list = {
  workloads: [
    summary('14', 'waiting', { reason: 'Asks 2 GPUs; lab-3 has 1 GPU free.' }),
    summary('13', 'running'),
    summary('12', 'failed', { reason: 'Step prep failed: oom-killed.' }),
  ],
  total: 20,
};

test('the list at 80 columns', () => {
  assertLines(
    renderWorkloads(list, { page: plain, now: T0 + 120_000, all: true }),
    `
ID  NAME     STATE      TASKS  SUBMITTED     RAN  REASON
14  work-14  ◷ waiting    3/8  2m ago          —  Asks 2 GPUs; lab-3 has 1 GPU …
13  work-13  ▶ running    3/8  2m ago     1m 59s
12  work-12  ✕ failed     3/8  2m ago     1m 00s  Step prep failed: oom-killed.
… and 17 more: --limit
`,
  );
});

test('an empty list teaches the next command', () => {
  const none = { workloads: [], total: 0 };
  assert.match(renderWorkloads(none, { page: plain, now: T0, all: true })[0]!, /berth run FILE/);
  assert.match(renderWorkloads(none, { page: plain, now: T0, all: false })[0]!, /berth ps --all/);
});

const status: Status = {
  pid: 4_711,
  version: '0.1.0',
  state_dir: '/var/lib/berth',
  site_file: '/etc/berth/site.yaml',
  url: 'http://127.0.0.1:7411',
  socket: '/var/lib/berth/berth.sock',
  host: 'lab-3',
  started_at: T0,
  now: T0 + 7_500_000,
  launcher_pid: null,
  enforcement: cgroup,
  journal: { sequence: 1_204, stalled: null },
  plugins: [],
  counts: { waiting: 2, running: 12, ended: 1_040 },
};

test('the status', () => {
  assertLines(
    renderStatus(status, plain),
    `
● Berth 0.1.0 is up on lab-3: pid 4711, started 2h ago.
  12 running, 2 waiting, 1,040 ended

  url      http://127.0.0.1:7411
  socket   /var/lib/berth/berth.sock
  state    /var/lib/berth
  site     /etc/berth/site.yaml
  launcher —
  journal  1,204 events
  limits   cgroup-v1, cpu: quota, memory: kernel, processes: kernel
`,
  );
});

test('a journal that cannot be written stands above everything else', () => {
  const stalled = { ...status, journal: { sequence: 1, stalled: 'The disk is full.' } };
  assert.equal(
    renderStatus(stalled, plain)[2],
    '  The journal cannot be written: The disk is full.',
  );
});

const why: Why = {
  id: '12',
  status: 'waiting',
  sentence: 'It waits for GPUs.',
  steps: [
    {
      id: 'eval',
      state: 'waiting',
      sentence: 'No node has what it asks for.',
      reasons: [
        {
          code: 'insufficient',
          sentence: 'Asks 2 GPUs; lab-3 has 1 GPU free.',
          change: 'It starts when 1 GPU more is free on one node.',
          facts: {},
          tasks: 3,
        },
      ],
    },
  ],
  preemptions: [],
};

test('the reasons', () => {
  assertLines(
    renderWhy(why, plain, T0),
    `
◷ eval waiting
  Asks 2 GPUs; lab-3 has 1 GPU free. (3 tasks)
    It starts when 1 GPU more is free on one node.
`,
  );
});
