import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptStart } from '../../src/runtime/attempt-start.ts';
import { benchWith } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

const site = { baseEnv: { PATH: '/bin' }, workRoot: '/work', nodePath: '/node' };

/** The environment of the first attempt of a step. */
function environment(changes: Parameters<typeof step>[1]): Readonly<Record<string, string>> {
  const b = benchWith({}, node('n', { cpu: 8000, custom: [['fpga-x', 4]] }));
  b.submit(workload('w', step('s', changes)));
  const [attempt] = [...b.engine.state.runningAttempts()];
  assert.ok(attempt !== undefined);
  return attemptStart(attempt, site, []).env;
}

test('libraries are told as many threads as it holds whole CPUs', () => {
  const env = environment({ request: resources({ cpu: 3500 }) });
  for (const name of [
    ...['OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS'],
    ...['TF_NUM_INTRAOP_THREADS', 'TORCHINDUCTOR_COMPILE_THREADS', 'POLARS_MAX_THREADS'],
  ]) {
    assert.equal(env[name], '3', name);
  }
  assert.equal(environment({ request: resources({ cpu: 100 }) })['OMP_NUM_THREADS'], '1');
});

test('its own environment goes before, and its terms may leave all of them out', () => {
  const own = environment({ env: { OMP_NUM_THREADS: '7' } });
  assert.deepEqual([own['OMP_NUM_THREADS'], own['MKL_NUM_THREADS']], ['7', '1']);
  const none = environment({ execution: { process: { threadVariables: false } } });
  assert.equal(none['OMP_NUM_THREADS'], undefined);
});

test('it is told how much it holds of custom resources', () => {
  const request = { ...resources({ memory: GIB }), custom: [['fpga-x', 2]] as const };
  assert.equal(environment({ request })['BERTH_CUSTOM_FPGA_X'], '2');
});
