import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Layer } from '../../src/analysis/layers.ts';
import { toItsEnd } from '../../src/analysis/regressions.ts';
import { lookForRegressions } from '../../src/analysis/slower-work.ts';
import { StepDurations } from '../../src/analysis/step-durations.ts';
import { regressionListSchema } from '../../src/api/contract/doctor-documents.ts';
import { regressionList } from '../../src/api/views/doctor.ts';
import { renderRegressions } from '../../src/cli/commands/doctor.ts';
import { ArrayHistory } from '../builders/metric-history.ts';
import { slowMonth } from '../builders/slow-month.ts';

const page = { width: 90, colour: 'none', unicode: true } as const;

function listOf(seed: number, cause: Layer | undefined) {
  const { history, options } = slowMonth(seed, cause);
  const report = toItsEnd(lookForRegressions(history, new StepDurations(), options));
  return regressionList({ ...options, complete: true }, report);
}

test('a slow month, as people read it: the cause, the plan, and all seven layers', () => {
  const list = listOf(3, 'storage');
  assert.deepEqual(regressionListSchema.parse(list), list, 'what is sent is what is promised');
  const layer = list.layers.find((one) => one.layer === 'storage')!;
  assert.equal(layer.state, 'worse');
  assert.ok(layer.remedies.length > 0);
  assert.match(
    layer.sentence,
    /^the time of a (read|write).* (went|drifted) from .* to .* since 20\d\d-/,
  );
  assert.equal(list.sentence, list.findings[0]!.sentence);
  const lines = renderRegressions(list, page);
  const text = lines.join('\n');
  for (const name of [
    'thermal',
    'hardware',
    'network',
    'storage',
    'fragmentation',
    'data-pipeline',
    'software',
  ]) {
    assert.match(text, new RegExp(`^ {2}\\S ${name} `, 'm'));
  }
  assert.match(text, /layer-change|slow-drift/);
  assert.match(text, /because .*(went|drifted) from/);
  for (const { title } of list.findings[0]!.remedies) assert.ok(text.includes(title), title);
  assert.ok(
    lines.every((line) => line.length <= 90),
    text,
  );
});

test('a quiet month: every layer is steady, or it is said what is not measured', () => {
  const list = listOf(5, undefined);
  assert.deepEqual(list.findings, []);
  assert.ok(list.layers.every(({ state, remedies }) => state !== 'worse' && remedies.length === 0));
  assert.ok(list.layers.some(({ state }) => state === 'steady'));
  assert.match(renderRegressions(list, page).join('\n'), /none of them worse than it was/);
});

test('what is not measured, or not for long enough, is unknown and says so', () => {
  const { options } = slowMonth(1, undefined);
  const few = Array.from({ length: 20 }, (_, i) => options.from + i * 3_600_000);
  const history = new ArrayHistory([
    { name: 'berth_gpu_temperature_celsius', at: few, values: few.map(() => 60) },
  ]);
  const report = toItsEnd(lookForRegressions(history, new StepDurations(), options));
  const said = Object.fromEntries(report.layers.map((one) => [one.layer, one]));
  assert.deepEqual(
    report.layers.map(({ state }) => state),
    new Array(7).fill('unknown'),
  );
  assert.equal(
    said['thermal']!.sentence,
    'Measured for too short a time: each of 1 series has less than 48 points in the window.',
  );
  assert.match(
    said['network']!.sentence,
    /^Nothing of it was measured in that time: the share of TCP/,
  );
  const list = regressionList({ ...options, complete: true }, report);
  assert.equal(
    list.sentence,
    'Nothing is worse than it was, of what is known. Of 7 of 7 layers nothing is known.',
  );
});
