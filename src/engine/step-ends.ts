import { assertNever } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import { evaluateExpression } from '../expression/expression.ts';
import type { FlowValue, StepEndReason } from '../model/flow.ts';
import type { EndState, Event } from '../model/messages.ts';
import { stepScope } from './flow-scope.ts';
import {
  isFine,
  isMet,
  type StepRecord,
  stepNamed,
  stopOf,
  type WorkloadRecord,
} from './records.ts';
import { serviceStepEnd } from './service-decide.ts';

/** Of a list that is known only while its workload runs. */
export const ITEMS_MAX = 10_000;
const ITEM_CHARS_MAX = 1024 * 1024;

/** What follows for a step now: its end, or that it opens, or nothing. */
export function nextOfStep(step: StepRecord, at: TimeMs, tasksFree: number): Event | undefined {
  if (step.state !== 'blocked') {
    const state = endOfOpen(step);
    return state && ended(step, at, state);
  }
  const stop = stopOf(step.workload);
  if (stop !== undefined) return ended(step, at, stop === 'over-budget' ? 'skipped' : 'cancelled');
  if (step.unmet === 0) return decided(step, at, tasksFree);
  if (step.spec.flow?.condition !== undefined) return undefined;
  const isHopeless = step.spec.needs.some((id) => {
    const need = stepNamed(step.workload, id)!;
    return need.endedAt !== undefined && !isMet(step, need);
  });
  return isHopeless ? ended(step, at, 'skipped') : undefined;
}

/** Whether it opens only once its condition and its list are known. */
export const needsDecision = ({ spec: { flow } }: StepRecord): boolean =>
  flow?.condition !== undefined || flow?.each?.kind === 'expression';

export function workloadEnd(workload: WorkloadRecord): EndState {
  if (workload.overBudget !== undefined) return 'failed';
  if (workload.service !== undefined) return 'cancelled';
  if (overUsed(workload)) return 'failed';
  if (workload.steps.every(isFine)) return 'succeeded';
  const failed = workload.steps.some((step) => step.state === 'failed' && !isFine(step));
  return failed || workload.limitReached?.stops === true ? 'failed' : 'cancelled';
}

/** It did its work, and more than it may: that is known only when it has happened. */
const overUsed = ({ limitReached }: WorkloadRecord): boolean =>
  limitReached?.limit === 'model-calls' || limitReached?.limit === 'tokens';

function endOfOpen(step: StepRecord): EndState | undefined {
  const { counts, state, spec } = step;
  if (state !== 'open' || counts.running > 0) return undefined;
  if (spec.service !== undefined) return serviceStepEnd(step);
  if (counts.succeeded === spec.count) return 'succeeded';
  const stop = stopOf(step.workload);
  if (stop === 'over-budget') return 'failed';
  if (stop !== undefined || counts.cancelled > 0) return 'cancelled';
  return counts.failed > 0 ? 'failed' : undefined;
}

function ended(
  { spec, workload }: StepRecord,
  at: TimeMs,
  state: EndState | 'skipped',
  reason?: StepEndReason,
): Event {
  const event = { kind: 'step-ended', at, workload: workload.id, step: spec.id, state } as const;
  return reason === undefined ? event : { ...event, reason };
}

/** All that it needs has ended: whether it runs, and how many tasks it has. */
function decided(step: StepRecord, at: TimeMs, tasksFree: number): Event {
  const { workload, spec } = step;
  const fails = (message: string): Event =>
    ended(step, at, 'failed', { kind: 'expression', message });
  const scope = stepScope(step);
  const { condition, each } = spec.flow!;
  if (condition !== undefined) {
    const result = evaluateExpression(condition, scope);
    if (!result.ok) return fails(`Its condition could not be evaluated: ${result.message}.`);
    if (result.value === false) return ended(step, at, 'skipped', { kind: 'condition' });
    if (result.value !== true) {
      return fails(`Its condition gives ${kindOf(result.value)}, neither true nor false.`);
    }
  }
  const about = { at, workload: workload.id, step: spec.id };
  if (each?.kind !== 'expression') return { kind: 'step-opened', ...about };
  const result = evaluateExpression(each.expression, scope);
  if (!result.ok) return fails(`Its list could not be evaluated: ${result.message}.`);
  const items = result.value;
  if (!isList(items)) return fails(`Its list is ${kindOf(items)}, not a list.`);
  const most = Math.min(each.max, ITEMS_MAX);
  if (items.length > most) {
    return fails(`Its list has ${items.length} items, and may have ${most}.`);
  }
  const chars = JSON.stringify(items).length;
  if (chars > ITEM_CHARS_MAX) {
    return fails(`Its list has ${chars} characters, and may have ${ITEM_CHARS_MAX}.`);
  }
  if (items.length > tasksFree) {
    return fails(
      `Its list has ${items.length} items, and the site has room for ${tasksFree} more tasks.`,
    );
  }
  return { kind: 'step-expanded', ...about, items };
}

const isList = (value: FlowValue): value is readonly FlowValue[] => Array.isArray(value);

function kindOf(value: FlowValue): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
      return String(value);
    case 'number':
      return `the number ${value}`;
    case 'string':
      return value.length > 40 ? 'a text' : `the text ${JSON.stringify(value)}`;
    case 'object':
      return isList(value) ? 'a list' : 'a map';
    default:
      return assertNever(value);
  }
}
