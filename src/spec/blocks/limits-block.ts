import { z } from 'zod';
import { bytes, type MicroDollars, milliCpu, spanMs, UNLIMITED } from '../../base/units.ts';
import type { WorkloadLimits } from '../../model/flow.ts';
import { quantity, wholeNumber } from '../fields.ts';
import { parseBytes, parseCpu, parseDollars, parseSpan } from '../quantities.ts';

const COUNT_MAX = 1_000_000_000;

export const spanForm = 'span such as 90s, 1h30m or 250ms; a bare number is seconds';
export const dollarsForm = 'dollars such as 5 or 50.00';

const costLimits = z
  .strictObject({
    max_cost: quantity(parseDollars, {
      description: 'All its attempts together cost at most so much.',
      form: dollarsForm,
      default: 'unlimited',
    }).optional(),
    max_model_calls: wholeNumber(0, COUNT_MAX, {
      description:
        'Calls of models that all its tasks together may tell of in `BERTH_USAGE`; one more ends the workload. `analyze_with_ai` makes no call beyond it.',
      default: 'unlimited',
    }).optional(),
    max_tokens: wholeNumber(0, 1_000_000_000_000, {
      description: 'Tokens, in and out, of all those calls together; more end the workload.',
      default: 'unlimited',
    }).optional(),
  })
  .meta({ description: 'What it may cost.' });

/** `pipeline`: what a workload as a whole is held to. */
export const pipelineBlockSchema = z
  .strictObject({
    resource_limits: z
      .strictObject({
        max_execution_time: quantity(parseSpan, {
          description: 'Wall-clock time from its first start; then it is stopped.',
          form: spanForm,
          positive: true,
          default: 'unlimited',
        }).optional(),
        max_memory: quantity(parseBytes, {
          description: 'Requested by the tasks that run at once.',
          form: 'bytes such as 32Gi',
          positive: true,
          default: 'unlimited',
        }).optional(),
        max_cpu: quantity(parseCpu, {
          description: 'Requested by the tasks that run at once.',
          form: 'cores such as 8 or 0.5',
          positive: true,
          default: 'unlimited',
        }).optional(),
        max_concurrent_tasks: wholeNumber(1, COUNT_MAX, {
          description: 'Tasks that run at once.',
        }).optional(),
        max_retries: wholeNumber(0, COUNT_MAX, {
          description: 'Retries of all its tasks together.',
        }).optional(),
        cost_limits: costLimits.optional(),
      })
      .meta({ description: 'Limits of the workload as a whole.' })
      .optional(),
  })
  .meta({ description: 'What the workload as a whole is held to.' });

export type PipelineBlock = z.output<typeof pipelineBlockSchema>;

export const noLimits: WorkloadLimits = {
  executionMs: spanMs(UNLIMITED),
  cpu: milliCpu(UNLIMITED),
  memory: bytes(UNLIMITED),
  concurrentTasks: UNLIMITED,
  retries: UNLIMITED,
  cost: UNLIMITED as MicroDollars,
  modelCalls: UNLIMITED,
  tokens: UNLIMITED,
};

export function readPipelineLimits(block: PipelineBlock | undefined): WorkloadLimits {
  const limits = block?.resource_limits;
  const costs = limits?.cost_limits;
  return {
    executionMs: limits?.max_execution_time ?? noLimits.executionMs,
    cpu: limits?.max_cpu ?? noLimits.cpu,
    memory: limits?.max_memory ?? noLimits.memory,
    concurrentTasks: limits?.max_concurrent_tasks ?? noLimits.concurrentTasks,
    retries: limits?.max_retries ?? noLimits.retries,
    cost: costs?.max_cost ?? noLimits.cost,
    modelCalls: costs?.max_model_calls ?? noLimits.modelCalls,
    tokens: costs?.max_tokens ?? noLimits.tokens,
  };
}
