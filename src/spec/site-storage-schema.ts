import { z } from 'zod';
import { scratchSchema, volumeSchema } from './blocks/storage-block.ts';
import { quantity } from './fields.ts';
import { parseBytes } from './quantities.ts';

const VOLUMES_MAX = 1000;

export const siteStorageSchema = z
  .strictObject({
    scratch: quantity(parseBytes, {
      description:
        'How much scratch of tasks the disk may hold at once, at the peaks of their phases.',
      form: 'bytes such as 500Gi',
      positive: true,
      finite: true,
    }).optional(),
    classes: z
      .record(
        z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, { error: 'the name of a class' }),
        z.string().regex(/^\/[^\p{Cc}]{1,4094}$/u, { error: 'an absolute path below /' }),
      )
      .meta({ description: 'Folder of the volumes of a class, by the `type` that volumes name.' })
      .optional(),
    volumes: z
      .array(volumeSchema)
      .max(VOLUMES_MAX)
      .meta({
        description:
          'Volumes that documents use by their names, as `storage: {volumes: [NAME]}`; they are shared by all.',
      })
      .optional(),
    temp_storage: scratchSchema
      .meta({ description: 'The scratch of each task that does not say its own.' })
      .optional(),
  })
  .meta({
    description:
      'Where volumes lie; those of no class lie in the state folder. How much scratch may hold.',
  });

export type SiteStorage = z.output<typeof siteStorageSchema>;
