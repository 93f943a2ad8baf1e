import { z } from '@hono/zod-openapi';
import type { TenantId } from '../../model/ids.ts';
import { findingSchema } from './telemetry-documents.ts';

const moment = z.int().describe('Milliseconds since 1970');

const incidentSchema = z
  .object({
    id: z.string(),
    from: moment,
    to: moment,
    class: z
      .enum(['exponential', 'linear', 'clustered', 'unclear'])
      .describe(
        'Each brings others about, a steady pace, what they share failed, or none of these',
      ),
    failures: z.int(),
    causes: z.array(z.object({ cause: z.string(), count: z.int() })),
    nodes_lost: z.array(z.string()),
    workloads: z.int(),
    tenants: z.int(),
    branching_ratio: z
      .number()
      .nullable()
      .describe('Failures that one brings about; from 1 on it goes on by itself; null: too few'),
    doubling_ms: z.int().nullable().describe('Of exponential ones'),
    shared: z
      .object({
        kind: z.string().describe('Such as node, rack, command, tenant'),
        name: z.string(),
        failed: z.int(),
        exposed: z.int(),
        p: z.number().describe('That so many share it by chance'),
      })
      .nullable(),
    timeline: z.array(z.int()).describe('Failures in equal parts of its time'),
    memory_cascade: z.enum(['yes', 'suspected', 'no']),
    blast: z.object({
      at_risk: z.int().describe('Attempts that run and depend on it'),
      steps: z.int().describe('Steps that need it'),
      skipped: z.int().describe('Of those, what never ran'),
      nodes: z.int(),
      tenants: z.int(),
    }),
    finding: findingSchema,
  })
  .openapi('Incident');

export const incidentListSchema = z
  .object({
    from: moment,
    to: moment,
    complete: z
      .boolean()
      .describe('False: history does not go back so far, or there is too much of it'),
    failures: z.int().describe('All that failed, alone or not'),
    incidents: z.array(incidentSchema).describe('The newest first'),
    slower: z.array(findingSchema).describe('Work that became slower, with the likely cause'),
    loss: z
      .object({
        node: z.string().describe('The one whose loss would be worst'),
        sentence: z.string(),
        fullest: z.number().nullable().describe('Of what is left; null: there is no room for it'),
      })
      .nullable()
      .describe('An estimate of what the loss of one node would do; null: there is one or none'),
  })
  .openapi('IncidentList');

export type IncidentList = z.infer<typeof incidentListSchema>;

/** What the routes need for incidents. `only`: of nobody but this tenant. */
export interface IncidentSite {
  incidents(spanMs: number, only: TenantId | undefined): Promise<IncidentList>;
}
