import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TimeMs } from '../../src/base/units.ts';
import { Histogram } from '../../src/telemetry/counting.ts';
import { families } from '../../src/telemetry/families.ts';
import type { LatestReading, MetricFamily } from '../../src/telemetry/metric.ts';
import { headersIn, sentOf } from '../../src/telemetry/otlp/answers.ts';
import { otlpMetrics } from '../../src/telemetry/otlp/metrics-request.ts';
import { otlpName } from '../../src/telemetry/otlp/names.ts';
import { semanticNames } from '../../src/telemetry/otlp/semantic-names.ts';
import { StartTimes } from '../../src/telemetry/otlp/start-times.ts';
import { checkedMetrics } from '../builders/otlp-receiver.ts';

const NOW = 1_700_000_000_000;
const MACHINE = NOW - 86_400_000;
const DAEMON = NOW - 3_600_000;
const origin = { version: '1.2.3', attributes: { 'host.name': 'h' } };

const reading = (
  name: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
  at = NOW,
): LatestReading => ({ name, labels, value, at: at as TimeMs });

const starts = () => new StartTimes({ machine: MACHINE, daemon: DAEMON });
const requests = (
  readings: readonly LatestReading[],
  { of = families, pointsMax = 1_000, from = starts() } = {},
) => [...otlpMetrics(of, readings, { origin, starts: from, pointsMax, now: NOW as TimeMs })];

/** All of one request, as a receiver reads it. */
function metricsOf(readings: readonly LatestReading[], of = families, from = starts()) {
  const [only, ...others] = requests(readings, { of, from });
  assert.equal(others.length, 0);
  return checkedMetrics(JSON.parse(JSON.stringify(only!.request)));
}

const nanos = (ms: number): string => `${ms}000000`;
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

describe('names of OpenTelemetry', () => {
  /** As Prometheus makes names of those that come by OTLP: its own rules, written down here once more. */
  function scraped({ kind }: MetricFamily, named: ReturnType<typeof otlpName>): string {
    const suffixes: Record<string, string> = {
      s: 'seconds',
      By: 'bytes',
      Hz: 'hertz',
      Cel: 'celsius',
      W: 'watts',
      J: 'joules',
    };
    const words = [named.name.replace(/[^a-zA-Z0-9_:]/g, '_')];
    const suffix = suffixes[named.unit];
    if (suffix !== undefined) words.push(suffix);
    if (named.unit === '1' && kind === 'gauge') words.push('ratio');
    if (kind === 'counter') words.push('total');
    return words.join('_');
  }

  it('what has no name of the conventions is found again under its own', () => {
    for (const family of families.filter(({ name }) => semanticNames[name] === undefined)) {
      assert.equal(scraped(family, otlpName(family)), family.name);
    }
  });

  it('every name of the conventions is of a family that there is, with units that fit', () => {
    const units: Record<string, string> = {
      s: 'seconds',
      By: 'bytes',
      Hz: 'hertz',
      Cel: 'celsius',
      W: 'watts',
      J: 'joules',
      '1': 'ratio',
    };
    for (const [name, { unit }] of Object.entries(semanticNames)) {
      const family = families.find((one) => one.name === name);
      assert.ok(family, name);
      assert.equal(units[unit] ?? 'none', family.unit, name);
      for (const label of Object.keys(semanticNames[name]!.labels ?? {})) {
        assert.ok(family.labels.includes(label), `${name} has no ${label}`);
      }
    }
  });

  it('no two families are one series', () => {
    const all = families.flatMap((family) => {
      const labels = Object.fromEntries(family.labels.map((label) => [label, 'x']));
      if (family.kind !== 'histogram') return [reading(family.name, 1, labels)];
      const made = new Histogram(family.name, [1]);
      made.observe(labels, 1);
      return [...made.readings()].map((one) => ({ ...one, at: NOW as TimeMs }));
    });
    const { metrics } = metricsOf(all);
    const count = metrics.reduce(
      (sum, one) =>
        sum +
        ('gauge' in one ? one.gauge : 'sum' in one ? one.sum : one.histogram).dataPoints.length,
      0,
    );
    assert.equal(count, families.length);
  });
});

