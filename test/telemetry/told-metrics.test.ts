import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { expose } from '../../src/telemetry/exposition.ts';
import { seriesKey } from '../../src/telemetry/metric.ts';
import { KEPT_MS, parseToldLine, ToldMetrics } from '../../src/telemetry/told-metrics.ts';

const by = { tenant: 'ada', workload: '7', step: 'serve' };
const at = timeMs(1_000);

/** Everything that is told, without what Berth counts itself. */
const seriesOf = (told: ToldMetrics): string[] =>
  told
    .latest()
    .filter(({ name }) => !name.startsWith('berth_'))
    .map(({ name, labels, value }) => `${seriesKey(name, labels)} ${value}`);

describe('lines that tasks tell', () => {
  const cases: Record<string, ReturnType<typeof parseToldLine>> = {
    'x 1': { kind: 'sample', name: 'x', labels: {}, value: 1 },
    'x{} -2.5e3 1700000000000': { kind: 'sample', name: 'x', labels: {}, value: -2500 },
    'a:b{l="v", m="w",} .5': {
      kind: 'sample',
      name: 'a:b',
      labels: { l: 'v', m: 'w' },
      value: 0.5,
    },
    'x{l="a\\"b\\\\c\\nd}"} 1': {
      kind: 'sample',
      name: 'x',
      labels: { l: 'a"b\\c\nd}' },
      value: 1,
    },
    '# TYPE x histogram': { kind: 'type', name: 'x', is: 'histogram' },
    '# HELP x what it is': { kind: 'none' },
    '': { kind: 'none' },
    x: undefined,
    'x NaN': undefined,
    'x +Inf': undefined,
    'x 1e999': undefined,
    'x 0x10': undefined,
    '1x 1': undefined,
    'x{l=v} 1': undefined,
    'x{l="v" 1': undefined,
    'x{l="v"m="w"} 1': undefined,
    'x{l="v",l="w"} 1': undefined,
    'x{l="a\\qb"} 1': undefined,
    [`x{l="${'v'.repeat(3_000)}"} 1`]: undefined,
  };
  for (const [line, want] of Object.entries(cases)) {
    it(JSON.stringify(line.slice(0, 40)), () => assert.deepEqual(parseToldLine(line), want));
  }

  it('are read back as they were written', () => {
    const label = fc.string({ unit: 'grapheme', maxLength: 20 });
    const labels = fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,5}$/), label, {
      maxKeys: 4,
    });
    fc.assert(
      fc.property(labels, fc.double({ noNaN: true, noDefaultInfinity: true }), (said, value) => {
        const line = `${seriesKey('m', said)} ${value}`;
        assert.deepEqual(parseToldLine(line), {
          kind: 'sample',
          name: 'm',
          labels: { ...said },
          value: value + 0,
        });
      }),
    );
  });

  it('never throw, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        new ToldMetrics().tell(by, text, at);
      }),
    );
  });
});

