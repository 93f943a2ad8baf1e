import { z } from 'zod';
import type { MicroDollars, TimeMs } from '../base/units.ts';
import { type FlowValue, limitNames } from '../model/flow.ts';
import type { AttemptId, StepId, WorkloadId } from '../model/ids.ts';
import { span, text, whole } from './plain-forms.ts';

export const flowValue: z.ZodType<FlowValue> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.number(),
    z.string(),
    z.array(flowValue),
    z.record(z.string(), flowValue),
  ]),
);

export const flowValues = z.record(z.string(), flowValue);

export const flow = z.strictObject({
  condition: z.string().exactOptional(),
  each: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('items'), items: z.array(flowValue) }),
      z.strictObject({ kind: z.literal('expression'), expression: z.string(), max: whole() }),
    ])
    .exactOptional(),
  holes: z.literal(true).exactOptional(),
  onFailure: z.enum(['fail', 'continue']),
  group: z.strictObject({ id: text<StepId>(), maxParallel: whole() }).exactOptional(),
  cache: z
    .strictObject({
      ttlMs: span,
      sharedBy: z.enum(['tenant', 'everybody']),
      inputs: z.array(z.string()),
      artefacts: z.array(z.string()),
      salt: z.string(),
    })
    .exactOptional(),
});

export const workloadLimits = z.strictObject({
  executionMs: span,
  cpu: whole(),
  memory: whole(),
  gpu: whole().exactOptional(),
  concurrentTasks: whole(),
  retries: whole(),
  cost: whole<MicroDollars>(),
  hourlyCost: whole<MicroDollars>().exactOptional(),
  modelCalls: whole(),
  tokens: whole(),
});

export const cachedFrom = z.strictObject({ attempt: text<AttemptId>(), at: whole<TimeMs>() });

export const limitReached = z.strictObject({
  limit: z.enum(limitNames),
  stops: z.boolean(),
  message: z.string(),
});

export const stepEndReason = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('condition') }),
  z.strictObject({ kind: z.literal('expression'), message: z.string() }),
]);

export const resumption = z.strictObject({
  from: text<WorkloadId>(),
  folder: text<WorkloadId>(),
  done: z.array(z.strictObject({ step: text<StepId>(), outputs: z.array(flowValues) })),
});
