import { z } from 'zod';
import { REPLICAS_MAX } from '../model/node.ts';
import type { GpuSharingRule } from '../model/scheduling-config.ts';
import { oneOf, text, wholeNumber } from './fields.ts';

export const gpuSharingSchema = z
  .array(
    z.strictObject({
      models: z
        .array(text({ description: 'As `berth inventory` names it.', max: 128, filled: true }))
        .max(64)
        .meta({ description: 'Models of GPU; every one, when not given.' })
        .optional(),
      mode: oneOf(['exclusive', 'mps', 'time-slice'] as const, {
        description: 'Whole or not at all; at once, held to parts; or in turn.',
      }),
      replicas: wholeNumber(2, REPLICAS_MAX, {
        description: 'Of time slices: so many take turns.',
        default: 4,
      }).optional(),
    }),
  )
  .max(64)
  .meta({ description: 'How devices are shared; the first rule that names a model is its.' });

export const readGpuSharing = (block: z.output<typeof gpuSharingSchema>): GpuSharingRule[] =>
  block.map(({ models = [], mode, replicas = 4 }) => ({
    models,
    sharing: mode === 'time-slice' ? { kind: mode, replicas } : { kind: mode },
  }));
