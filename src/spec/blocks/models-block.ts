import { z } from 'zod';
import { oneOf, quantity, text, wholeNumber } from '../fields.ts';
import { parseBytes, parseSpan } from '../quantities.ts';
import { spanForm } from './limits-block.ts';

const COUNT_MAX = 1_000_000;
const instances = (description: string) => wholeNumber(0, COUNT_MAX, { description }).optional();

/** `models`: instances of models, and what each is given. Nothing acts on it yet: see `unmetModels`. */
export const modelsSchema = z
  .strictObject({
    resource_management: z
      .strictObject({
        instance_pooling: z
          .strictObject({
            enabled: z.boolean().meta({ description: 'Instances are kept.' }).optional(),
            min_instances: instances('Kept although nobody calls.'),
            max_instances: instances('Never more.'),
            idle_timeout: quantity(parseSpan, {
              description: 'One that nobody called for so long is stopped.',
              form: spanForm,
            }).optional(),
          })
          .meta({ description: 'Instances that wait for calls.' })
          .optional(),
        model_loading: z
          .strictObject({
            strategy: oneOf(['lazy', 'eager', 'preload'], {
              description: 'When a model is loaded: when it is called, at the start, or before.',
            }).optional(),
            cache_size: quantity(parseBytes, {
              description: 'Of models that are loaded.',
              form: 'bytes such as 10Gi',
              finite: true,
            }).optional(),
          })
          .meta({ description: 'How models get into memory.' })
          .optional(),
        allocation: z
          .record(
            text({ description: 'A model.', max: 128, filled: true, oneLine: true }),
            z.strictObject({
              dedicated_instances: instances('For it alone.'),
              max_concurrent_requests: wholeNumber(1, COUNT_MAX, {
                description: 'Calls at once.',
              }).optional(),
            }),
          )
          .meta({ description: 'What each model is given, by name.' })
          .optional(),
      })
      .meta({ description: 'Instances of models.' })
      .optional(),
  })
  .check(({ value, issues }) => {
    const pooling = value.resource_management?.instance_pooling;
    const { min_instances: min, max_instances: max } = pooling ?? {};
    if (min === undefined || max === undefined || min <= max) return;
    const path = ['resource_management', 'instance_pooling', 'max_instances'];
    const message = `${max} is below the ${min} of \`min_instances\``;
    issues.push({ code: 'custom', message, path, input: value });
  })
  .meta({
    description:
      'Models, their instances and their limits. Checked; nothing of it acts without the model gateway.',
  });

export type ModelsBlock = z.output<typeof modelsSchema>;

/** A key that is checked and that nothing acts on, when it has a value, and what is not there yet. */
export type UnmetRow = readonly [value: unknown, path: string, message: string];

export function unmetModels(block: ModelsBlock | undefined): UnmetRow[] {
  const { instance_pooling, model_loading, allocation } = block?.resource_management ?? {};
  const at = 'models.resource_management';
  const gateway = 'the model gateway, which does that, is not part of this version';
  return [
    [
      instance_pooling,
      `${at}.instance_pooling`,
      `checked; no instance of a model is started, kept or stopped: ${gateway}`,
    ],
    [model_loading, `${at}.model_loading`, `checked; no model is loaded or kept: ${gateway}`],
    [
      allocation,
      `${at}.allocation`,
      `checked; calls of models are neither given instances nor held back: ${gateway}`,
    ],
  ];
}
