import { z } from '@hono/zod-openapi';

import { type InventoryDocument, inventoryJsonSchema } from '../../inventory/inventory-schema.ts';

export type { InventoryDocument };

/** OpenAPI 3.1 takes JSON Schema as it is, but that its definitions are components. */
const {
  $schema: _,
  $defs,
  ...inventory
} = JSON.parse(
  JSON.stringify(inventoryJsonSchema()).replaceAll(
    '"#/$defs/__schema0"',
    '"#/components/schemas/TopologyVertex"',
  ),
);
export const topologyVertexJsonSchema: Readonly<Record<string, unknown>> = $defs['__schema0'];

/** Described, and not checked: it is made from the type. */
export const inventorySchema = z.custom<InventoryDocument>().openapi('Inventory', inventory);

const moment = z.int().describe('Milliseconds since 1970');
const scalar = z.union([z.string(), z.number(), z.boolean()]).nullable();

export const inventoryChangesSchema = z
  .object({
    read_at: moment.describe('When what moves was read: free memory, sensors, links'),
    searched_at: moment.describe('When everything was read, with what programs of drivers tell'),
    changes: z.array(
      z.object({
        at: moment.describe('When it was noticed'),
        kind: z.enum(['appeared', 'vanished', 'degraded', 'recovered', 'changed']),
        what: z.string(),
        id: z.string(),
        field: z.string().describe('Empty when the whole thing came or went'),
        before: scalar,
        after: scalar,
        sentence: z.string(),
      }),
    ),
  })
  .openapi('InventoryChanges');

export const cpuUseSchema = z
  .object({
    at: moment,
    span_ms: z.int().describe('The time that the shares are of'),
    cpus: z.array(
      z.object({ id: z.int(), busy_ratio: z.number().describe('0…1, without stolen time') }),
    ),
  })
  .openapi('CpuUse');

export type InventoryChanges = z.infer<typeof inventoryChangesSchema>;
export type CpuUse = z.infer<typeof cpuUseSchema>;
