import { OpenAPIHono } from '@hono/zod-openapi';
import { topologyVertexJsonSchema } from '../contract/inventory-documents.ts';
import { alertOperations } from './alert-routes.ts';
import { cacheOperations } from './cache-routes.ts';
import { doctorOperations } from './doctor-routes.ts';
import { expositionOperations } from './exposition-route.ts';
import { incidentOperations } from './incident-routes.ts';
import { inventoryOperations } from './inventory-routes.ts';
import { leaseOperations } from './lease-routes.ts';
import { liveOperations } from './live-routes.ts';
import { logOperations } from './log-routes.ts';
import { metricOperations } from './metric-routes.ts';
import { moneyOperations } from './money-routes.ts';
import { networkOperations } from './network-routes.ts';
import { queueOperations } from './queue-routes.ts';
import { rebalanceOperations } from './rebalance-routes.ts';
import { reportOperations } from './report-routes.ts';
import { retryOperations } from './retry-route.ts';
import { serviceOperations } from './service-routes.ts';
import { settingsOperations } from './settings-routes.ts';
import { siteOperations } from './site-routes.ts';
import { tokenOperations } from './token-routes.ts';
import { transferOperations } from './transfer-routes.ts';
import { whatIfOperations } from './what-if-routes.ts';
import { workloadOperations } from './workload-routes.ts';

/** Every operation, in the order of the reference. */
export const operations = [
  ...workloadOperations,
  ...liveOperations,
  ...rebalanceOperations,
  ...retryOperations,
  ...whatIfOperations,
  ...cacheOperations,
  ...serviceOperations,
  ...logOperations,
  ...queueOperations,
  ...moneyOperations,
  ...doctorOperations,
  ...metricOperations,
  ...reportOperations,
  ...incidentOperations,
  ...alertOperations,
  ...networkOperations,
  ...siteOperations,
  ...settingsOperations,
  ...inventoryOperations,
  ...leaseOperations,
  ...transferOperations,
  ...tokenOperations,
  ...expositionOperations,
] as const;

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

/** OpenAPI 3.1, made from the definitions that requests are checked against. */
export function openApiDocument(): OpenApiDocument {
  const api = new OpenAPIHono();
  for (const operation of operations) api.openAPIRegistry.registerPath(operation);
  api.openAPIRegistry.registerComponent('schemas', 'TopologyVertex', topologyVertexJsonSchema);
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description:
      'The text of STATE/token, or one of `berth token add`. Not needed over the unix socket.',
  });
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Berth',
      version: 'v1',
      description:
        'Times are milliseconds since 1970, amounts are integers whose unit ends their name, failures are RFC 9457 problems.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'The daemon that serves this document.' }],
    security: [{ token: [] }],
  });
}
