import type { Bytes, MilliCpu, MilliGpu, SpanMs, TimeMs } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import { smallerAsk } from '../scheduling/smaller-ask.ts';
import { runMaxOf, type TaskRecord } from './records.ts';
import type { State } from './state.ts';

const MIB = 1024 ** 2;

/** What a task that waits would have to ask for, at most, to start now. */
export type Smaller =
  | { readonly kind: 'amounts'; readonly request: Resources; readonly cut: readonly Cut[] }
  /** The same amounts for no longer than this. */
  | { readonly kind: 'time'; readonly runMaxMs: number };

interface Cut {
  readonly resource: string;
  readonly most: number;
}

/**
 * Less with which the task would start now, given why it does not; undefined when none is sure. It is sure
 * because nothing else could start when the last pass ended, and less of everything breaks no limit more.
 */
export function startsWithLess(
  state: State,
  task: TaskRecord,
  refusal: Refusal,
  at: TimeMs,
): Smaller | undefined {
  const ask = state.shapes.ask(task.shape);
  if (refusal.code === 'quota') return shorter(state, task, refusal, at);
  const bound = boundOf(refusal, ask);
  const request = bound && smallerAsk(state.table, bound);
  if (request === undefined) return undefined;
  const cut = cutsOf(ask, request);
  if (cut.length === 0) return undefined;
  if (state.scheduler.startsWith?.(task, request, at) !== true) return undefined;
  return { kind: 'amounts', request, cut };
}

/** Of its limit or its free nodes; the ask itself where only room is lacking. */
function boundOf(refusal: Refusal, ask: Resources): Resources | undefined {
  switch (refusal.code) {
    case 'insufficient':
    case 'constraints':
    case 'spot':
      return ask;
    case 'queue-limit':
      return lowered(ask, refusal.resource, refusal.limit - refusal.held);
    case 'kept-for-others':
      return lowered(ask, refusal.resource, refusal.free - refusal.kept);
    default:
      return undefined;
  }
}

function lowered(ask: Resources, resource: string, most: number): Resources | undefined {
  if (most <= 0) return undefined;
  if (resource === 'cpu') return { ...ask, cpu: most as MilliCpu };
  if (resource === 'memory') return { ...ask, memory: (Math.floor(most / MIB) * MIB) as Bytes };
  if (resource !== 'gpu') return undefined;
  const whole = ask.gpu < 1000 ? most : Math.floor(most / 1000) * 1000;
  return whole === 0 ? undefined : { ...ask, gpu: whole as MilliGpu };
}

/** What is left of the quota divided by what it holds at once, in whole seconds. */
function shorter(
  state: State,
  task: TaskRecord,
  refusal: Extract<Refusal, { code: 'quota' }>,
  at: TimeMs,
): Smaller | undefined {
  const ask = state.shapes.ask(task.shape);
  const left = refusal.limit - refusal.used - refusal.reserved;
  if (left <= 0 || refusal.asked === 0) return undefined;
  const { resource } = refusal;
  const amount =
    resource === 'memory' ? Math.ceil(ask.memory / MIB) : resource === 'gpu' ? ask.gpu : ask.cpu;
  const runMaxMs = (Math.floor(left / Math.max(1, amount)) * 1000) as SpanMs;
  if (runMaxMs <= 0 || runMaxMs >= runMaxOf(task)) return undefined;
  const fitting = smallerAsk(state.table, ask);
  if (fitting === undefined || cutsOf(ask, fitting).length > 0) return undefined;
  const { step } = task;
  const limits = { ...step.spec.limits, wallMs: runMaxMs, graceMs: 0 as SpanMs };
  const hurried = { ...task, step: { ...step, spec: { ...step.spec, limits } } };
  if (state.scheduler.startsWith?.(hurried, ask, at) !== true) return undefined;
  return { kind: 'time', runMaxMs };
}

function cutsOf(ask: Resources, request: Resources): Cut[] {
  const cut: Cut[] = [];
  for (const resource of ['gpu', 'cpu', 'memory'] as const) {
    if (request[resource] < ask[resource]) cut.push({ resource, most: request[resource] });
  }
  for (const [i, [name, amount]] of request.custom.entries()) {
    if (amount < ask.custom[i]![1]) cut.push({ resource: name, most: amount });
  }
  return cut;
}
