import { z } from '@hono/zod-openapi';
import type { Sight } from './token-documents.ts';

/** Every setting of the daemon and of the site, as it is in force, and who said so. */

export const origins = ['default', 'found', 'environment', 'flag', 'site', 'plug-in'] as const;

export const settingSchema = z
  .object({
    name: z.string().openapi({ example: 'scheduling.half_life' }),
    group: z.string().describe('`daemon`, `plug-in`, or a block of the site document'),
    value: z
      .string()
      .nullable()
      .describe('As it was written; null: nothing is set, or it is withheld'),
    default: z.string().nullable().describe('What holds where nobody says; null: nothing does'),
    origin: z
      .enum(origins)
      .describe('`found`: a file in its usual place; `site`: the site document'),
    source: z
      .string()
      .describe('The flag, the variable, or file and line')
      .openapi({ example: '/etc/berth/site.yaml:10' }),
    meaning: z.string(),
    withheld: z
      .enum(['secret', 'admin'])
      .nullable()
      .describe('Why the value is not here: nobody is shown it, or admins only'),
  })
  .openapi('Setting');

export const settingsSchema = z
  .object({
    site_file: z.string().nullable(),
    settings: z.array(settingSchema),
    left_out: z.int().describe('Keys of the site document that are not here, being too many'),
  })
  .openapi('Settings');

export type Setting = z.infer<typeof settingSchema>;
export type SettingsDocument = z.infer<typeof settingsSchema>;

/** What the routes need for settings. Secrets are already left out; who may see the rest, the route decides. */
export interface SettingsSite {
  settings(): SettingsDocument;
}

/** Who asks, as far as it matters here. */
export interface SettingsAsker {
  readonly isAdmin: boolean;
  readonly sees: Sight;
}
