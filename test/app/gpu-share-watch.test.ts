import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { GpuShareWatch } from '../../src/app/gpu-share-watch.ts';
import { timeMs } from '../../src/base/units.ts';
import { attemptOfPid } from '../../src/execution/io/local/attempt-of-pid.ts';
import { runProgram } from '../../src/inventory/io/run-program.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { benchWith } from '../builders/engine-bench.ts';
import { node, resources, step, workload } from '../builders/workload.ts';

const bounded = { timeout: 20_000 };
const INSTANCE = 'b'.repeat(32);
const GPU = 'n-gpu0';
const [FIRST, SECOND] = ['1.s.0.1', '1.s.1.1'] as const;

/**
 * Two tasks with a quarter of one GPU of 16 GiB each, a process for each, and a program nvidia-smi in PATH that
 * prints what is written down for it, in the shape that was recorded of driver 590.48.01.
 */
function open(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-gpus-'));
  const before = process.env['PATH'];
  const tasks: ChildProcess[] = [];
  t.after(() => {
    process.env['PATH'] = before;
    for (const task of tasks) task.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  const answer = join(dir, 'answer');
  const calls = join(dir, 'calls');
  writeFileSync(join(dir, 'nvidia-smi'), `#!/bin/sh\necho "$@" >> ${calls}\ncat ${answer}\n`);
  chmodSync(join(dir, 'nvidia-smi'), 0o755);
  process.env['PATH'] = `${dir}:${before}`;
  const { engine, ...b } = benchWith({}, node('n', { cpu: 4000, gpus: 1 }));
  b.submit(workload('w', step('s', { count: 2, request: resources({ gpu: 250 }) })));
  for (const attempt of [FIRST, SECOND] as unknown as AttemptId[]) {
    const { events } = engine.decide({ kind: 'report-started', at: timeMs(0), attempt, pid: 1 });
    for (const event of events) engine.apply(event);
  }
  const pids = [FIRST, SECOND].map((id) => {
    const env = { BERTH_INSTANCE: INSTANCE, BERTH_ATTEMPT_ID: id };
    const task = spawn('/bin/sleep', ['60'], { env, stdio: 'ignore' });
    tasks.push(task);
    return task.pid!;
  });
  const stops: string[] = [];
  const warned: string[] = [];
  const watch = new GpuShareWatch({
    engine,
    driver: { stop: (id, reason, graceMs) => stops.push(`${id} ${reason} ${graceMs}`) },
    run: runProgram,
    attemptOf: (pid) => attemptOfPid(pid, INSTANCE),
    warn: (sentence) => warned.push(sentence),
  });
  /** What each uses at the next look, in MiB. */
  const look = (...used: number[]) => {
    const rows = used.map(
      (mib, i) =>
        `2026/07/14 08:12:53.500, NVIDIA H100 80GB HBM3, ${GPU}, ${pids[i]}, /t, ${mib} MiB\n`,
    );
    const head = 'timestamp, gpu_name, gpu_uuid, pid, process_name, used_gpu_memory [MiB]\n';
    writeFileSync(answer, head + rows.join(''));
    return watch.look();
  };
  return { look, watch, stops, warned, answer, calls, b };
}

test(
  'who is over its share is warned first, then stopped once, and its neighbour is not',
  bounded,
  async (t) => {
    const { look, stops, warned } = open(t);
    await look(4096, 4096);
    assert.deepEqual([stops, warned], [[], []]);
    await look(4096, 6000);
    assert.deepEqual(stops, []);
    assert.match(warned.join(), /1\.s\.1\.1 uses more of its GPU's memory than its share/);
    await look(4096, 6000);
    await look(4096, 6000);
    assert.deepEqual(stops, [`${SECOND} overused 10000`]);
    assert.match(warned.at(-1)!, /used 6000 MiB of n-gpu0, and its share is 4096 MiB/);
  },
);

test('who gives back what was too much in time goes on', bounded, async (t) => {
  const { look, stops } = open(t);
  for (const used of [6000, 100, 6000, 100]) await look(used, 0);
  assert.deepEqual(stops, []);
});

test(
  'an answer that is none stops nobody, is told once, and forgets what was seen',
  bounded,
  async (t) => {
    const { look, watch, stops, warned, answer } = open(t);
    await look(6000);
    writeFileSync(answer, 'Unable to determine the device handle\n');
    await watch.look();
    await watch.look();
    assert.equal(warned.filter((one) => one.includes('cannot be watched')).length, 1);
    await look(6000);
    assert.deepEqual(stops, []);
  },
);

test('while nobody has a share the driver is not asked', bounded, async (t) => {
  const { look, b, calls } = open(t);
  await look(1, 1);
  const asked = readFileSync(calls, 'utf8');
  assert.match(asked, /--query-compute-apps=gpu_uuid,pid,used_gpu_memory --format=csv/);
  for (const id of [FIRST, SECOND]) b.end(id);
  await look(1, 1);
  assert.equal(readFileSync(calls, 'utf8'), asked);
});
