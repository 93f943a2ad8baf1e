import type { OpenAPIHono } from '@hono/zod-openapi';
import { settingsSchema } from '../contract/settings-documents.ts';
import { settingsFor } from '../views/settings.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';

const listSettings = defineOperation(
  {
    method: 'get',
    path: '/api/v1/settings',
    operationId: 'listSettings',
    summary: 'Every setting of the daemon and of the site, with who said so; never a secret',
    responses: {
      200: {
        description: 'In the order of the reference, those of the daemon first',
        content: { 'application/json': { schema: settingsSchema } },
      },
    },
  },
  [],
);

export const settingsOperations = [listSettings] as const;

export function addSettingsRoutes(api: OpenAPIHono<ApiEnv>, { settings }: ApiDeps): void {
  api.openapi(listSettings, (c) => {
    const { role, sees } = c.var.identity;
    return c.json(settingsFor(settings.settings(), { isAdmin: role === 'admin', sees }), 200);
  });
}
