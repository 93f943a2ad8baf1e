import { z } from 'zod';
import { oneOf, quantity, text } from '../fields.ts';
import { bitRate } from '../network-fields.ts';
import { className } from '../priority-class-block.ts';
import { parseBytes, parseCpu, parseDollars, parseGpuSum } from '../quantities.ts';
import { dollarsForm } from './limits-block.ts';

const size = (description: string) =>
  quantity(parseBytes, {
    description,
    form: 'bytes such as 100Gi',
    positive: true,
    finite: true,
  }).optional();

/** `resource_requirements`: what a workload as a whole asks for. */
export const requirementsSchema = z
  .strictObject({
    class: className
      .meta({
        description:
          '`guaranteed`: its tasks are limited to what they ask for, are not stopped for others, and their memory is not taken from them; `burstable`: their memory is taken last; `best-effort`: they may be stopped, and are the first to go when memory runs out. A step that says so itself is not changed. Any other name is that of a priority class, as `class` of the document.',
      })
      .optional(),
    compute: z
      .strictObject({
        cpu: quantity(parseCpu, {
          description: 'Its tasks have at most so much at once.',
          form: 'cores such as 8 or 0.5',
          positive: true,
          finite: true,
        }).optional(),
        memory: size('Its tasks have at most so much at once.'),
        gpu: quantity(parseGpuSum, {
          description: 'Its tasks have at most so many at once.',
          form: 'GPUs such as 2 or 0.5',
          finite: true,
        }).optional(),
      })
      .meta({ description: 'What its tasks may have at once, all together.' })
      .optional(),
    storage: z
      .strictObject({
        workspace: size(
          'Of BERTH_WORKDIR: what runs when it is larger is ended, `disk-exceeded`. It is measured every two seconds.',
        ),
        cache: size('Of kept results. Checked; the site has one size for all.'),
      })
      .meta({ description: 'Space for files.' })
      .optional(),
    network: z
      .strictObject({
        priority: oneOf(['high', 'normal', 'low'], {
          description: 'Class of traffic of steps that have none.',
        }).optional(),
        bandwidth_guarantee: bitRate(
          'Kept for each task when others want the link, too.',
        ).optional(),
      })
      .meta({ description: 'For the steps that do not say otherwise.' })
      .optional(),
    use_spot_instances: z
      .boolean()
      .meta({
        description:
          'Its tasks go to nodes that may be taken away first, as `compute.spot_instances` of the site has it; `false`: never there, where the site has that block. Not for tasks that start together.',
      })
      .optional(),
    cost_controls: z
      .strictObject({
        max_hourly_cost: quantity(parseDollars, {
          description:
            'What all of its tasks that run at once may cost in an hour, by the prices of the site.',
          form: dollarsForm,
        }).optional(),
        prefer_cached_results: z
          .boolean()
          .meta({
            description: 'As `optimization.caching.enabled`.',
            default: false,
          })
          .optional(),
        model_selection: text({
          description: 'Which model answers. Checked; needs the model gateway.',
          max: 63,
          filled: true,
          oneLine: true,
        }).optional(),
      })
      .meta({ description: 'What it may spend, and how it saves.' })
      .optional(),
  })
  .meta({ description: 'What the workload as a whole asks for.' });

export type RequirementsBlock = z.output<typeof requirementsSchema>;
