import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { networkStatusSchema } from '../contract/network-documents.ts';
import type { ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';

const networkQuery = z.object({
  device: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/, 'must be the name of a network device')
    .optional()
    .openapi({ description: 'Print the classes of traffic as a script of tc for it' }),
  bits_per_second: z
    .string()
    .regex(/^[1-9]\d{0,12}$/, 'must be a whole number of bits per second')
    .transform(Number)
    .optional()
    .openapi({ type: 'integer', description: 'Of the device; what the site says, when not given' }),
});

const readNetwork = defineOperation(
  {
    method: 'get',
    path: '/api/v1/network',
    operationId: 'readNetwork',
    summary: 'What tasks may use of the network, and what went through the proxy',
    request: { query: networkQuery },
    responses: {
      200: {
        description: 'Limits, and counts since the daemon was opened',
        content: { 'application/json': { schema: networkStatusSchema } },
      },
    },
  },
  ['USAGE'],
);

export const networkOperations = [readNetwork] as const;

export function addNetworkRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(readNetwork, (c) => {
    const { device, bits_per_second: bitsPerSecond } = c.req.valid('query');
    return c.json(c.get('site').network({ device, bitsPerSecond }), 200);
  });
}
