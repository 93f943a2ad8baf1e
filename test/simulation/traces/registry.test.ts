import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readNodes } from '../../../src/simulation/traces/node-lists.ts';
import {
  detectFormat,
  traceFormat,
  traceFormats,
} from '../../../src/simulation/traces/registry.ts';
import type { ReadTrace } from '../../../src/simulation/traces/trace-format.ts';
import { formatIssues } from '../../../src/spec/format-issues.ts';
import { traceSource, withoutTrace } from '../../builders/trace-data.ts';
import { samples } from '../../builders/trace-samples.ts';

test('there is a sample of each format, and each is told by its beginning alone', () => {
  assert.deepEqual(
    Object.keys(samples),
    traceFormats.map(({ name }) => name),
  );
  for (const [name, text] of Object.entries(samples)) {
    assert.equal(detectFormat('file', text)?.name, name);
    assert.equal(traceFormat(name)?.name, name);
    const found = traceFormat(name)!.read([{ file: 'file', text }], {});
    assert.ok(found.ok, `${name}: ${JSON.stringify(found)}`);
    checkTrace(found, name);
  }
  assert.equal(detectFormat('file', 'something else, which is none of them'), undefined);
  assert.equal(traceFormat('none'), undefined);
});

/** What every trace promises. */
function checkTrace(found: ReadTrace, format: string): void {
  if (!found.ok) {
    assert.ok(found.issues.length > 0);
    return;
  }
  const { trace } = found;
  assert.equal(trace.format, format);
  const jobs = [...trace.jobs];
  assert.equal(jobs.length, trace.count);
  assert.ok(trace.count > 0);
  assert.equal(new Set(jobs.map(({ id }) => id)).size, jobs.length);
  assert.deepEqual(
    [...trace.jobs].map((job) => ({ ...job, truth: undefined })),
    jobs.map((job) => ({ ...job, truth: undefined })),
  );
  let before = 0;
  for (const { at, runMs, spec, tenant } of jobs) {
    assert.ok(at >= before && Number.isSafeInteger(at), `at ${at}`);
    assert.ok(Number.isSafeInteger(runMs) && runMs >= 0, `runs ${runMs}`);
    assert.ok(tenant !== '');
    for (const { request, count } of spec.steps) {
      assert.ok(count >= 1);
      for (const amount of [request.cpu, request.memory, request.gpu]) {
        assert.ok(Number.isSafeInteger(amount) && amount >= 0);
      }
    }
    before = at;
  }
  for (const { count, line, why } of trace.skipped) assert.ok(count > 0 && line > 0 && why !== '');
}

/** Parts of real files in a wrong order, so that more than the first check is met. */
const hostile = (sample: string): fc.Arbitrary<string> => {
  const pieces = sample.split(/(?<=[\n,|:{[ "])/);
  return fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc
      .array(
        fc.oneof(
          { weight: 20, arbitrary: fc.constantFrom(...pieces) },
          fc.constantFrom(
            '\n',
            '"',
            '-1',
            '1e400',
            '9'.repeat(30),
            '\0',
            '💥',
            '__proto__',
            'null',
            '[',
            '{',
            '&a',
            '*a',
          ),
          fc.string({ maxLength: 5 }),
        ),
        { maxLength: 80 },
      )
      .map((parts) => parts.join('')),
    fc
      .tuple(fc.nat(sample.length), fc.nat(sample.length), fc.string({ maxLength: 8 }))
      .map(([a, b, put]) => sample.slice(0, Math.min(a, b)) + put + sample.slice(Math.max(a, b))),
    fc
      .tuple(fc.nat(sample.length), fc.constantFrom('-', '9', '"', '\n', ' ', '|', ',', 'x'))
      .map(([a, put]) => sample.slice(0, a) + put + sample.slice(a + 1)),
  );
};

for (const format of traceFormats) {
  test(`${format.name}: whatever the text is, it is read or told what is wrong, and never throws`, () => {
    fc.assert(
      fc.property(
        hostile(samples[format.name]!),
        fc.record({ procs: fc.constantFrom(1, 64), limit: fc.nat(5) }, { requiredKeys: [] }),
        (text, options) => {
          format.recognises('file', text);
          const found = format.read([{ file: 'file', text }], options);
          if (found.ok && options.limit !== undefined) {
            assert.ok(found.trace.count <= options.limit);
            if (found.trace.count === 0) return;
          }
          checkTrace(found, format.name);
          if (!found.ok) checkPlaces(found.issues, text);
        },
      ),
      { numRuns: 300 },
    );
  });
}

/** An issue stands in the text, and is printed as those of documents are. */
function checkPlaces(issues: Extract<ReadTrace, { ok: false }>['issues'], text: string): void {
  const lines = text.split('\n');
  for (const { line, column, endColumn, message } of issues) {
    assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column}`);
    assert.ok(endColumn > column && message !== '');
  }
  assert.match(formatIssues(issues, text, 'file'), /^file:\d+:\d+ error: /);
}

test('node lists: whatever the text is, it is read or told what is wrong', () => {
  const sample = 'nodes:\n- {name: a, count: 2, cpu: 64, memory: 256Gi, gpus: 8, labels: {a: b}}\n';
  fc.assert(
    fc.property(hostile(sample), (text) => {
      const found = readNodes({ file: 'file', text });
      if (!found.ok) return checkPlaces(found.issues, text);
      assert.equal(new Set(found.nodes.map(({ id }) => id)).size, found.nodes.length);
    }),
    { numRuns: 300 },
  );
});

test('aliases that never end, and nesting without one, are refused', () => {
  const bomb = `cohorts:\n- &a [x, x]\n${Array.from({ length: 30 }, (_, i) => `- &a${i} [${i === 0 ? '*a, *a' : `*a${i - 1}, *a${i - 1}`}]`).join('\n')}\n`;
  for (const text of [
    bomb,
    `cohorts: ${'['.repeat(5_000)}`,
    '['.repeat(20_000),
    `{"cohorts":${'['.repeat(20_000)}`,
  ]) {
    const found = traceFormat('kueue-generator')!.read([{ file: 'f', text }], {});
    assert.ok(!found.ok);
    assert.ok(!readNodes({ file: 'f', text }).ok);
  }
});

const data = {
  'swf/KTH-SP2-1996-2.1-cln.swf.gz': 'swf',
  'swf/lublin_256.swf.gz': 'swf',
  'openb/openb_pod_list_default.csv': 'openb',
  'tiresias/60_job.csv': 'tiresias',
};
for (const [name, format] of Object.entries(data)) {
  test(`the format of ${name} is told by its content`, { skip: withoutTrace(name) }, () => {
    const { text } = traceSource(name);
    assert.equal(detectFormat('file', text)?.name, format);
  });
}
