import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { checkedMetrics, checkedTraces, otlpReceiver } from '../builders/otlp-receiver.ts';
import { scrapeUntil } from '../builders/scrape.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 120_000 };
/** Of a collector of OpenTelemetry, with the receiver `otlp` and the exporter `debug`. */
const OTELCOL = process.env['BERTH_OTELCOL'] ?? '';
const collector = {
  skip: OTELCOL === '' ? 'no collector: BERTH_OTELCOL=PROGRAM' : false,
  ...bounded,
};

const site = (endpoint: string, more = ''): string =>
  `monitoring: {otlp: {endpoint: "${endpoint}", interval: 1s${more}}}\n`;

const pipeline = `name: two
steps:
  - {id: first, run: "true"}
  - {id: second, needs: [first], run: "echo 'inference_latency_seconds 0.02' >> $BERTH_METRICS; exit 3"}
`;

test(
  'a collector hears of metrics and of a pipeline, also after it was down',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    const first = await otlpReceiver(t);
    const file = scratch.write('site.yaml', site(first.url));
    await berth(state, 'up', '-d', '--port', '0', '--site', file);
    await first.heard('/v1/metrics', 1);
    first.close();
    const waiting = await scrapeUntil(
      state,
      /^berth_otlp_failures_total\{signal="metrics"\} [1-9]/m,
    );
    assert.match(waiting, /^berth_otlp_waiting\{signal="metrics"\} [1-9]/m);
    const done = await runBerth(['run', scratch.write('two.yaml', pipeline), '--state', state]);
    assert.equal(done.code, 1, done.stderr);
    const again = await otlpReceiver(t, first.port);
    const [traces] = await again.heard('/v1/traces', 1);
    const { spans, resource } = checkedTraces(traces!.body);
    const names = spans.map(({ name, status }) => `${name} ${status.code}`);
    for (const name of ['two 2', 'first 1', 'second 2', '1.second.0.1 2'])
      assert.ok(names.includes(name), `${name} in ${names}`);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const roots = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId ?? ''));
    assert.deepEqual(
      roots.map(({ name }) => name),
      ['two'],
    );
    const said = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value]));
    assert.deepEqual(said['service.name'], { stringValue: 'berth' });
    // What waited comes first, in order; after it what is new.
    const counts: bigint[] = [];
    let latency = 0;
    for (let heard = 1; latency === 0; heard++) {
      const { body } = (await again.heard('/v1/metrics', heard)).at(heard - 1)!;
      const { metrics } = checkedMetrics(body);
      for (const one of metrics) {
        if (one.name === 'berth.node.forks' && 'sum' in one) {
          counts.push(BigInt(one.sum.dataPoints[0]!.timeUnixNano));
        }
        if (one.name === 'inference_latency' && 'histogram' in one) {
          latency = Number(one.histogram.dataPoints[0]!.count);
        }
      }
    }
    assert.equal(latency, 1);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => (a < b ? -1 : 1)),
    );
    await scrapeUntil(state, /^berth_otlp_sent_total\{signal="traces"\} [1-9]/m);
  },
);

test('a real collector takes all of it as it is meant', collector, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const port = await freePort();
  const config = scratch.write(
    'collector.yaml',
    `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {debug: {verbosity: detailed, use_internal_logger: false}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], exporters: [debug]}
    traces: {receivers: [otlp], exporters: [debug]}
`,
  );
  assert.equal(spawnSync(OTELCOL, ['validate', '--config', config]).status, 0);
  const child = spawn(OTELCOL, ['--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      child.emit('said');
    });
  }
  const saying = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(said)) await once(child, 'said');
  };
  await saying(/Everything is ready/);
  const file = scratch.write('site.yaml', site(`http://127.0.0.1:${port}`));
  await berth(state, 'up', '-d', '--port', '0', '--site', file);
  await runBerth(['run', scratch.write('two.yaml', pipeline), '--state', state]);
  await saying(
    /-> Name: system\.cpu\.time\n[\s\S]*?-> Unit: s\n\s+-> DataType: Sum\n\s+-> IsMonotonic: true\n\s+-> AggregationTemporality: Cumulative/,
  );
  await saying(/-> Name: system\.memory\.usage\n[\s\S]*?-> IsMonotonic: false/);
  await saying(/-> Name: berth\.node\.cpu_busy\n[\s\S]*?-> DataType: Gauge/);
  await saying(
    /-> Name: inference_latency\n[\s\S]*?-> DataType: Histogram[\s\S]*?Count: 1\nSum: 0\.020000/,
  );
  await saying(/Name\s+: second\n\s+Kind\s+: Internal\n[\s\S]*?Status code\s+: Error/);
  await saying(/-> berth\.workload: Str\(\d+\)/);
  const text = await scrapeUntil(state, /^berth_otlp_sent_total\{signal="traces"\} [1-9]/m);
  assert.doesNotMatch(text, /^berth_otlp_dropped_total/m);
  assert.match(text, /^berth_otlp_failures_total\{signal="metrics"\} 0$/m);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
