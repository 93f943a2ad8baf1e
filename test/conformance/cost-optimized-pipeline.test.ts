import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { actionPrograms } from '../../src/app/action-programs.ts';
import { spanMs, type TimeMs } from '../../src/base/units.ts';
import { openCacheStore } from '../../src/execution/io/local/cache-store.ts';
import { CachedTasks } from '../../src/execution/io/local/cached-tasks.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { dollars, HOUR, money, rates } from '../builders/money.ts';
import { play } from '../builders/play.ts';
import { node, Site } from '../builders/site.ts';
import { schedulingOf } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { openFlowRig } from '../execution/flow-rig.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

/** The block says how it runs, and has nothing to run. */
function read(steps: string): { spec: WorkloadSpec; warnings: string[] } {
  const text = `${seedBlock('cost-optimized-pipeline')}\n${steps}\n`;
  const parsed = parseDocument(text, { fileName: 'cost.yaml', programs: actionPrograms });
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 'cost.yaml'));
  const warnings = parsed.warnings.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { spec: parsed.spec, warnings };
}

const one = 'run: [embed, a.txt]\nresources: {cpu: 1, memory: 1Gi}';

/** A site in Berlin that says nothing of off-peak, on a summer day. */
function site(start: string, priced = false): Site {
  const scheduling = schedulingOf('time_zone: Europe/Berlin\n', Date.parse(start));
  const large = node('n', { cpu: 2_000_000, memory: 2_000 * GIB });
  const four = { ...rates, cpuHour: dollars(4) };
  const paid = money([], { prices: { rates: [four], models: [] } });
  const s = new Site(priced ? { ...scheduling, money: paid } : scheduling, large);
  s.now = Date.parse(start);
  return s;
}

test(
  'preferred_hours and max_wait_time: it starts from 22:00 on, or after an hour',
  whereSeed,
  () => {
    const { spec } = read(one);
    const startOf = (at: string): string => {
      const s = site(at);
      s.submitSpec(spec);
      const [[start] = ['never']] = play(s, s.now + 48 * HOUR);
      return start;
    };
    assert.equal(startOf('2026-07-01T10:00:00Z'), '2026-07-01T11:00:00', 'an hour is the most');
    assert.equal(startOf('2026-07-01T19:30:00Z'), '2026-07-01T20:00:00', '22:00 in Berlin');
    assert.equal(
      startOf('2026-07-02T03:59:00Z'),
      '2026-07-02T04:59:00',
      'its batch is ready when they end',
    );
  },
);

test(
  'batching: what is alike waits a minute for each other, and starts together',
  whereSeed,
  () => {
    const { spec } = read(one);
    const s = site('2026-07-01T21:00:00Z');
    s.submitSpec(spec);
    assert.deepEqual(play(s, s.now + 40_000), []);
    s.now += 40_000;
    s.submitSpec(spec);
    assert.deepEqual(
      play(s, s.now + HOUR),
      [
        ['2026-07-01T21:01:00', '1.cost.0.1'],
        ['2026-07-01T21:01:00', '2.cost.0.1'],
      ].map(([at, id]) => [at, id!.replace('cost', 'budget_friendly_analysis')]),
    );
    const many = { ...spec, steps: spec.steps.map((step) => ({ ...step, count: 1_000 })) };
    s.submitSpec({ ...many, limits: undefined } as never);
    assert.equal(s.pass().length, 1_000, 'max_batch of them wait for nobody');
  },
);

test('max_hourly_cost: no hour costs more than 10 dollars', whereSeed, () => {
  const { spec } = read(`${one}\ncount: 7`);
  const s = site('2026-07-01T20:00:00Z', true);
  s.submitSpec(spec);
  const spans: { from: number; to: number }[] = [];
  const running = new Map<string, number>();
  const note = (): void => {
    for (const [, id] of play(s, s.now + 60_000)) running.set(id, s.now);
  };
  note();
  assert.equal(s.running.size, 2, '8 of 10 dollars an hour');
  const why = s.why(1);
  assert.equal(why?.code === 'budget' && why.budget, 'this execution, per hour');
  for (let turn = 0; turn < 20 && s.running.size > 0; turn++) {
    s.now += 20 * 60_000;
    const [first] = s.running.keys();
    spans.push({ from: running.get(first!)!, to: s.now });
    s.end(first!);
    note();
  }
  assert.equal(spans.length, 7);
  for (const { from } of spans) {
    const inHour = spans.map((span) =>
      Math.max(0, Math.min(span.to, from + HOUR) - Math.max(span.from, from)),
    );
    const cost = (inHour.reduce((sum, ms) => sum + ms, 0) / HOUR) * 4;
    assert.ok(cost <= 10, `${cost} dollars in the hour from ${new Date(from).toISOString()}`);
  }
});

test('prefer_cached_results and share_across_users: what one user had made is there for another', {
  ...whereSeed,
  timeout: 120_000,
}, async (t) => {
  const rig = await openFlowRig(t, async (driver, onReport, dir) => {
    const now = (): TimeMs => 1_000 as TimeMs;
    const store = await openCacheStore({ dir, now, warn: assert.fail });
    const cached = new CachedTasks(store, { onReport, warn: assert.fail });
    return { driver: cached.around(driver), hear: (report) => cached.hear(report) };
  });
  mkdirSync(rig.stateDir, { recursive: true });
  const file = join(rig.stateDir, 'in.txt');
  writeFileSync(file, 'a b c\n');
  const { spec } = read(
    `steps:\n  - {id: a, action: simple_process, with: {file: ${file}}}\n  - {id: b, run: 'true'}`,
  );
  assert.equal(spec.steps[0]!.flow?.cache?.sharedBy, 'everybody');
  assert.equal(spec.steps[1]!.flow?.cache, undefined, 'a command is not known to repeat itself');
  const [first, second] = [
    await rig.ended(await rig.submit(spec, { tenant: 'ada' })),
    await rig.ended(await rig.submit(spec, { tenant: 'ben' })),
  ];
  assert.deepEqual([first.state, second.state], ['succeeded', 'succeeded']);
  const endOf = (record: typeof first) => record.steps[0]!.tasks[0]!.attempts.at(-1)!.end;
  assert.equal(endOf(first)!.cachedFrom, undefined);
  assert.equal(endOf(second)!.cachedFrom?.attempt, '1.a.0.1');
});

test('what does not act yet is told in words, and nothing else is', whereSeed, () => {
  const { spec, warnings } = read(one);
  const keys = warnings.map((line) => line.slice(0, line.indexOf(':')));
  assert.ok(keys.includes('resource_requirements.cost_controls.model_selection'));
  const others = keys.filter((key) => !/model_selection|use_spot_instances/.test(key));
  assert.deepEqual(others, []);
  assert.equal(spec.steps[0]!.stops?.preemptible, true, 'class best_effort');
  assert.deepEqual(spec.preferred, { hours: 'off-peak', maxWaitMs: spanMs(HOUR) });
});
