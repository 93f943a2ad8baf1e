import { z } from 'zod';
import { autoscalingSchema } from './autoscaling-block.ts';
import { costOptimizationSchema } from './blocks/cost-optimization-block.ts';
import { modelsSchema } from './blocks/models-block.ts';
import { monitoringSchema } from './blocks/monitoring-block.ts';
import { budgetsSchema } from './budget-block.ts';
import { computeSchema } from './compute-block.ts';
import { publishedSchema, text } from './fields.ts';
import { goalsShape } from './goals-block.ts';
import { networkSiteSchema } from './network-site-block.ts';
import { qosSchema } from './qos-block.ts';
import { queueSchema } from './queue-block.ts';
import { quotasSchema } from './quota-block.ts';
import { reservationsSchema } from './reservation-block.ts';
import { schedulingSchema } from './scheduling-block.ts';
import { queueName, timeZone } from './site-fields.ts';
import { siteStorageSchema } from './site-storage-schema.ts';
import { tenancySchema } from './tenancy-block.ts';

/** The blocks of a site document, in the order of the reference. Adding one: its schema here, its reading in `site-document.ts`. */
export const siteBlocks = {
  name: text({
    description: 'Name of the site, for people.',
    max: 128,
    filled: true,
    oneLine: true,
  }),
  time_zone: timeZone.meta({
    description: 'Zone of quotas and reservations that name none.',
    default: 'UTC',
  }),
  scheduling: schedulingSchema,
  queues: z
    .record(queueName, z.unknown())
    .meta({ description: 'The tree of queues, by name. One queue `default`, when not given.' }),
  multi_tenancy: tenancySchema,
  quotas: quotasSchema,
  budgets: budgetsSchema,
  reservations: reservationsSchema,
  network: networkSiteSchema,
  qos: qosSchema,
  storage: siteStorageSchema,
  autoscaling: autoscalingSchema,
  models: modelsSchema,
  monitoring: monitoringSchema.extend(goalsShape).meta({
    description: 'What is measured, what is to be reached, alerts and reports.',
  }),
  compute: computeSchema,
  cost_optimization: costOptimizationSchema,
  plugins: z
    .array(text({ description: 'A file.', max: 4096, filled: true, oneLine: true }))
    .max(32)
    .meta({
      description:
        "Files with the site's own scorers, filters and orders, relative to this one. See docs/guides/plugins.md.",
    }),
} as const;

/** JSON Schema (draft 2020-12) of a site document. */
export function siteJsonSchema(): object {
  const queue = withRecursion(publishedSchema(queueSchema));
  const blocks = Object.entries(siteBlocks).map(([name, schema]) => [
    name,
    name === 'queues' ? withQueues(publishedSchema(schema)) : publishedSchema(schema),
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Berth site document',
    description: 'How a site schedules: `berth up --site FILE`.',
    type: 'object',
    properties: withoutDialect(Object.fromEntries(blocks)),
    additionalProperties: false,
    $defs: { queue: withoutDialect(queue) },
  };
}

interface Schema {
  readonly properties?: Readonly<Record<string, object>>;
}

const reference = { anyOf: [{ $ref: '#/$defs/queue' }, { type: 'null' }] };

const withQueues = (schema: object): object => ({ ...schema, additionalProperties: reference });

function withRecursion(schema: Schema & object): object {
  const { children, queues } = schema.properties ?? {};
  return {
    ...schema,
    properties: {
      ...schema.properties,
      ...(children && { children: withQueues(children) }),
      ...(queues && { queues: withQueues(queues) }),
    },
  };
}

/** Said once, at the top. */
function withoutDialect<T extends object>(schema: T): T {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (key === '$schema' ? undefined : value)),
  ) as T;
}
