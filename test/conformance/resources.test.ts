import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, queueConfig, Site } from '../builders/site.ts';
import { GIB } from '../builders/workload.ts';
import { realRun } from './real-run.ts';
import { whereSeed } from './seed-blocks.ts';
import { a100, document, machine, readBlock, t4, v100 } from './seed-runs.ts';

const oneQueue = config([queueConfig('default')]);
const job = (more = '') => readBlock('resources', `run: sleep 60\n${more}`);

test(
  'CPU, memory and GPUs are held by what is requested, until one of them is used up',
  whereSeed,
  () => {
    const { spec, warnings } = job('count: 9');
    assert.deepEqual(warnings, []);
    const fits = (has: Parameters<typeof machine>[1]): number => {
      const site = new Site(oneQueue, machine('n', has));
      site.submitSpec(spec);
      return site.pass().length;
    };
    const gpus = ['g0', 'g1', 'g2', 'g3', 'g4'].map(v100);
    // `cpu.request: 2.0`, `memory.request: 4Gi`, `gpu.count: 1`: the limits 4 and 8Gi are not held.
    assert.equal(fits({ cpu: 7, gib: 256, gpus }), 3);
    assert.equal(fits({ cpu: 64, gib: 9, gpus }), 2);
    assert.equal(fits({ cpu: 64, gib: 256, gpus }), 5);
  },
);

test(
  '`gpu.type` and `gpu.memory` choose the device, by the name and memory that nvidia-smi tells',
  whereSeed,
  () => {
    const { spec } = job();
    const placed = (...nodes: ReturnType<typeof machine>[]): string | undefined => {
      const site = new Site(oneQueue, ...nodes);
      site.submitSpec(spec);
      const [attempt] = site.pass();
      return attempt && site.engine.state.attempt(attempt)!.placement.gpus.join();
    };
    const mixed = machine('n', { gpus: [t4('t4'), a100('a100'), v100('v100')] });
    assert.equal(placed(mixed), 'v100');
    assert.equal(placed(machine('n', { gpus: [a100('a100')] })), undefined);
    const half = { ...v100('half'), memory: (8 * GIB) as never };
    assert.equal(placed(machine('n', { gpus: [half] })), undefined);
  },
);

test(
  'the limits hold a real process, on a site that maps the GPU onto CPU',
  whereSeed,
  async (t) => {
    const { id, steps, berth } = await realRun(t, document('resources', "run: 'true'\n"));
    const [step] = steps;
    assert.deepEqual(step!.request, {
      cpu_milli: 2000,
      memory_bytes: 4 * GIB,
      gpu_milli: 0,
      custom: {},
    });
    assert.deepEqual([step!.limits.cpu_milli, step!.limits.memory_bytes], [4000, 8 * GIB]);
    const [attempt] = step!.attempts;
    assert.notEqual(attempt!.enforced!.memory, 'none');
    if (attempt!.enforced!.driver.startsWith('cgroup'))
      assert.equal(attempt!.enforced!.cpu, 'quota');
    const note = 'runs on CPU in place of 1 GPU';
    assert.match(attempt!.terms!.find(({ term }) => term === 'gpu')!.note, new RegExp(note));
    for (const args of [
      ['ps', '--all'],
      ['why', id],
    ] as const) {
      assert.match((await berth(...args)).stdout, new RegExp(note), args[0]);
    }
  },
);
