import { z } from '@hono/zod-openapi';
import type { AlertList } from './telemetry-documents.ts';

const moment = z.int().describe('Milliseconds since 1970');
const labels = z.record(z.string(), z.string());
const line = (max: number) => z.string().min(1).max(max);

export const silenceRequestSchema = z
  .strictObject({
    matches: z
      .record(line(64), z.string().max(256))
      .refine((matches) => Object.keys(matches).length > 0, { error: 'everything would be silent' })
      .describe('Labels that an alert has; `alert` is the name of its rule'),
    for_ms: z
      .int()
      .min(1_000)
      .max(366 * 86_400_000),
    comment: z.string().max(1_024).default(''),
  })
  .openapi('SilenceRequest');

export const silenceSchema = z
  .object({ id: z.string(), matches: labels, until: moment, by: z.string(), comment: z.string() })
  .openapi('Silence');

export const alertReplayQuerySchema = z.strictObject({
  rule: line(128).optional().describe('The name of a rule'),
  condition: line(1_000).optional().describe('As in a rule, instead of one'),
  duration: z.string().max(64).optional().describe('It holds for so long before it fires'),
  span: z.string().max(64).default('24h').describe('So far back; at most 400 days'),
});

/** When a rule would have fired, had it held then. */
export const alertReplaySchema = z
  .object({
    rule: z.string().nullable(),
    condition: z.string(),
    from: moment,
    to: moment,
    interval_ms: z.int().describe('Between two looks: history is coarser the older it is'),
    missing: z.array(z.string()).describe('Metrics of which nothing was kept in that time'),
    notices: z.int().describe('Somebody who hears of everything would have been told so often'),
    firing_ms: z.int().describe('Of all alerts together'),
    total: z.int().describe('Alerts that would have fired'),
    alerts: z
      .array(
        z.object({
          labels,
          since: moment,
          fired_at: moment,
          resolved_at: moment.nullable(),
          sentence: z.string(),
        }),
      )
      .describe('The first 500'),
  })
  .openapi('AlertReplay');

export type SilenceRequest = z.output<typeof silenceRequestSchema>;
export type SilenceDocument = z.infer<typeof silenceSchema>;
export interface AlertReplayQuery {
  readonly rule?: string | undefined;
  readonly condition?: string | undefined;
  readonly duration?: string | undefined;
  readonly span: string;
}
export type AlertReplay = z.infer<typeof alertReplaySchema>;

/** What the routes need for alerts. `only`: what belongs to a tenant is shown of nobody but this one. */
export interface AlertSite {
  list(only: string | undefined): AlertList;
  silence(request: SilenceRequest, by: string): SilenceDocument;
  /** Whether there was one. Throws OperationError REFUSED for one of the site document. */
  unsilence(id: string): boolean;
  /** Throws OperationError USAGE for a rule that there is not, or a condition that cannot be read. */
  replay(query: AlertReplayQuery, only: string | undefined): AlertReplay;
}