describe('metrics for a collector', () => {
  it('a counter is a monotonic sum since the machine began, with attributes of the conventions', () => {
    const { metrics, resource } = metricsOf([
      reading('berth_node_cpu_seconds_total', 12.5, { cpu: '3', mode: 'user' }),
    ]);
    assert.deepEqual(metrics, [
      {
        name: 'system.cpu.time',
        description: 'CPU time, by mode.',
        unit: 's',
        sum: {
          dataPoints: [
            {
              attributes: [
                { key: 'cpu.logical_number', value: { intValue: '3' } },
                text('cpu.mode', 'user'),
              ],
              startTimeUnixNano: nanos(MACHINE),
              timeUnixNano: nanos(NOW),
              asDouble: 12.5,
            },
          ],
          aggregationTemporality: 2,
          isMonotonic: true,
        },
      },
    ]);
    assert.deepEqual(resource.attributes, [
      text('service.name', 'berth'),
      text('service.version', '1.2.3'),
      text('host.name', 'h'),
    ]);
  });

  it('parts of one metric are joined, and what is in use goes up and down', () => {
    const { metrics } = metricsOf([
      reading('berth_node_memory_used_bytes', 5),
      reading('berth_node_memory_cached_bytes', 7),
      reading('berth_node_disk_read_bytes_total', 1, { device: 'sda' }),
      reading('berth_node_disk_written_bytes_total', 2, { device: 'sda' }),
    ]);
    const [io, usage] = metrics;
    assert.ok(io !== undefined && 'sum' in io && usage !== undefined && 'sum' in usage);
    assert.equal(metrics.length, 2);
    assert.deepEqual(
      io.sum.dataPoints.map((one) => [one.asDouble, one.attributes[1]]),
      [
        [1, text('disk.io.direction', 'read')],
        [2, text('disk.io.direction', 'write')],
      ],
    );
    assert.equal(usage.sum.isMonotonic, false);
    assert.deepEqual(
      usage.sum.dataPoints.map((one) => [one.asDouble, one.attributes[0]]),
      [
        [5, text('system.memory.state', 'used')],
        [7, text('system.memory.state', 'cached')],
      ],
    );
  });

  it('buckets hold what is in them alone, counts are texts', () => {
    const made = new Histogram('inference_latency_seconds', [0.1, 1]);
    for (const value of [0.05, 0.07, 0.5, 3]) made.observe({ tenant: 't' }, value);
    const readings = [...made.readings()].map((one) => ({ ...one, at: NOW as TimeMs }));
    const { metrics } = metricsOf(readings);
    assert.deepEqual(metrics, [
      {
        name: 'inference_latency',
        description: 'From request to answer of a model, as its task tells it.',
        unit: 's',
        histogram: {
          dataPoints: [
            {
              attributes: [text('tenant', 't')],
              startTimeUnixNano: nanos(DAEMON),
              timeUnixNano: nanos(NOW),
              count: '4',
              sum: 3.62,
              bucketCounts: ['2', '1', '1'],
              explicitBounds: [0.1, 1],
            },
          ],
          aggregationTemporality: 2,
        },
      },
    ]);
  });

  it('what nobody ever noted is as of now', () => {
    const [one] = metricsOf([reading('berth_told_series', 0, {}, 0)]).metrics;
    assert.ok(one !== undefined && 'gauge' in one);
    assert.equal(one.gauge.dataPoints[0]!.timeUnixNano, nanos(NOW));
  });

  it('a histogram of which a part is missing is not told', () => {
    const readings = [reading('berth_task_waiting_seconds_bucket', 1, { queue: 'q', le: '+Inf' })];
    assert.deepEqual(requests(readings), []);
  });

  it('what tasks call alike and is not, keeps the name that is scraped', () => {
    const told = (name: string, kind: MetricFamily['kind']): MetricFamily => {
      return { name, kind, unit: 'none', source: 'measured', help: 'Told.', labels: [] };
    };
    const of = [told('tokens', 'gauge'), told('tokens_total', 'counter')];
    const { metrics } = metricsOf([reading('tokens', 1), reading('tokens_total', 2)], of);
    assert.deepEqual(
      metrics.map(({ name }) => name),
      ['tokens', 'tokens_total'],
    );
  });

  it('whatever is measured: right, within the bound, and every series once', () => {
    const label = fc.string({ unit: 'grapheme', maxLength: 8 });
    const one = fc
      .constantFrom(...families.filter(({ kind }) => kind !== 'histogram'))
      .chain((family) =>
        fc.record({
          name: fc.constant(family.name),
          labels: fc.record(Object.fromEntries(family.labels.map((name) => [name, label]))),
          value: fc.oneof(fc.double(), fc.nat()),
          at: fc.integer({ min: NOW, max: NOW + 60_000 }).map((at) => at as TimeMs),
        }),
      );
    fc.assert(
      fc.property(fc.array(one, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (all, max) => {
        const found = requests(all, { pointsMax: max });
        for (const { request, points } of found) {
          checkedMetrics(JSON.parse(JSON.stringify(request)));
          assert.ok(points > 0 && points <= max);
        }
        const want = new Set(
          all
            .filter(({ value }) => Number.isFinite(value))
            .map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()])),
        );
        assert.equal(
          found.reduce((sum, { points }) => sum + points, 0),
          want.size,
        );
      }),
    );
  });
});

