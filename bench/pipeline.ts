import { parseArgs } from 'node:util';
import { timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import type { TenantId } from '../src/model/ids.ts';
import { defaultScheduling } from '../src/model/scheduling-config.ts';
import type { WorkloadSpec } from '../src/model/workload.ts';
import { makeScheduler } from '../src/scheduling/make-scheduler.ts';
import { parseDocument } from '../src/spec/parse-document.ts';
import { GIB, node } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load, median, rounded } from './cpu-time.ts';

/** Each step needs the one at half its number: a tree, with a condition and outputs in every tenth. */
function documentOf(steps: number, flow: boolean): string {
  let text = 'name: big\nsteps:\n';
  for (let i = 0; i < steps; i++) {
    const parent = (i - 1) >> 1;
    text += `  - id: s${i}\n`;
    if (i > 0) text += `    needs: [s${parent}]\n`;
    if (flow && i > 0 && i % 10 === 0) {
      text += `    if: "steps.s${parent}.state == 'succeeded'"\n`;
      text += `    run: [echo, "\${{ steps.s${parent}.outputs.n }}"]\n`;
    } else text += `    run: [echo, "${i}"]\n`;
  }
  return text;
}

export const pipelineBench: Bench = {
  what: 'a pipeline of many steps: read, and taken into an engine with its first pass: ms  [--steps N] [--rounds N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        steps: { type: 'string', default: '10000' },
        rounds: { type: 'string', default: '5' },
      },
    });
    const steps = Number(values.steps);
    const loadBefore = load();
    const results = { plain: false, flow: true };
    const took = Object.fromEntries(
      Object.entries(results).map(([name, flow]) => [
        name,
        measure(documentOf(steps, flow), Number(values.rounds)),
      ]),
    );
    return { steps, load_before: loadBefore, load_after: load(), ...took };
  },
};

function measure(text: string, rounds: number) {
  const parse: number[] = [];
  const plan: number[] = [];
  const wall: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let spec: WorkloadSpec | undefined;
    const started = performance.now();
    parse.push(
      cpuOf(() => {
        const parsed = parseDocument(text, { fileName: 'big.yaml' });
        if (!parsed.ok) throw new Error(parsed.issues[0]?.message);
        spec = parsed.spec;
      }),
    );
    plan.push(cpuOf(() => submit(spec!)));
    wall.push(performance.now() - started);
  }
  return {
    bytes: text.length,
    parse_cpu_ms: rounded(median(parse)),
    first_parse_cpu_ms: rounded(parse[0]!),
    plan_cpu_ms: rounded(median(plan)),
    wall_ms: rounded(median(wall)),
    first_wall_ms: rounded(wall[0]!),
  };
}

/** Decides and applies the submission, and starts all that can start. */
function submit(spec: WorkloadSpec): void {
  const engine = new Engine(
    { tasksMax: 1_000_000, endedMax: 1_000 },
    { scheduler: makeScheduler(defaultScheduling) },
  );
  const joined = node('n0', { cpu: 64_000, memory: 256 * GIB, gpus: 0 });
  engine.apply({ kind: 'node-joined', at: timeMs(0), node: joined });
  const at = timeMs(1);
  const tenant = 'bench' as TenantId;
  for (const event of engine.decide({ kind: 'submit', at, tenant, spec }).events) {
    engine.apply(event);
  }
  for (let event = engine.next(at); event !== undefined; event = engine.next(at)) {
    engine.apply(event);
  }
}
