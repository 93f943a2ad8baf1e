import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepEvery } from '../../src/app/keep-every.ts';
import { berth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { parse, reported } from '../builders/site-text.ts';
import { realRun } from './real-run.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { document, readBlock } from './seed-runs.ts';

test(
  'what is not available yet is said in a run, and stays with its record',
  whereSeed,
  async (t) => {
    const { id, told, warnings, berth } = await realRun(
      t,
      document('monitoring', 'run: echo ran\n'),
    );
    const why = await berth('why', id);
    for (const sentence of [
      'monitoring.resources.metrics: checked; no metric is chosen by its name',
      'monitoring.resources.alerts: belongs in the site document',
      'monitoring.resources.collection_interval: belongs in the site document',
    ]) {
      for (const shown of [told, why.stdout.replaceAll(/\s+/g, ' '), warnings!.join()]) {
        assert.ok(shown.includes(sentence), `${sentence} in ${shown}`);
      }
    }
  },
);

test('as a site, `collection_interval` acts, and the rest is said', whereSeed, () => {
  const parsed = parse(seedBlock('monitoring'));
  assert.ok(parsed.ok && parsed.site.sampleEveryMs === 10_000);
  assert.deepEqual(
    reported(seedBlock('monitoring')).map((line) => / (monitoring[\w.]*):/.exec(line)?.[1]),
    ['monitoring.resources.metrics'],
  );
  // Of the samples of each second, which come a little early or late.
  const isKept = keepEvery(parsed.site.sampleEveryMs, 1_000);
  const kept = Array.from({ length: 61 }, (_, i) => 1_000 * i + (i % 3) * 100).filter(isKept);
  assert.equal(kept.length, 7);
  for (const [i, at] of kept.slice(1).entries()) assert.ok(at - kept[i]! > 9_000, kept.join());
});

test(
  '`collection_interval: 10`: a daemon keeps the use of its host every 10 s',
  whereSeed,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    const site = scratch.write('site.yaml', seedBlock('monitoring'));
    const { url } = await berth(state, 'up', '-d', '--port', '0', '--site', site);
    const { token } = await berth(
      state,
      'token',
      'add',
      'wall',
      '--role',
      'viewer',
      '--sees',
      'all',
    );
    const headers = { authorization: `Bearer ${token}` };
    const end = performance.now() + 60_000;
    for (;;) {
      const answer = await fetch(`${url}/api/v1/usage?window=60s`, { headers });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      const { at, cpu_ratio: cpu } = JSON.parse(text);
      const moments = at.filter((_: number, i: number) => cpu[i] !== null);
      if (moments.length >= 2) {
        for (let i = 1; i < moments.length; i++) assert.ok(moments[i] - moments[i - 1] >= 9_000);
        break;
      }
      assert.ok(performance.now() < end, `two samples in a minute: ${at}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  },
);

const wrong: Readonly<Record<string, readonly [from: string, to: string]>> = {
  'an interval of nothing': ['collection_interval: 10', 'collection_interval: 0'],
  'a metric that is no name': ['- disk_io', '- "disk io"'],
  'a condition that is none': ['"cpu_utilization > 90"', '"cpu_utilization is high"'],
  'a duration that is none': ['duration: 300', 'duration: long'],
  'an action that is no name': ['"scale_up"', '"scale up"'],
  'a key that there is not': ['duration: 300', 'lasting: 300'],
};

for (const [what, [from, to]] of Object.entries(wrong)) {
  test(`wrong in it, with its place: ${what}`, whereSeed, () => {
    const text = seedBlock('monitoring').replace(from, to);
    assert.notEqual(text, seedBlock('monitoring'));
    const parsed = parse(text);
    assert.ok(!parsed.ok);
    const line = text.split('\n').findIndex((one) => one.includes(to)) + 1;
    assert.deepEqual(
      parsed.issues.map((issue) => issue.line),
      [line],
      JSON.stringify(parsed.issues),
    );
  });
}

test('nothing of it changes how the job runs', whereSeed, () => {
  assert.equal(readBlock('monitoring', 'run: echo\n').spec.limits, undefined);
});
