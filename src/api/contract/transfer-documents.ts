import { z } from '@hono/zod-openapi';

const moment = z.int().describe('Milliseconds since 1970');
const checksum = z.enum(['sha256', 'sha512', 'none']);

/** What POST and GET /api/v1/transfers answer. */
export const transferSchema = z
  .object({
    id: z.string(),
    from: z.string(),
    to: z.string(),
    rate_bits_per_second: z.int().nullable().describe('Null: as fast as it goes'),
    checksum,
    state: z.enum(['queued', 'running', 'verifying', 'succeeded', 'failed', 'cancelled']),
    asked_at: moment,
    started_at: moment.nullable().describe('Of its last start'),
    ended_at: moment.nullable(),
    starts: z.int().describe('More than one after a crash, or when it was resumed'),
    files: z.int().nullable(),
    bytes: z.int().nullable().describe('Null until the source was listed'),
    moved_bytes: z.int(),
    resumed_bytes: z.int().describe('Of those, what was there already at its last start'),
    sum: z
      .string()
      .nullable()
      .describe('Of a folder: that of the list of its files as sha256sum prints it'),
    message: z.string().nullable().describe('Why it failed'),
  })
  .openapi('Transfer');

export const transferListSchema = z
  .object({ transfers: z.array(transferSchema) })
  .openapi('TransferList');

export const transferRequestSchema = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .max(4_096)
      .describe('An absolute path, or volume:NAME and a path in that volume'),
    to: z
      .string()
      .min(1)
      .max(4_096)
      .describe('The same; a folder that is there takes it under its own name'),
    rate_bits_per_second: z.int().min(8_000).optional(),
    checksum: checksum.default('sha256'),
    resume: z.boolean().default(false).describe('Take up one of the same that did not succeed'),
  })
  .openapi('TransferRequest');

export type TransferDocument = z.infer<typeof transferSchema>;
export type TransferList = z.infer<typeof transferListSchema>;
export type TransferRequest = z.input<typeof transferRequestSchema>;

/** What the routes need for transfers. */
export interface TransferSite {
  /** Rejects with OperationError REFUSED when it cannot be begun. */
  ask(request: z.output<typeof transferRequestSchema>): Promise<TransferDocument>;
  transfer(id: string): TransferDocument | undefined;
  transfers(): readonly TransferDocument[];
  cancel(id: string): Promise<TransferDocument | undefined>;
  /** Forgets those that have ended, with what they left beside their destinations. */
  clean(): Promise<readonly TransferDocument[]>;
}
