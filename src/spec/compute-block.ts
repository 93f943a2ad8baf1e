import { z } from 'zod';
import { onInterruptions, type SpotPolicy } from '../model/spot.ts';
import { plainMap, quantity, text, wholeNumber } from './fields.ts';
import { parseFactor } from './quantities.ts';

const TASKS_MAX = 1_000;
const ALL = 100;

const spotSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .meta({
        description: 'Whether anything is placed on spot nodes: those with the label `spot: true`.',
        default: true,
      })
      .optional(),
    percentage: wholeNumber(0, ALL, {
      description:
        'Of the running tasks that may be on spot nodes, so many percent at most are placed there, so that one interruption never stops all of them. Unless it is 0, a task that no other node could hold goes there all the same.',
      default: ALL,
    }).optional(),
    fallback: z
      .strictObject({
        on_interruption: z
          .enum(onInterruptions)
          .meta({
            description:
              'What becomes of a task whose node is taken away: it saves its work as its `checkpoint` says and starts again elsewhere; it starts again from what it saved before; or it fails. No retry is charged. Replicas of services always start again.',
            default: 'checkpoint_and_retry',
          })
          .optional(),
        max_price_increase: quantity(parseFactor, {
          description:
            'While a spot price is more than so many times its base, or more than the same node costs on demand, its nodes take nothing new; what runs there runs on. Any price, when not given.',
          form: 'factor such as 2.0',
          min: { value: 10_000, text: '1' },
          finite: true,
        }).optional(),
      })
      .meta({ description: 'What happens when a node is taken away, or too dear.' })
      .optional(),
    suitable_tasks: z
      .array(text({ description: 'A name.', max: 253, filled: true, oneLine: true }))
      .max(TASKS_MAX)
      .meta({
        description:
          'Tasks that may be on spot nodes: ids of steps, names of workloads, or values of their label `task_type`; `_` is as good as `-`. A workload says of itself with `resource_requirements.use_spot_instances`, which comes first. Tasks that start together never are.',
      })
      .optional(),
  })
  .meta({
    description:
      'Nodes that may be taken away. Tasks that may be there go there first, and elsewhere where they cannot.',
  });

export const computeSchema = z
  .strictObject({
    spot_instances: spotSchema.optional(),
    labels: plainMap(
      z
        .string()
        .regex(/^[^\p{Cc}]{1,253}$/u, { error: 'a name of at most 253 characters on one line' }),
      { max: 253 },
      {
        description:
          'Labels of this machine, beside those that are found on it: `spot: true`, `instance-type: g5.xlarge`.',
      },
    ).optional(),
  })
  .meta({ description: 'Machines that may be taken away, and what is said of this one.' });

export type ComputeBlock = z.output<typeof computeSchema>;

export function readSpot(block: ComputeBlock['spot_instances']): SpotPolicy | undefined {
  if (block === undefined) return undefined;
  const { enabled = true, percentage = ALL, fallback, suitable_tasks: suitableTasks = [] } = block;
  const { on_interruption: onInterruption = 'checkpoint_and_retry', max_price_increase: priceMax } =
    fallback ?? {};
  return {
    enabled,
    percentage,
    onInterruption,
    ...(priceMax !== undefined && { priceMax }),
    suitableTasks,
  };
}
