import { z } from 'zod';
import { oneOf, quantity, wholeNumber } from '../fields.ts';
import { cacheTtl } from '../flow-schema.ts';
import { parseClockTime, parseSpan } from '../quantities.ts';
import { spanForm } from './limits-block.ts';

const TASKS_MAX = 1_000_000;

export const cacheStrategies = ['none', 'conservative', 'moderate', 'aggressive'] as const;
export type CacheStrategy = (typeof cacheStrategies)[number];

const hours = z
  .string()
  .transform((written, context): string => {
    const plain = written.trim().replaceAll('-', '_');
    if (plain === 'off_peak' || plain === 'any') return plain;
    const ends = written.split(/\s*[-–]\s*/);
    const wrong = ends.map(parseClockTime).find((end) => !end.ok);
    if (ends.length === 2 && wrong === undefined) return written;
    const params = { expected: 'off_peak, any, or hours such as 22:00-06:00' };
    const message = 'these are no hours of a day';
    context.addIssue({ code: 'custom', message, params });
    return z.NEVER;
  })
  .meta({ description: 'When it would rather run.', title: 'off_peak, any, or 22:00-06:00' });

export const batchingShape = {
  enabled: z
    .boolean()
    .meta({ description: 'Alike calls of models are put together.', default: false })
    .optional(),
  wait_time: quantity(parseSpan, {
    description: 'A call waits for others for so long.',
    form: spanForm,
    finite: true,
  }).optional(),
  max_batch: wholeNumber(1, 1_000_000, { description: 'Of so many calls.' }).optional(),
  max_batch_size: wholeNumber(1, 1_000_000, {
    description: 'Another name of `max_batch`.',
  }).optional(),
};

/** `optimization`: how a workload as a whole may be made faster or cheaper. */
export const optimizationSchema = z
  .strictObject({
    parallel_tasks: wholeNumber(1, TASKS_MAX, {
      description: 'Tasks that run at once; the smaller of this and `max_concurrent_tasks` holds.',
    }).optional(),
    gpu_scheduling: oneOf(['shared', 'exclusive'], {
      description:
        '`exclusive`: a GPU of which its tasks have shares is shared among them, and with no other workload.',
    }).optional(),
    cache_strategy: oneOf(cacheStrategies, {
      description:
        'Results of actions that depend on their arguments and files alone are kept: for 10 minutes, an hour, or a day; `aggressive` also those of `process_data_shard` and `analyze_with_ai`.',
    }).optional(),
    batching: z
      .strictObject(batchingShape)
      .meta({ description: 'Of calls of models. Checked; needs the model gateway.' })
      .optional(),
    caching: z
      .strictObject({
        enabled: z
          .boolean()
          .meta({
            description:
              'Results of actions that depend on their arguments and files alone are kept.',
            default: false,
          })
          .optional(),
        share_across_users: z
          .boolean()
          .meta({ description: 'Whoever asks for the same gets them.', default: false })
          .optional(),
        ttl: cacheTtl('A result is taken for so long.'),
      })
      .meta({ description: 'Where a step has `cache`, what that does not say.' })
      .optional(),
    scheduling: z
      .strictObject({
        preferred_hours: hours.optional(),
        max_wait_time: quantity(parseSpan, {
          description: 'It waits for those hours at most so long.',
          form: spanForm,
          finite: true,
        }).optional(),
      })
      .meta({ description: 'Checked; nothing waits for its hours yet.' })
      .optional(),
  })
  .meta({ description: 'How the workload may be made faster or cheaper.' });

export type OptimizationBlock = z.output<typeof optimizationSchema>;
