import { z } from 'zod';
import { oneOf, quantity, wholeNumber } from '../fields.ts';
import { cacheTtl } from '../flow-schema.ts';
import { hoursOr } from '../hours-of-day.ts';
import { parseSpan } from '../quantities.ts';
import { timeZone } from '../site-fields.ts';
import { spanForm } from './limits-block.ts';

const TASKS_MAX = 1_000_000;

export const cacheStrategies = ['none', 'conservative', 'moderate', 'aggressive'] as const;
export type CacheStrategy = (typeof cacheStrategies)[number];

const hours = hoursOr(['off_peak', 'any'], {
  description:
    'When its tasks may start; outside of these hours they wait. `off_peak`: those of the site, 22:00-06:00 where it says nothing.',
});

/** Of tasks that start together: those of steps of one tenant with the same action or command. */
export const batchingSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .meta({
        description:
          'Tasks of steps with the same action, or the same command as it is written, wait for each other and start together, across submissions of one user to one queue.',
        default: false,
      })
      .optional(),
    wait_time: quantity(parseSpan, {
      description: 'The first of them waits so long.',
      form: spanForm,
      finite: true,
      default: '5s',
    }).optional(),
    max_batch: wholeNumber(1, 1_000_000, {
      description: 'With so many ready they wait no longer.',
      default: 100,
    }).optional(),
    max_batch_size: wholeNumber(1, 1_000_000, {
      description: 'Another name of `max_batch`.',
    }).optional(),
  })
  .meta({
    description:
      'Tasks that are alike start together. Each is a process of its own all the same; calls of models are not put together.',
  });

export type BatchingBlock = z.output<typeof batchingSchema>;

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
    batching: batchingSchema.optional(),
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
          description:
            'So long after its step could start, a task waits for those hours no longer.',
          form: spanForm,
          finite: true,
          default: '24h',
        }).optional(),
        timezone: timeZone
          .meta({ description: 'Of hours of its own. That of the site, when not given.' })
          .optional(),
      })
      .meta({
        description:
          'When it would rather start. A task that tries again, or was stopped for others, waits no more.',
      })
      .optional(),
  })
  .meta({ description: 'How the workload may be made faster or cheaper.' });

export type OptimizationBlock = z.output<typeof optimizationSchema>;
