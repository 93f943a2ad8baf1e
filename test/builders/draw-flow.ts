import type { Prng } from '../../src/base/prng.ts';
import { spanMs, UNLIMITED } from '../../src/base/units.ts';
import type { StepFlow, WorkloadLimits } from '../../src/model/flow.ts';
import type { StepId } from '../../src/model/ids.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';

/** The workload with conditions, lists, holes, groups and limits of its own: a few of each, all of few forms. */
export function withFlow(prng: Prng, spec: WorkloadSpec): WorkloadSpec {
  const group = { id: 'grp' as StepId, maxParallel: prng.between(1, 4) };
  const steps = spec.steps.map((step) => (prng.chance(75) ? flowing(prng, step, group) : step));
  return {
    ...spec,
    steps,
    vars: { v: prng.between(0, 9) },
    ...(prng.chance(60) && { limits: drawLimits(prng, spec) }),
  };
}

function flowing(prng: Prng, step: StepSpec, group: StepFlow['group'] & object): StepSpec {
  const condition = prng.chance(40) ? drawCondition(prng, step.needs) : undefined;
  const listed = step.gangMin === undefined && prng.chance(40);
  const each = listed ? drawEach(prng, step.needs) : undefined;
  const count = each === undefined ? step.count : each.kind === 'items' ? each.items.length : 0;
  const flow: StepFlow = {
    onFailure: prng.chance(30) ? 'continue' : 'fail',
    ...(condition !== undefined && { condition }),
    ...(each && { each }),
    ...(prng.chance(30) && { group }),
  };
  if (!prng.chance(30)) return { ...step, count, flow };
  const hole = prng.chance(10) ? 'vars.none' : 'vars.v + index';
  const run = { kind: 'argv', argv: ['run', `--n=\${{ ${hole} }}`] } as const;
  return { ...step, count, run, flow: { ...flow, holes: true } };
}

function drawCondition(prng: Prng, needs: readonly StepId[]): string {
  const vars = `vars.v > ${prng.between(0, 9)}`;
  if (needs.length === 0) return vars;
  const need = prng.pick(needs);
  return prng.pick([
    vars,
    `steps.${need}.state == 'succeeded'`,
    `steps.${need}.state == 'failed'`,
    `steps.${need}.outputs.n > ${prng.between(0, 9)}`,
  ]);
}

function drawEach(prng: Prng, needs: readonly StepId[]): StepFlow['each'] & object {
  if (prng.chance(25)) {
    const items = Array.from({ length: prng.below(5) }, (_, i) => ({ i }));
    return { kind: 'items', items };
  }
  const max = prng.pick([2, 10, 10]);
  if (needs.length === 0) return { kind: 'expression', expression: '[1, 2, 3]', max };
  const need = prng.pick(needs);
  const expression = prng.pick(['[1, 2, 3]', `steps.${need}.outputs.list`, `steps.${need}.tasks`]);
  return { kind: 'expression', expression, max };
}

function drawLimits(prng: Prng, { steps }: WorkloadSpec): WorkloadLimits {
  const most = (of: (step: StepSpec) => number): number => Math.max(1, ...steps.map(of));
  const times = prng.between(1, 3);
  const or = (percent: number, value: number): number => (prng.chance(percent) ? value : UNLIMITED);
  return {
    executionMs: spanMs(or(40, prng.between(60_000, 2_000_000))),
    cpu: or(40, most(({ request, gangMin = 1 }) => request.cpu * gangMin) * times),
    memory: or(40, most(({ request, gangMin = 1 }) => request.memory * gangMin) * times),
    ...(prng.chance(40) && {
      gpu: most(({ request, gangMin = 1 }) => request.gpu * gangMin) * times,
    }),
    concurrentTasks: or(50, most(({ gangMin = 1 }) => gangMin) + prng.below(4)),
    retries: or(50, prng.below(4)),
    cost: UNLIMITED as WorkloadLimits['cost'],
    modelCalls: UNLIMITED,
    tokens: UNLIMITED,
  };
}