describe('since when a counter counts', () => {
  const MINUTE = 60_000;
  const first: Record<string, { family: string; want: number }> = {
    'of the machine: since it began': { family: 'berth_node_forks_total', want: MACHINE },
    'of the daemon: since that began': { family: 'berth_attempts_total', want: DAEMON },
    'of a task that was there before: not known': {
      family: 'berth_task_cpu_seconds_total',
      want: NOW,
    },
    'of a GPU: not known': { family: 'berth_gpu_errors_total', want: NOW },
  };
  for (const [name, { family, want }] of Object.entries(first)) {
    it(name, () => {
      const times = starts();
      assert.equal(times.startOf(family, 'k', { value: 5, at: NOW }), want);
      times.end(NOW);
      // It stays, while it grows.
      assert.equal(times.startOf(family, 'k', { value: 5, at: NOW + MINUTE }), want);
    });
  }

  it('what was not there before began since then', () => {
    const times = starts();
    times.end(NOW);
    const at = NOW + MINUTE;
    assert.equal(times.startOf('berth_attempts_total', 'a', { value: 1, at }), NOW);
    assert.equal(times.startOf('berth_task_cpu_seconds_total', 'b', { value: 1, at }), NOW);
    // A disk that was plugged in, or of which nothing could be read.
    assert.equal(times.startOf('berth_node_disk_reads_total', 'c', { value: 1, at }), at);
  });

  it('one that falls began anew after what it was last', () => {
    const times = starts();
    const values = [5, 9, 2, 3];
    const found = values.map((value, i) => {
      const at = NOW + i * MINUTE;
      const start = times.startOf('berth_attempts_total', 'k', { value, at });
      times.end(at);
      return start;
    });
    assert.deepEqual(found, [DAEMON, DAEMON, NOW + MINUTE, NOW + MINUTE]);
  });

  it('never begins after it was read, whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5), fc.integer({ min: -1_000_000, max: 1_000_000 })), {
          maxLength: 20,
        }),
        (reads) => {
          const times = starts();
          for (const [value, offset] of reads) {
            const at = NOW + offset;
            const start = times.startOf('berth_attempts_total', 'k', { value, at });
            assert.ok(start <= at);
            times.end(at);
          }
        },
      ),
    );
  });
});

describe('what a collector answers', () => {
  const answer = (status: number, retryAfter: string | null = null, body = '{}') =>
    sentOf({ status, retryAfter, body }, NOW);
  const cases: Record<string, { got: unknown; want: object }> = {
    taken: { got: answer(200), want: { ok: true, rejected: 0, why: undefined } },
    'taken, and nothing said that can be read': {
      got: answer(202, null, '<html>'),
      want: { ok: true, rejected: 0, why: undefined },
    },
    'taken in part; a count of 64 bits is a text': {
      got: answer(
        200,
        null,
        '{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}',
      ),
      want: { ok: true, rejected: 3, why: 'too old' },
    },
    'spans taken in part': {
      got: answer(200, null, '{"partialSuccess":{"rejectedSpans":2}}'),
      want: { ok: true, rejected: 2, why: undefined },
    },
    'too many requests, wait two seconds': {
      got: answer(429, '2'),
      want: { ok: false, again: true, why: 'it answered with 429', afterMs: 2_000 },
    },
    'not now, wait until a date': {
      got: answer(503, new Date(NOW + 30_000).toUTCString()),
      want: { ok: false, again: true, why: 'it answered with 503', afterMs: 30_000 },
    },
    'a date that has gone by': {
      got: answer(503, new Date(NOW - 30_000).toUTCString()),
      want: { ok: false, again: true, why: 'it answered with 503', afterMs: 0 },
    },
    'a wait of a year is bounded': {
      got: answer(503, '31536000'),
      want: { ok: false, again: true, why: 'it answered with 503', afterMs: 600_000 },
    },
    'a wait that cannot be read': {
      got: answer(502, 'soon'),
      want: { ok: false, again: true, why: 'it answered with 502' },
    },
    'wrong: never again, and no wait': {
      got: answer(400, '5'),
      want: { ok: false, again: false, why: 'it answered with 400' },
    },
    'a failure that the protocol does not name': {
      got: answer(500),
      want: { ok: false, again: false, why: 'it answered with 500' },
    },
    'led elsewhere': {
      got: answer(302),
      want: { ok: false, again: false, why: 'it answered with 302' },
    },
  };
  for (const [name, { got, want }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(got, want));
  }

  it('headers of a file', () => {
    assert.deepEqual(headersIn('# who\nAuthorization: Bearer a:b=\n\nX-Scope-OrgID:team\n'), {
      authorization: 'Bearer a:b=',
      'x-scope-orgid': 'team',
    });
    assert.equal(headersIn('Bearer a'), undefined);
    assert.equal(headersIn('a b: c'), undefined);
    assert.equal(headersIn('a: b\u0007c'), undefined);
  });
});
