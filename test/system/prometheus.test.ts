import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { promtool, skipPrometheus, startPrometheus } from '../builders/prometheus.ts';
import { scrape } from '../builders/scrape.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';

const options = { skip: skipPrometheus, timeout: 180_000 };
const shipped = (name: string): string =>
  fileURLToPath(new URL(`../../monitoring/${name}`, import.meta.url));

/** A daemon with names of its own, a job that told something, and one that failed. */
async function busyDaemon({ state, write }: Scratch) {
  const site = write(
    'site.yaml',
    'monitoring: {resources: {metrics: [cpu_utilization, model_queue_depth]}}\n',
  );
  const { url } = await berth(state, 'up', '-d', '--port', '0', '--site', site);
  const job = write(
    'job.yaml',
    `name: eval
run: |
  echo 'model_accuracy{model_name="m",version="2"} 0.93' >> "$BERTH_METRICS"
  echo 'inference_latency_seconds 0.02' >> "$BERTH_METRICS"
`,
  );
  await berth(state, 'run', job);
  const failing = write('failing.yaml', 'name: failing\nrun: exit 3\n');
  const failed = await runBerth(['run', failing, '--state', state]);
  assert.notEqual(failed.code, 0);
  return { url: String(url) };
}

/** Lines of which the linter does not approve: names that a source document asks for as they are. */
const asAsked = /^gpu_utilization_percent /;

test('promtool finds nothing wrong with what a daemon exports', options, async (t) => {
  const scratch = scratchState(t);
  await busyDaemon(scratch);
  await until(async () => (await scrape(scratch.state)).includes('model_accuracy'));
  const { said } = promtool(['check', 'metrics'], await scrape(scratch.state));
  const faults = said.split('\n').filter((line) => line !== '' && !asAsked.test(line));
  assert.deepEqual(faults, []);
  // The linter is one that finds something.
  const wrong = promtool(['check', 'metrics'], '# TYPE x_total gauge\nx_total 1\n');
  assert.notEqual(wrong.status, 0);
});

test('promtool reads the rules and the configuration that are shipped', options, () => {
  for (const [kind, name] of [
    ['rules', 'berth-rules.yml'],
    ['config', 'prometheus.yml'],
  ] as const) {
    const more = kind === 'config' ? ['--syntax-only'] : [];
    const { status, said } = promtool(['check', kind, ...more, shipped(name)]);
    assert.equal(status, 0, said);
  }
});

test('a Prometheus scrapes a daemon with a token, and nobody does without', options, async (t) => {
  const scratch = scratchState(t);
  const { state, dir } = scratch;
  const { url } = await busyDaemon(scratch);
  const { token } = await berth(
    state,
    ...['token', 'add', 'prometheus', '--role', 'viewer', '--sees', 'all'],
  );
  const secret = scratch.write('token', String(token));
  const prometheus = await startPrometheus(
    t,
    dir,
    JSON.stringify({
      scrape_configs: [
        {
          job_name: 'berth',
          scrape_interval: '1s',
          scrape_timeout: '1s',
          authorization: { type: 'Bearer', credentials_file: secret },
          static_configs: [{ targets: [new URL(url).host] }],
        },
        {
          job_name: 'stranger',
          scrape_interval: '1s',
          scrape_timeout: '1s',
          static_configs: [{ targets: [new URL(url).host] }],
        },
      ],
      rule_files: [shipped('berth-rules.yml')],
    }),
  );
  const value = async (expr: string): Promise<number> => (await prometheus.query(expr))[0]!.value;
  assert.equal(await value('up{job="berth"} == 1'), 1);
  assert.equal(await value('up{job="stranger"}'), 0);
  assert.equal(await value('ml_jobs_total{status="succeeded",user="default"}'), 1);
  assert.equal(await value('ml_jobs_total{status="failed",user="default"}'), 1);
  assert.equal(await value('berth_attempts_total{cause="failed"}'), 1);
  assert.equal(await value('berth_tasks{state="running"}'), 0);
  assert.equal(await value('model_queue_depth'), 0);
  assert.equal(await value('model_accuracy{model_name="m",version="2",step="eval"}'), 0.93);
  const quantile = 'histogram_quantile(0.5, inference_latency_seconds_bucket)';
  const median = await value(quantile);
  assert.ok(median > 0.01 && median <= 0.025, String(median));
  assert.equal(await value('berth_attempt_duration_seconds_count'), 2);
  // What Berth says of a metric arrives, too.
  const told = (await prometheus.get('/api/v1/metadata?metric=berth_tasks')) as {
    data: { berth_tasks: { type: string; help: string }[] };
  };
  assert.deepEqual(told.data.berth_tasks[0], { type: 'gauge', help: 'Tasks by state.', unit: '' });
  const rules = (await prometheus.get('/api/v1/rules')) as {
    data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
  };
  const all = rules.data.groups.flatMap((group) => group.rules);
  assert.equal(
    all.length,
    readFileSync(shipped('berth-rules.yml'), 'utf8').match(/expr:/g)?.length,
  );
  assert.deepEqual(
    all.filter(({ health }) => health === 'err'),
    [],
  );
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, 'in half a minute');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
