import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Counter, Histogram } from '../../src/telemetry/counting.ts';
import { expose, formatFor } from '../../src/telemetry/exposition.ts';
import type { MetricFamily, Reading } from '../../src/telemetry/metric.ts';

const family = (
  name: string,
  kind: MetricFamily['kind'] = 'gauge',
  unit: MetricFamily['unit'] = 'none',
  help = 'Of a test.',
): MetricFamily => ({ name, kind, unit, source: 'measured', help, labels: [] });

describe('text of metrics', () => {
  it('says what each is, by name, and escapes what people wrote', () => {
    const families = [family('b', 'gauge', 'none', 'Two\nlines \\ and "quotes".'), family('a')];
    const readings: Reading[] = [
      { name: 'b', labels: { z: 'x"y\\z\n', a: '1' }, value: 0.5 },
      { name: 'nobody', labels: {}, value: 1 },
      { name: 'a', labels: {}, value: Number.POSITIVE_INFINITY },
      { name: 'a', labels: {}, value: 7 },
    ];
    assert.equal(
      expose(families, readings),
      [
        '# HELP a Of a test.',
        '# TYPE a gauge',
        'a +Inf',
        '# HELP b Two\\nlines \\\\ and "quotes".',
        '# TYPE b gauge',
        'b{a="1",z="x\\"y\\\\z\\n"} 0.5',
        '',
      ].join('\n'),
    );
  });

  it('tells OpenMetrics of counters without their ending, of units, and of the end', () => {
    const families = [family('x_seconds_total', 'counter', 'seconds'), family('y', 'histogram')];
    const readings: Reading[] = [
      { name: 'x_seconds_total', labels: {}, value: 3 },
      { name: 'y_bucket', labels: { le: '1' }, value: 2 },
      { name: 'y_bucket', labels: { le: '+Inf' }, value: 2 },
      { name: 'y_sum', labels: {}, value: 1 },
      { name: 'y_count', labels: {}, value: 2 },
    ];
    assert.equal(
      expose(families, readings, 'openmetrics'),
      [
        '# HELP x_seconds Of a test.',
        '# TYPE x_seconds counter',
        '# UNIT x_seconds seconds',
        'x_seconds_total 3',
        '# HELP y Of a test.',
        '# TYPE y histogram',
        'y_bucket{le="1.0"} 2',
        'y_bucket{le="+Inf"} 2',
        'y_sum 1',
        'y_count 2',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it('says nothing of nothing', () => {
    assert.equal(expose([family('a')], []), '');
    assert.equal(expose([family('a')], [], 'openmetrics'), '# EOF\n');
  });

  it('keeps every reading, whatever labels and help hold', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 });
    const reading = fc.record({
      name: fc.constantFrom('one', 'two'),
      labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), text, { maxKeys: 3 }),
      value: fc.double({ noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(reading), text, (readings, help) => {
        const families = [family('one', 'gauge', 'none', help), family('two')];
        const want = new Map<string, number>();
        for (const { name, labels, value } of readings) {
          const key = JSON.stringify([name, Object.entries(labels).sort()]);
          if (!want.has(key)) want.set(key, value + 0);
        }
        assert.deepEqual(parsed(expose(families, readings)), want);
      }),
    );
  });

  const accepts: Record<string, string> = {
    'text/plain;version=0.0.4': 'prometheus',
    '*/*': 'prometheus',
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1':
      'openmetrics',
    'text/plain, application/openmetrics-text;q=0.5': 'prometheus',
    'application/openmetrics-text;q=0': 'prometheus',
  };
  for (const [accept, want] of Object.entries(accepts)) {
    it(`Accept: ${accept.slice(0, 60)} → ${want}`, () => assert.equal(formatFor(accept), want));
  }
  it('without an Accept header, the older one', () =>
    assert.equal(formatFor(undefined), 'prometheus'));
});

/** Read back by a reader of its own: names, labels as they were, values. */
function parsed(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, , inside = '', value] = /^([a-z]+)(\{(.*)\})? (\S+)$/s.exec(line)!;
    const labels = [...inside.matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/gs)].map(
      ([, key, escaped]) => [
        key,
        escaped!.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one)),
      ],
    );
    const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
    found.set(JSON.stringify([name, labels]), number);
  }
  return found;
}

describe('counters and histograms', () => {
  it('counts each in the first bucket that holds it, and buckets hold those below', () => {
    const histogram = new Histogram('h', [1, 5]);
    for (const value of [0.5, 1, 1.5, 5, 6]) histogram.observe({ q: 'a' }, value);
    assert.deepEqual(
      [...histogram.readings()].map(({ name, labels, value }) => [name, labels['le'], value]),
      [
        ['h_bucket', '1', 2],
        ['h_bucket', '5', 4],
        ['h_bucket', '+Inf', 5],
        ['h_sum', undefined, 14],
        ['h_count', undefined, 5],
      ],
    );
  });

  it('counts together what are too many series, and loses nothing', () => {
    const counter = new Counter('c', 2);
    for (const tenant of ['a', 'b', 'c', 'd', 'a']) counter.add({ tenant });
    assert.deepEqual(
      [...counter.readings()].map(({ labels, value }) => [labels['tenant'], value]),
      [
        ['a', 2],
        ['b', 1],
        ['other', 2],
      ],
    );
  });
});
