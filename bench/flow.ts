import { parseArgs } from 'node:util';
import type { WorkloadId } from '../src/model/ids.ts';
import { fillTask } from '../src/runtime/fill-holes.ts';
import { benchWith } from '../test/builders/engine-bench.ts';
import { GIB, node, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';

/** A chain in which each step has a condition and a hole over what the one before it said. */
function chain(steps: number) {
  return Array.from({ length: steps }, (_, i) => {
    if (i === 0) return step('s0', { flow: { onFailure: 'fail' } });
    const before = `steps.s${i - 1}.outputs.n`;
    return step(`s${i}`, {
      needs: [`s${i - 1}`],
      run: { kind: 'argv', argv: ['x', `\${{ ${before} + 1 }}`] },
      flow: { onFailure: 'fail', condition: `${before} >= 0`, holes: true },
    });
  });
}

export const flowBench: Bench = {
  what: 'deciding a pipeline: a chain of --steps with conditions, outputs and holes',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { steps: { type: 'string', default: '10000' } },
    });
    const count = Number(values.steps);
    const bench = benchWith({ tasksMax: count + 1 }, node('n', { cpu: 64_000, memory: 256 * GIB }));
    const submitted = performance.now();
    bench.submit(workload('chain', ...chain(count)));
    const started = performance.now();
    const record = bench.engine.state.workload('1' as WorkloadId)!;
    for (let i = 0; i < count; i++) {
      const filled = fillTask(record.steps[i]!.tasks[0]!);
      if ('why' in filled) throw new Error(filled.why);
      bench.say(`1.s${i}.0.1`, { n: i });
    }
    const ended = performance.now();
    return {
      steps: count,
      state: record.state,
      submit_ms: Math.round(started - submitted),
      step_ms: Number(((ended - started) / count).toFixed(3)),
    };
  },
};
