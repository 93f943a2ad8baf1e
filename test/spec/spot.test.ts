import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parseSpot } from '../../src/spec/spot-document.ts';
import { parse, written } from '../builders/site-text.ts';

const firstLine = (text: string): string => {
  const parsed = parse(text);
  assert.ok(!parsed.ok, text);
  return formatIssues(parsed.issues, text, 'site.yaml').split('\n')[0]!;
};

test('a block without its keys has their defaults', () => {
  assert.deepEqual(written('compute: {spot_instances: {}}').spot, {
    enabled: true,
    percentage: 100,
    onInterruption: 'checkpoint_and_retry',
    suitableTasks: [],
  });
  assert.equal(written('compute: {labels: {spot: true}}').spot, undefined);
});

test('labels of this machine are texts, as they were written', () => {
  const parsed = parse('compute: {labels: {spot: true, instance-type: g5.xlarge, rank: 010}}');
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.site.labels, { spot: 'true', 'instance-type': 'g5.xlarge', rank: '010' });
});

test('what is wrong is told with its place', () => {
  const spot = (inner: string) => `compute:\n  spot_instances:\n    ${inner}\n`;
  const cases: Record<string, [text: string, want: RegExp]> = {
    'a share above all': [spot('percentage: 101'), /site\.yaml:3:17.*percentage/],
    'a share that is no whole number': [spot('percentage: 0.7'), /site\.yaml:3:17.*percentage/],
    'a ceiling below the base': [
      spot('fallback: {max_price_increase: 0.5}'),
      /site\.yaml:3:36.*max_price_increase/,
    ],
    'another end': [spot('fallback: {on_interruption: pray}'), /site\.yaml:3:33.*on_interruption/],
    'tasks that are no list': [spot('suitable_tasks: batch'), /site\.yaml:3:21.*suitable_tasks/],
    'a misspelt key': [spot('percent: 70'), /site\.yaml:3:5.*percent/],
    'a misspelt block': ['compute: {spot_instance: {}}', /site\.yaml:1:11.*spot_instance/],
  };
  for (const [what, [text, want]] of Object.entries(cases)) {
    assert.match(firstLine(text), want, what);
  }
});

test('a workload document says that the block belongs in the site document', () => {
  const parsed = parseDocument('run: echo hi\ncompute: {spot_instances: {enabled: true}}', {
    fileName: 'a.yaml',
  });
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.warnings.map(({ message }) => message),
    ['belongs in the site document of the daemon; ignored here'],
  );
});

test('who asks for spot nodes is told of the steps that never go there', () => {
  const text = `resource_requirements: {use_spot_instances: true}
steps:
  - {id: a, run: echo}
  - {id: b, run: echo, count: 2, gang: true}
`;
  const parsed = parseDocument(text, { fileName: 'a.yaml' });
  assert.ok(parsed.ok);
  assert.equal(parsed.spec.spot, true);
  assert.deepEqual(
    parsed.warnings.map(({ message }) => message),
    ['not for b: tasks that start together do not go to spot nodes'],
  );
});

const options = { fileName: 'spot.yaml', writtenAt: timeMs(1_000_000) };

test('a file of prices and notices', () => {
  const parsed = parseSpot(
    `source: aws
prices:
  - {type: g5.xlarge, base: 0.40, price: $0.92, on_demand: 1.2}
  - {base: 0.1, price: 0.1}
notices:
  - {node: gpu-1, deadline: 120s}
  - {node: gpu-2, deadline: '2026-11-22T14:00:00Z'}
`,
    options,
  );
  assert.deepEqual(parsed, {
    ok: true,
    reading: {
      quotes: [
        { type: 'g5.xlarge', base: 400_000, price: 920_000, onDemand: 1_200_000, source: 'aws' },
        { base: 100_000, price: 100_000, source: 'aws' },
      ],
      notices: [
        { node: 'gpu-1', deadline: 1_120_000 },
        { node: 'gpu-2', deadline: Date.parse('2026-11-22T14:00:00Z') },
      ],
    },
  });
});

test('a file that is wrong is told with line and column', () => {
  const cases: Record<string, [text: string, line: number, message: RegExp]> = {
    'no map': ['[1]', 1, /says nothing of spot nodes/],
    'an unknown key': ['prizes: []', 1, /unknown key/],
    'no base': ['prices:\n  - {price: 1}', 2, /base/],
    'a price of 0': ['prices:\n  - {base: 1, price: 0}', 2, /price/],
    'a base of 0': ['prices:\n  - {base: 0, price: 1}', 2, /base/],
    'one type twice': [
      'prices:\n  - {base: 1, price: 1, type: a}\n  - {base: 1, price: 2, type: a}',
      3,
      /line 2 has the price of "a" already/,
    ],
    'no end': ['notices:\n  - {node: a, deadline: unlimited}', 2, /is no time/],
    'no time': ['notices:\n  - {node: a, deadline: soon}', 2, /"soon" is no time/],
    'too many': [`notices: [${'{node: a, deadline: 1s},'.repeat(1_001)}]`, 1, /notices|many|1000/i],
  };
  for (const [what, [text, line, message]] of Object.entries(cases)) {
    const parsed = parseSpot(text, options);
    assert.ok(!parsed.ok, what);
    const told = formatIssues(parsed.issues.slice(0, 1), text, 'spot.yaml');
    assert.match(told, new RegExp(`^spot\\.yaml:${line}:\\d+`), `${what}: ${told}`);
    assert.match(told, message, what);
  }
});

test('whatever a file says, it is read or told to be wrong', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const parsed = parseSpot(text, options);
      assert.equal(typeof parsed.ok, 'boolean');
    }),
  );
});
