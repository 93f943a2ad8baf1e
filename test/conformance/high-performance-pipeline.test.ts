import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldBackRefusal } from '../../src/api/views/flow.ts';
import { classOf, defaultClasses } from '../../src/model/network-config.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { config, queueConfig, Site, specOf } from '../builders/site.ts';
import { GIB } from '../builders/workload.ts';
import { mbit } from '../gateway/proxy-rig.ts';
import { onCpu, realRun } from './real-run.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { a100, document, machine, readBlock, readText } from './seed-runs.ts';

const NAME = 'high-performance-pipeline';
const oneQueue = config([queueConfig('default')]);
const read = () => readBlock(NAME).spec;

/** The same with so many tasks in its step, which has one as it is written. */
function withTasks(count: number, changes: Partial<WorkloadSpec> = {}): WorkloadSpec {
  const spec = read();
  return { ...spec, steps: spec.steps.map((step) => ({ ...step, count })), ...changes };
}

const plenty = (gpus: number) =>
  machine('n', { gpus: Array.from({ length: gpus }, (_, i) => a100(`g${i}`)) });

function placed(site: Site) {
  return site.pass().map((id) => site.engine.state.attempt(id)!.placement);
}

test('`name`, and of each task `cpu: 2`, `memory: 8Gi`, `gpu: 0.5`', whereSeed, () => {
  const { spec, warnings } = readBlock(NAME);
  assert.equal(spec.name, 'high_performance_research');
  assert.deepEqual(warnings, [
    'resource_requirements.storage.cache: checked; kept results have one size for the whole site',
  ]);
  const site = new Site(oneQueue, plenty(1));
  site.submitSpec(spec);
  const [only] = placed(site);
  const { cpu, memory, gpu } = only!.held;
  assert.deepEqual([cpu, memory, gpu], [2000, 8 * GIB, 500]);
});

test(
  '`resource_requirements.compute`: all its tasks at once have 8 CPU, 32 GiB and 2 GPUs',
  whereSeed,
  () => {
    const running = (more: Partial<WorkloadSpec['steps'][number]['request']>): number => {
      const spec = withTasks(20);
      const steps = spec.steps.map((step) => ({ ...step, request: { ...step.request, ...more } }));
      const site = new Site(oneQueue, plenty(20));
      assert.equal(site.submitSpec({ ...spec, steps }), undefined);
      return site.pass().length;
    };
    const none = { cpu: 0, memory: 0, gpu: 0 } as never as Record<'cpu' | 'memory' | 'gpu', never>;
    assert.equal(running({}), 4, 'each of the three allows four');
    assert.equal(running({ ...none, cpu: 1000 as never }), 8);
    assert.equal(running({ ...none, memory: (4 * GIB) as never }), 8);
    assert.equal(running({ ...none, gpu: 250 as never }), 8);
  },
);

test('why the fifth waits is said, with the limit', whereSeed, () => {
  const spec = withTasks(20);
  const request = { ...spec.steps[0]!.request, cpu: 0 as never, memory: 0 as never };
  const site = new Site(oneQueue, plenty(20));
  site.submitSpec({ ...spec, steps: spec.steps.map((step) => ({ ...step, request })) });
  assert.equal(site.pass().length, 4);
  const { steps } = site.engine.state.workload('1' as never)!;
  assert.deepEqual(heldBackRefusal(steps[0]!), {
    code: 'workload-limit',
    resource: 'gpu',
    held: 2000,
    asked: 500,
    limit: 2000,
  });
  site.end([...site.running.keys()][0]!);
  assert.equal(site.pass().length, 1);
});

test('more GPUs in one task than in all of them is a mistake, with its place', whereSeed, () => {
  const text = seedBlock(NAME).replace('gpu: 0.5', 'gpu: 3');
  const message = /29:11[\s\S]*asks for 3 of GPUs, more than the 2 of the workload/;
  assert.throws(() => readText(text, NAME), message);
});

test('`optimization.parallel_tasks` and `parallel.max_workers`: ten at once', whereSeed, () => {
  const small = { cpu: 0, memory: 0, gpu: 0, custom: [] } as never;
  // Each by itself, the other one out of the way.
  for (const key of ['parallel_tasks: 10', 'max_workers: 10']) {
    const text = seedBlock(NAME).replace(key, key.replace('10', '500'));
    assert.notEqual(text, seedBlock(NAME));
    const { spec } = readText(text, NAME);
    const steps = spec.steps.map((step) => ({ ...step, count: 50, request: small }));
    const site = new Site(oneQueue, plenty(0));
    assert.equal(site.submitSpec({ ...spec, steps }), undefined);
    assert.equal(site.pass().length, 10, `without ${key}`);
  }
});