describe('what tasks tell', () => {
  it('is a gauge that is replaced, a counter that grows, or a histogram of observations', () => {
    const told = new ToldMetrics();
    for (const line of [
      'model_accuracy{model_name="m",version="2"} 0.9',
      'model_accuracy{model_name="m",version="2"} 0.93',
      'tokens_total 10',
      'tokens_total 5',
      'inference_latency_seconds 0.003',
      'inference_latency_seconds 0.2',
      '# TYPE queue_seconds histogram',
      'queue_seconds 99',
    ]) {
      assert.equal(told.tell(by, line, at), undefined, line);
    }
    const series = seriesOf(told);
    const own = 'step="serve",tenant="ada",workload="7"';
    for (const want of [
      'model_accuracy{model_name="m",step="serve",tenant="ada",version="2",workload="7"} 0.93',
      `tokens_total{${own}} 15`,
      `inference_latency_seconds_bucket{le="0.005",${own}} 1`,
      `inference_latency_seconds_bucket{le="0.25",${own}} 2`,
      `inference_latency_seconds_count{${own}} 2`,
      `inference_latency_seconds_sum{${own}} 0.203`,
      `queue_seconds_bucket{le="10",${own}} 0`,
      `queue_seconds_bucket{le="+Inf",${own}} 1`,
    ]) {
      assert.ok(series.includes(want), `${want} in\n${series.join('\n')}`);
    }
    const ofName = (name: string) => told.latest(name).map(({ value }) => value);
    assert.deepEqual(ofName('queue_seconds_count'), [1]);
    assert.deepEqual(ofName('tokens_total'), [15]);
    assert.deepEqual(ofName('tokens'), []);
    const text = expose(told.families(), told.latest());
    assert.match(text, /# TYPE model_accuracy gauge\n/);
    assert.match(text, /# TYPE tokens_total counter\n/);
    assert.match(text, /# TYPE queue_seconds histogram\n/);
  });

  it('of several tasks of a step adds up, and of others does not', () => {
    const told = new ToldMetrics();
    told.tell(by, 'x_total 1', at);
    told.tell({ ...by }, 'x_total 1', at);
    told.tell({ ...by, tenant: 'bob', workload: '8' }, 'x_total 5', at);
    assert.deepEqual(seriesOf(told), [
      'x_total{step="serve",tenant="ada",workload="7"} 2',
      'x_total{step="serve",tenant="bob",workload="8"} 5',
    ]);
  });

  const refused: Record<string, RegExp> = {
    'berth_tasks{state="running"} 5': /Berth itself/,
    'ml_jobs_total{status="succeeded"} 5': /Berth itself/,
    'cpu_utilization 5': /Berth itself/,
    'up 0': /Berth itself/,
    'x{tenant="bob"} 1': /not its own/,
    'x{le="1"} 1': /not its own/,
    'x{__name__="y"} 1': /not its own/,
    'x_bucket 1': /part of a histogram/,
    'x_count 1': /part of a histogram/,
    'x_total -1': /does not fall/,
    '# TYPE x counter': /ends in _total/,
    '# TYPE x_total gauge': /is a counter/,
    '# TYPE model_accuracy histogram': /it is a gauge/,
    'x{a="1",b="1",c="1",d="1",e="1",f="1",g="1",h="1",i="1"} 1': /more than 8 labels/,
    [`x{a="${'v'.repeat(200)}"} 1`]: /longer than 128/,
    [`${'x'.repeat(101)} 1`]: /its name is none/,
    'not a metric': /no line/,
  };
  for (const [line, why] of Object.entries(refused)) {
    it(`is not taken: ${line.slice(0, 50)}`, () => {
      const told = new ToldMetrics();
      assert.match(told.tell(by, line, at) ?? '', why);
      assert.deepEqual(seriesOf(told), []);
      const [counted] = told.latest('berth_told_lines_refused_total');
      assert.equal(counted?.value, 1);
    });
  }

  it('has bounds for a workload and for all, and those that are there go on', () => {
    const told = new ToldMetrics();
    const fill = (workload: string, from: number, count: number): number => {
      let taken = 0;
      for (let i = from; i < from + count; i++) {
        if (told.tell({ ...by, workload }, `x{i="${i}"} 1`, at) === undefined) taken++;
      }
      return taken;
    };
    assert.equal(fill('1', 0, 300), 200);
    assert.equal(fill('1', 0, 200), 200);
    for (let workload = 2; workload <= 30; workload++) fill(String(workload), 0, 200);
    assert.equal(told.latest('berth_told_series')[0]?.value, 5_000);
    assert.equal(seriesOf(told).length, 5_000);
  });

  it('is forgotten a while after its workload ended, and makes room', () => {
    const told = new ToldMetrics();
    told.tell(by, 'x 1', at);
    told.tell({ ...by, workload: '8' }, 'y 1', at);
    const later = timeMs(at + KEPT_MS);
    told.sweep(timeMs(later - 1), () => false);
    assert.equal(seriesOf(told).length, 2);
    told.sweep(later, (workload) => workload === '8');
    assert.deepEqual(seriesOf(told), ['y{step="serve",tenant="ada",workload="8"} 1']);
    assert.equal(told.latest('berth_told_series')[0]?.value, 1);
    // Another may say of the name that it is something else.
    assert.equal(told.tell(by, '# TYPE x histogram', later), undefined);
  });

  it('keeps its kind while somebody tells it', () => {
    const told = new ToldMetrics();
    told.tell(by, 'x 1', at);
    assert.match(told.tell({ ...by, workload: '8' }, '# TYPE x histogram', at) ?? '', /a gauge/);
  });
});

it('history takes what was told since it took last, and nothing twice', () => {
  const told = new ToldMetrics();
  told.tell(by, 'model_accuracy{model_name="m"} 0.9', at);
  told.tell(by, 'model_accuracy{model_name="m"} 0.8', at);
  told.tell(by, 'tokens_total 5', at);
  told.tell(by, 'inference_latency_seconds 0.02', at);
  told.tell(by, 'inference_latency_seconds 0.021', at);
  told.tell(by, 'inference_latency_seconds 99', at);
  // A daemon before this one has kept it.
  told.tell(by, 'loss 1', at, true);
  told.tell(by, 'inference_latency_seconds 0.02', at, true);
  assert.deepEqual(told.take(), [
    { name: 'model_accuracy', labels: { model_name: 'm', ...by }, value: 0.8 },
    { name: 'berth_inference_calls', labels: { tenant: 'ada', le: '0.025' }, value: 2 },
    { name: 'berth_inference_calls', labels: { tenant: 'ada', le: '+Inf' }, value: 1 },
  ]);
  assert.deepEqual(told.take(), []);
  told.tell(by, 'loss 2', at);
  assert.deepEqual(told.take(), [{ name: 'loss', labels: by, value: 2 }]);
  const count = told.latest('inference_latency_seconds_count');
  assert.deepEqual(
    count.map(({ value }) => value),
    [4],
    'scrapers see all of it',
  );
});
