import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { traceOf } from '../../src/execution/io/local/attempt-folder.ts';
import type { AttemptId } from '../../src/model/ids.ts';

const stat = '/proc/self/stat';
const skip = process.platform === 'linux' ? false : 'reads /proc';

test('a record whose first line is about to be written is of one that runs', {
  skip,
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-trace-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const id = '1.a.0.1' as AttemptId;
  const path = join(dir, `${id}.record`);
  writeFileSync(path, '');
  const traced = traceOf(dir, id, 'boot');
  // As a shim does it: made, and then written.
  await wait(50);
  const text = readFileSync(stat, 'utf8');
  const began = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  writeFileSync(path, `start\t${id}\tboot=boot\tshim=${process.pid}\tshimstart=${began}\n`);
  assert.deepEqual(await traced, { kind: 'running', pid: process.pid, cgroup: undefined });
});

test('a record that nobody ever wrote is of one that is abandoned', { skip }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-trace-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, '1.a.0.1.record'), '');
  const trace = await traceOf(dir, '1.a.0.1' as AttemptId, 'boot');
  assert.ok(trace.kind === 'abandoned');
  assert.equal(trace.why, 'its start record is unreadable');
});
