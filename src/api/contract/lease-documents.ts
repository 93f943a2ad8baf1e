import { z } from '@hono/zod-openapi';
import { resourcesSchema } from './documents.ts';

const moment = z.int().describe('Milliseconds since 1970');
const device = z.object({ id: z.string(), model: z.string(), memory_bytes: z.int() });

/** What POST and GET /api/v1/leases answer. */
export const leaseSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(['waiting', 'held', 'ending', 'ended']),
    pool: z.string().nullable(),
    tenant: z.string(),
    asked_at: moment,
    held_at: moment.nullable(),
    ends_at: moment.nullable().describe('Unless it is renewed before'),
    ttl_ms: z.int().describe('It ends when its holder was not heard of for so long'),
    node: z.string().nullable(),
    devices: z.array(device),
    held: resourcesSchema.nullable(),
    env: z.record(z.string(), z.string()).describe('For the programs that use what is held'),
    sentence: z.string().nullable().describe('Why it waits, or how it ended'),
  })
  .openapi('Lease');

export const leaseListSchema = z.object({ leases: z.array(leaseSchema) }).openapi('LeaseList');

export const poolDocumentSchema = z
  .object({
    name: z.string(),
    allocation_strategy: z.string(),
    resources: z.array(device.extend({ held_milli: z.int() })),
  })
  .openapi('Pool');

export const poolListSchema = z.object({ pools: z.array(poolDocumentSchema) }).openapi('PoolList');

export type LeaseDocument = z.infer<typeof leaseSchema>;
export type LeaseList = z.infer<typeof leaseListSchema>;
export type PoolList = z.infer<typeof poolListSchema>;
export type PoolDocument = z.infer<typeof poolDocumentSchema>;

/** What the routes need for leases and pools. */
export interface LeaseSite {
  /** Rejects with OperationError REFUSED when it can never be given. */
  ask(request: unknown, tenant: string): Promise<LeaseDocument>;
  lease(id: string): LeaseDocument | undefined;
  leases(): readonly LeaseDocument[];
  /** Renews it, and waits until it is held or has ended, or `waitMs` passed. */
  renew(id: string, waitMs: number): Promise<LeaseDocument | undefined>;
  release(id: string, by: string): Promise<LeaseDocument | undefined>;
  pools(): readonly PoolDocument[];
  /** The same definition again changes nothing; another one needs a pool of which nothing is held. */
  addPool(definition: unknown): Promise<PoolDocument>;
  removePool(name: string): Promise<boolean>;
}
