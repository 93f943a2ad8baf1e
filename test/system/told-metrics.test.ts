import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { metricsFolder, scrapeUntil } from '../builders/scrape.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const bounded = { skip: skipSystem, timeout: 120_000 };

test('what a task tells is exported, also after its end, and its file goes', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  await berth(state, 'up', '-d', '--port', '0');
  const file = scratch.write(
    'job.yaml',
    `name: eval
run: |
  echo 'model_accuracy{model_name="m",version="2"} 0.9' >> "$BERTH_METRICS"
  echo 'inference_latency_seconds 0.02' >> "$BERTH_METRICS"
  echo 'berth_tasks{state="running"} 1000000' >> "$BERTH_METRICS"
  echo 'inference_latency_seconds 0.7' >> "$BERTH_METRICS"
`,
  );
  const { id } = await berth(state, 'run', file);
  const text = await scrapeUntil(state, /^model_accuracy/m);
  const own = `step="eval",tenant="default",workload="${id}"`;
  for (const line of [
    `model_accuracy{model_name="m",step="eval",tenant="default",version="2",workload="${id}"} 0.9`,
    `inference_latency_seconds_bucket{le="0.025",${own}} 1`,
    `inference_latency_seconds_bucket{le="1",${own}} 2`,
    `inference_latency_seconds_count{${own}} 2`,
    'berth_told_lines_refused_total 1',
    'ml_jobs_total{status="succeeded",user="default"} 1',
    'berth_attempts_total{cause="succeeded",tenant="default"} 1',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), `${line} in\n${text}`);
  }
  assert.doesNotMatch(text, /^berth_\w+(\{[^}]*\})? 1000000$/m);
  await until(() => readdirSync(metricsFolder(state)).length === 0, 'its file goes');
  const log = readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
  assert.match(log, /a line of BERTH_METRICS is not taken: Berth itself tells of that name/);
  // History has it within ten seconds, and with it the key figure.
  const latency = async () => {
    const { kpis } = await berth(state, 'kpi');
    return kpis.find(({ name }: { name: string }) => name === 'inference_latency_p99');
  };
  let found = await latency();
  for (const end = performance.now() + 30_000; found.samples === 0; found = await latency()) {
    assert.ok(performance.now() < end, JSON.stringify(found));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.equal(found.samples, 2);
  assert.ok(found.value > 500 && found.value <= 1_000, JSON.stringify(found));
  const { series } = await berth(state, 'metrics', 'history', 'model_accuracy');
  assert.equal(series[0].trend.average, 0.9);
});

test('a daemon that was killed goes on with what was told', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const first = await up(state);
  const gate = join(scratch.dir, 'go');
  const file = scratch.write(
    'job.yaml',
    `name: long
run: |
  echo 'steps_total 3' >> "$BERTH_METRICS"
  while [ ! -e ${gate} ]; do sleep 0.1; done
  echo 'steps_total 4' >> "$BERTH_METRICS"
`,
  );
  const { id } = await berth(state, 'submit', file);
  await scrapeUntil(state, /^steps_total.* 3$/m);
  await kill(first);
  scratch.write('go', '');
  await until(
    () => readFileSync(join(metricsFolder(state), `${id}.long.0.1`)).includes('4'),
    'it ends',
  );
  await up(state);
  await scrapeUntil(state, /^steps_total.* 7$/m);
});

test('what is no file in its place is passed over, and goes', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  await berth(state, 'up', '-d', '--port', '0');
  const secret = scratch.write('secret', 'stolen 1\n');
  const file = scratch.write(
    'job.yaml',
    `name: hostile
run: |
  case $BERTH_TASK_INDEX in
    0) mkfifo "$BERTH_METRICS";;
    1) ln -s ${secret} "$BERTH_METRICS";;
    2) mkdir -p "$BERTH_METRICS/deep";;
    3) head -c 3000000 /dev/zero | tr '\\0' x >> "$BERTH_METRICS"; echo >> "$BERTH_METRICS"; echo 'fine 1' >> "$BERTH_METRICS";;
    4) echo 'without_an_end 1' | tr -d '\\n' >> "$BERTH_METRICS";;
  esac
count: 5
`,
  );
  const done = await runBerth(['run', file, '--state', state]);
  assert.equal(done.code, 0, done.stderr);
  const text = await scrapeUntil(state, /^fine\{/m);
  await until(() => readdirSync(metricsFolder(state)).length === 0, 'they go');
  assert.ok(existsSync(secret));
  assert.doesNotMatch(text, /(^|_)stolen[ {]|without_an_end/m);
});

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!isSo()) {
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
