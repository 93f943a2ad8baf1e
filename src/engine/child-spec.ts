import type { ExecutionTerms } from '../model/execution-terms.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import type { TaskRecord } from './records.ts';

/**
 * What a task submits by its own token, as it may be: with the isolation and network terms of the task itself, at
 * most its priority, of its priority class or none, and nothing that it was not given. Or else a workload would do for a task what the task may not.
 * @returns or why it may not be submitted.
 */
export function childSpec(
  spec: WorkloadSpec,
  parent: TaskRecord,
): WorkloadSpec | { readonly why: string } {
  const { execution } = parent.step.spec;
  const own = parent.step.workload.spec.class?.name;
  if (spec.class !== undefined && spec.class.name !== own) {
    return { why: `task ${parent.id} is not of class ${spec.class.name} itself` };
  }
  for (const step of spec.steps) {
    const secrets = namesOf(step.execution?.isolation?.secrets, ({ secret }) => secret);
    const given = namesOf(execution?.isolation?.secrets, ({ secret }) => secret);
    const volumes = namesOf(step.execution?.storage?.volumes, ({ name }) => name);
    const mounted = namesOf(execution?.storage?.volumes, ({ name }) => name);
    const secret = secrets.find((name) => !given.includes(name));
    if (secret !== undefined) return { why: `task ${parent.id} has no secret ${secret} itself` };
    const volume = volumes.find((name) => !mounted.includes(name));
    if (volume !== undefined) return { why: `task ${parent.id} has no volume ${volume} itself` };
  }
  const { priority: most } = parent.step.workload.spec;
  const { class: named } = spec;
  return {
    ...spec,
    submittedBy: parent.id,
    priority: Math.min(spec.priority, most),
    ...(named && { class: { ...named, priority: Math.min(named.priority ?? most, most) } }),
    steps: spec.steps.map((step) => heldAs(step, execution ?? {})),
  };
}

function heldAs(step: StepSpec, { isolation: own = {}, network }: ExecutionTerms): StepSpec {
  const { secrets, daemonAccess = false } = step.execution?.isolation ?? {};
  const { secrets: _, ...others } = own;
  const isolation = { ...others, daemonAccess, ...(secrets && { secrets }) };
  return { ...step, execution: { ...step.execution, ...(network && { network }), isolation } };
}

const namesOf = <T>(list: readonly T[] | undefined, name: (one: T) => string): readonly string[] =>
  (list ?? []).map(name);
