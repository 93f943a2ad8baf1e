import { addAmount, UNLIMITED } from '../base/units.ts';
import type { ExceededCause, ToldUse } from '../model/attempt.ts';
import type { LimitReached } from '../model/flow.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import type { AttemptRecord, WorkloadRecord } from './records.ts';

/** Each thing that an attempt may tell: what one attempt may have of it, and how its end is called. */
const kinds: readonly {
  readonly key: keyof ToldUse;
  readonly cause: ExceededCause;
  readonly what: string;
  readonly limit: (step: StepSpec) => number | undefined;
}[] = [
  {
    key: 'modelCalls',
    cause: 'model-calls-exceeded',
    what: 'calls of models',
    limit: ({ limits }) => limits.modelCalls,
  },
  {
    key: 'tokens',
    cause: 'tokens-exceeded',
    what: 'tokens',
    limit: ({ limits }) => limits.tokens,
  },
  {
    key: 'results',
    cause: 'results-exceeded',
    what: 'results',
    limit: ({ limits }) => limits.results,
  },
  {
    key: 'requests',
    cause: 'requests-exceeded',
    what: 'requests through the proxy',
    limit: ({ execution }) => execution?.network?.requestsMax,
  },
];

/** Whether anything that its tasks tell of their use is held to a limit. */
export function metersUse({ limits }: Pick<WorkloadSpec, 'limits'>, step: StepSpec): boolean {
  const { modelCalls = UNLIMITED, tokens = UNLIMITED } = limits ?? {};
  if (modelCalls < UNLIMITED || tokens < UNLIMITED) return true;
  return kinds.some(({ key, limit }) => key !== 'requests' && limit(step) !== undefined);
}

/** The first limit of its own that an attempt is beyond. */
export function exceededBy(
  { task }: AttemptRecord,
  used: ToldUse | undefined,
): { readonly cause: ExceededCause; readonly message: string } | undefined {
  if (used === undefined) return undefined;
  for (const { key, cause, what, limit } of kinds) {
    const most = limit(task.step.spec);
    const told = used[key] ?? 0;
    if (most === undefined || told <= most) continue;
    const message = `It told of ${told} ${what}, and may have ${most}.`;
    return { cause, message };
  }
  return undefined;
}

/** What is told anew replaces what was told; nothing that was told becomes less. */
export function toldBy(
  { used: before }: AttemptRecord,
  news: ToldUse | undefined,
): ToldUse | undefined {
  if (before === undefined && news === undefined) return undefined;
  const all = kinds.map(
    ({ key }) => [key, Math.max(before?.[key] ?? 0, news?.[key] ?? 0)] as const,
  );
  const told = all.filter(([, amount]) => amount > 0);
  return told.length === 0 ? undefined : Object.fromEntries(told);
}

/** The limit of the workload as a whole that it passes when the attempt has told so much. */
export function limitPassed(attempt: AttemptRecord, used: ToldUse): LimitReached | undefined {
  const { workload } = attempt.task.step;
  const { limits } = workload.spec;
  if (limits === undefined || workload.limitReached?.stops === true) return undefined;
  const { calls, tokens } = spentWith(attempt, used);
  const passed = (limit: 'model-calls' | 'tokens', what: string, told: number, most: number) => ({
    limit,
    stops: true,
    message: `The workload told of ${told} ${what}, and may have ${most}.`,
  });
  if (calls > limits.modelCalls) {
    return passed('model-calls', 'calls of models', calls, limits.modelCalls);
  }
  return tokens > limits.tokens ? passed('tokens', 'tokens', tokens, limits.tokens) : undefined;
}

/** Writes what an attempt told so far. */
export function tellUse(attempt: AttemptRecord, used: ToldUse): void {
  const { workload } = attempt.task.step;
  workload.spent = { ...workload.spent, ...spentWith(attempt, used) };
  attempt.used = used;
}

function spentWith(
  { task, used: before }: AttemptRecord,
  used: ToldUse,
): Pick<WorkloadRecord['spent'], 'calls' | 'tokens'> {
  const { spent } = task.step.workload;
  const more = (key: 'modelCalls' | 'tokens'): number =>
    Math.max(0, (used[key] ?? 0) - (before?.[key] ?? 0));
  return {
    calls: addAmount(spent.calls, more('modelCalls')),
    tokens: addAmount(spent.tokens, more('tokens')),
  };
}