test(
  '`gpu_scheduling: exclusive`: its halves share a GPU with each other, and with nobody else',
  whereSeed,
  () => {
    const site = new Site(oneQueue, plenty(3));
    site.submit({ gpu: 0.25 });
    assert.deepEqual(
      placed(site).map(({ gpus }) => gpus),
      [['g0']],
    );
    site.submitSpec(withTasks(4));
    assert.deepEqual(
      placed(site).map(({ gpus }) => gpus),
      [['g1'], ['g1'], ['g2'], ['g2']],
      'not on the three quarters that are free of g0',
    );
    const [first, ...others] = [...site.running.keys()].slice(1);
    site.end(first!);
    site.submit({ gpu: 0.5 });
    assert.deepEqual(
      placed(site).map(({ gpus }) => gpus),
      [['g0']],
      'not beside its other half',
    );
    site.submit({ gpu: 0.5 });
    assert.deepEqual(placed(site), []);
    assert.equal(site.why(4)?.code, 'insufficient');
    for (const attempt of others) site.end(attempt);
    assert.deepEqual(
      placed(site).map(({ gpus }) => gpus),
      [['g1']],
      'once it has ended',
    );
    // Two of them are not each other's.
    const two = new Site(oneQueue, plenty(2));
    for (let i = 0; i < 3; i++) two.submitSpec(read());
    assert.deepEqual(
      placed(two).map(({ gpus }) => gpus),
      [['g0'], ['g1']],
    );
  },
);

test(
  'whole devices are nobody else’s as they are: `exclusive` asks nothing more of them',
  whereSeed,
  () => {
    const { spec } = readText(seedBlock(NAME).replace('gpu: 0.5', 'gpu: 1'), NAME);
    assert.equal(spec.steps[0]!.constraints?.gpuAlone, undefined);
    assert.equal(read().steps[0]!.constraints?.gpuAlone, true);
  },
);

test('without it, shares of several workloads are on one GPU', whereSeed, () => {
  const text = seedBlock(NAME).replace('"exclusive"', '"shared"');
  const { spec } = readText(text, NAME);
  const site = new Site(oneQueue, plenty(2));
  site.submitSpec(spec);
  site.submitSpec(spec);
  assert.deepEqual(
    placed(site).map(({ gpus }) => gpus),
    [['g0'], ['g0']],
  );
});

test(
  '`class: guaranteed`: held to what it asks for, not stopped for others, its memory kept',
  whereSeed,
  () => {
    const [step] = read().steps;
    assert.deepEqual([step!.limits.cpu, step!.limits.memory], [2000, 8 * GIB]);
    assert.equal(step!.execution?.process?.memoryProtection, 'hard');
    const preemption = { minRunMs: 0 as never, perQueueHour: 1000 };
    for (const [spec, stopped] of [
      [read(), false],
      [specOf({ cpu: 2, preemptible: true }), true],
    ] as const) {
      const site = new Site(
        { ...oneQueue, preemption },
        machine('n', { cpu: 2, gib: 64, gpus: [a100('g')] }),
      );
      site.submitSpec(spec);
      site.pass();
      site.submit({ cpu: 2, priority: 100 });
      site.pass();
      const stops = site.journal.filter(({ kind }) => kind === 'preemption-ordered');
      assert.equal(stops.length > 0, stopped, spec.name);
    }
  },
);

test('`network`: high priority, and 100 Mbit/s kept for each task', whereSeed, () => {
  const network = read().steps[0]!.execution!.network!;
  assert.deepEqual([network.proxied, network.guaranteed], [true, mbit(100)]);
  assert.equal(defaultClasses[classOf(defaultClasses, network)]!.name, 'high_priority');
});

test(
  '`storage.workspace`: who fills the working folder beyond it is ended',
  whereSeed,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    await berth(state, 'up', '-d', '--port', '0', '--site', scratch.write('site.yaml', onCpu));
    const text = seedBlock(NAME)
      .replace('workspace: "100Gi"', 'workspace: "2Mi"')
      .replace(
        '- action: process_data_shard',
        '- run: head -c 6000000 /dev/zero > $BERTH_WORKDIR/x; exec sleep 60',
      );
    const done = await runBerth([
      'run',
      scratch.write('full.yaml', text),
      '--json',
      '--state',
      state,
    ]);
    const { status, steps } = JSON.parse(done.stdout);
    assert.deepEqual([status, steps[0].attempts[0].cause], ['failed', 'disk-exceeded']);
  },
);

test(
  '`cache_strategy: aggressive`, and all of it run to its end: a second run is taken from the cache',
  whereSeed,
  async (t) => {
    const { steps, told, berth, state } = await realRun(t, document(NAME));
    assert.doesNotMatch(told, /parallel_tasks|gpu_scheduling|cache_strategy|compute\.gpu/);
    const [attempt] = steps[0]!.attempts;
    assert.match(attempt!.terms!.map(({ note }) => note).join(), /on CPU in place of 0.5 GPUs/);
    assert.deepEqual(attempt!.outputs, {
      shard: 0,
      of: 1,
      lines: 0,
      bytes: 0,
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    });
    const again = await berth('run', `${state}/../block.yaml`, '--json');
    assert.equal(again.code, 0, again.stderr);
    const [second] = JSON.parse(again.stdout).steps[0].attempts;
    assert.equal(second.cached_from?.attempt, attempt!.id);
  },
);
