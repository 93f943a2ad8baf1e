import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measured } from '../../src/autoscaling/propose.ts';
import { ServiceScaling } from '../../src/autoscaling/service-scaling.ts';
import { timeMs } from '../../src/base/units.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parse as parseSite } from '../builders/site-text.ts';
import { ServiceBench } from '../engine/service-bench.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const LOOK_MS = 5_000;
const SERVICE = 'name: web\nrun: exec serve\nresources: {cpu: 0.1, memory: 64Mi}\nservice: {}\n';

/** The load as its metrics tell it: CPU and memory in parts of what one replica asks for, and tasks that wait. */
interface Load {
  readonly cpu: number;
  readonly memory: number;
  readonly waiting: number;
}
const quiet: Load = { cpu: 0.1, memory: 0.1, waiting: 0 };

function scalingOf(site: string) {
  const parsed = parseSite(site);
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.warnings, []);
  return parsed.site.autoscaling;
}

function specOf(text: string, site?: string) {
  const autoscaling = site === undefined ? undefined : scalingOf(site);
  const parsed = parseDocument(text, { fileName: 'web.yaml', ...(autoscaling && { autoscaling }) });
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 'web.yaml'));
  assert.deepEqual(parsed.warnings, [], 'nothing of it is told to be ignored');
  return parsed.spec;
}

/** The service on the engine, its time and its load made by the test. */
class Run {
  readonly bench: ServiceBench;
  readonly steps: [s: number, replicas: number, reason: string][] = [];
  #scaling = new ServiceScaling();
  #began = 0;

  constructor(text: string, site?: string) {
    this.bench = new ServiceBench(specOf(text, site));
    this.bench.obey();
  }

  get running(): number {
    return this.bench.running.length;
  }

  for(ms: number, load: Load): void {
    this.#began = this.bench.now;
    this.steps.length = 0;
    for (const end = this.bench.now + ms; this.bench.now < end; this.bench.wait(LOOK_MS)) {
      this.bench.obey();
      this.#look(load);
      this.bench.obey();
    }
  }

  #look(load: Load): void {
    const { replicas, scalings } = this.bench.service.service!;
    const terms = this.bench.service.spec.steps[0]!.service!.autoscaling!;
    const { running } = this;
    const each = (parts: number): Measured => ({
      kind: 'use',
      replicas: new Array(running).fill({
        isReady: true,
        use: Math.round((parts * 100_000) / Math.max(1, running)),
      }),
    });
    const measured = terms.metrics.map(({ kind }): Measured => {
      if (kind === 'cpu') return each(load.cpu);
      if (kind === 'memory') return each(load.memory);
      return { kind: 'total', value: load.waiting * 1_000 };
    });
    const at = timeMs(this.bench.now);
    const changedAt = scalings.at(-1)?.at;
    const { to, reason } = this.#scaling.look({ at, terms, replicas, changedAt, measured });
    if (to === replicas) return;
    this.steps.push([(at - this.#began) / 1_000, to, reason]);
    const auto = { from: replicas, reason };
    this.bench.send({ kind: 'scale', workload: '1' as never, replicas: to, auto });
  }
}

const asWritten = (): Run => new Run(`${SERVICE}${seedBlock('autoscaling')}`);
const times = (run: Run) => run.steps.map(([s, to]) => [s, to]);

test(
  '`min_replicas: 2`: the service begins with two, and keeps them while nothing is to be done',
  whereSeed,
  () => {
    const run = asWritten();
    assert.equal(run.running, 2);
    run.for(3_600_000, quiet);
    assert.deepEqual(run.steps, []);
    assert.equal(run.running, 2);
  },
);

test(
  '`type: cpu, target: 70`: seven tenths of what each asks for is borne by as many as it takes',
  whereSeed,
  () => {
    const run = asWritten();
    run.for(600_000, { ...quiet, cpu: 2 * 0.7 });
    assert.equal(run.running, 2);
    run.for(600_000, { ...quiet, cpu: 5 * 0.7 });
    assert.equal(run.running, 5);
    assert.match(run.steps[0]![2], /^cpu at 175 % of 70 % asks 5; bounded by \+2 in 60 s$/);
  },
);

test('`type: memory, target: 80`', whereSeed, () => {
  const run = asWritten();
  run.for(600_000, { ...quiet, memory: 2 * 0.8 });
  assert.equal(run.running, 2);
  run.for(600_000, { ...quiet, memory: 6 * 0.8 });
  assert.equal(run.running, 6);
  assert.match(run.steps[0]![2], /^memory at 240 % of 80 % asks 6/);
});

test(
  '`type: queue_depth, target: 50`: one replica for each fifty tasks that wait',
  whereSeed,
  () => {
    const run = asWritten();
    run.for(600_000, { ...quiet, waiting: 100 });
    assert.equal(run.running, 2);
    run.for(600_000, { ...quiet, waiting: 340 });
    assert.equal(run.running, 7);
    assert.match(run.steps[0]![2], /^queue_depth at 340 of 50 a replica asks 7/);
  },
);

test('of several metrics the one that asks for the most counts', whereSeed, () => {
  const run = asWritten();
  run.for(900_000, { cpu: 3 * 0.7, memory: 4 * 0.8, waiting: 400 });
  assert.equal(run.running, 8);
  run.for(300_000, { cpu: 9 * 0.7, memory: 4 * 0.8, waiting: 400 });
  assert.equal(run.running, 9);
});

test('`scale_up: increment 2, cooldown 60` and `max_replicas: 20`', whereSeed, () => {
  const run = asWritten();
  run.for(3_600_000, { ...quiet, waiting: 5_000 });
  const want = [4, 6, 8, 10, 12, 14, 16, 18, 20].map((to, i) => [i * 60, to]);
  assert.deepEqual(times(run), want);
  assert.equal(run.running, 20);
});

test('`scale_down: decrement 1, cooldown 300`', whereSeed, () => {
  const run = asWritten();
  run.for(900_000, { ...quiet, waiting: 300 });
  assert.equal(run.running, 6);
  run.for(3_600_000, quiet);
  const want = [5, 4, 3, 2].map((to, i) => [(i + 1) * 300, to]);
  assert.deepEqual(times(run), want);
  assert.equal(run.running, 2);
});

test('`enabled`: what is off leaves the number of replicas alone', whereSeed, () => {
  const off = seedBlock('autoscaling').replace('enabled: true', 'enabled: false');
  const { steps } = specOf(`${SERVICE}${off}`);
  assert.equal(steps[0]!.service!.autoscaling, undefined);
  assert.equal(steps[0]!.count, 1);
});

test(
  'in a site document it holds for services that have the block and say nothing of it',
  whereSeed,
  () => {
    const run = new Run(`${SERVICE}autoscaling: {}\n`, seedBlock('autoscaling'));
    run.for(600_000, { ...quiet, waiting: 1_000 });
    assert.deepEqual(times(run).slice(0, 3), [
      [0, 4],
      [60, 6],
      [120, 8],
    ]);
    const without = specOf(SERVICE, seedBlock('autoscaling'));
    assert.equal(without.steps[0]!.service!.autoscaling, undefined);
  },
);
