import { z } from 'zod';
import { oneOf, quantity } from '../fields.ts';
import { cacheTtl } from '../flow-schema.ts';
import { parseFactor } from '../quantities.ts';
import { batchingSchema } from './optimization-block.ts';

const flag = (description: string) => z.boolean().meta({ description, default: false }).optional();

/** `cost_optimization`: ways to spend less. */
export const costOptimizationSchema = z
  .strictObject({
    strategies: z
      .strictObject({
        model_selection: z
          .strictObject({
            enabled: flag('Whether another model may answer.'),
            prefer_cheaper_models: flag('The cheapest that is good enough.'),
            quality_threshold: quantity(parseFactor, {
              description: 'Good enough: a part of what the best reaches.',
              form: 'part of 1 such as 0.9',
            })
              .refine((part) => part <= 10_000, { error: 'a part of at most 1' })
              .optional(),
          })
          .meta({ description: 'Which model answers. Checked; needs the model gateway.' })
          .optional(),
        caching: z
          .strictObject({
            enabled: flag(
              'Results of actions that depend on their arguments and files alone are kept.',
            ),
            ttl: cacheTtl('A result is taken for so long.'),
            cache_expensive_operations: flag('Also those of `analyze_with_ai`.'),
          })
          .meta({ description: 'Where a step has `cache`, what that does not say.' })
          .optional(),
        batching: batchingSchema.optional(),
        resource_packing: z
          .strictObject({
            enabled: flag('Tasks are packed onto nodes as the algorithm says.'),
            bin_packing_algorithm: oneOf(
              [
                'first-fit',
                'best-fit',
                'worst-fit',
                'next-fit',
                'first-fit-decreasing',
                'best-fit-decreasing',
              ],
              {
                description:
                  '`decreasing`: the largest waiting task first. `next-fit` is taken as `first-fit`.',
                default: 'best-fit',
              },
            ).optional(),
          })
          .meta({
            description:
              'How a site packs tasks onto its nodes. Acts in the site document; ignored in a workload.',
          })
          .optional(),
      })
      .meta({ description: 'Each by itself.' })
      .optional(),
  })
  .meta({ description: 'Ways to spend less.' });

export type CostOptimizationBlock = z.output<typeof costOptimizationSchema>;
