import { z } from '@hono/zod-openapi';

const limit = (what: string) => z.int().nullable().describe(`${what}; null is unlimited`);

const serviceSchema = z.object({
  name: z.string().nullable().describe('Null: every host that no service is'),
  hosts: z.array(z.string()),
  requests_per_second: limit('Requests in a second'),
  requests_per_minute: limit('Requests in a minute'),
  burst: limit('Requests at once'),
  concurrent: limit('Requests under way'),
  respect_robots_txt: z.boolean(),
  passed: z.int(),
  waited: z.int().describe('Of those that passed'),
  refused: z.int(),
  waiting: z.int(),
});

const trafficClassSchema = z.object({
  name: z.string(),
  traffic_types: z.array(z.string()),
  share_basis_points: z.int(),
  max_latency_ms: z.int(),
  egress_bytes: z.int(),
  ingress_bytes: z.int(),
  late: z.int().describe('Pieces that waited for the link for longer than the class has it'),
});

/** Since the daemon was opened; the highest class first. */
export const networkStatusSchema = z
  .object({
    proxy_port: z.int().nullable().describe('Null: there is no proxy; the log says why'),
    egress_bits_per_second: limit('Of all tasks'),
    ingress_bits_per_second: limit('Of all tasks'),
    allowed_hosts: z.array(z.string()),
    services: z.array(serviceSchema),
    classes: z.array(trafficClassSchema),
    tc_script: z.string().nullable().describe('The classes for a device that was asked for'),
  })
  .openapi('NetworkStatus');

export type NetworkStatus = z.infer<typeof networkStatusSchema>;

/** A device to print the classes for, and its rate where the site names none. */
export interface NetworkQuery {
  readonly device?: string | undefined;
  readonly bitsPerSecond?: number | undefined;
}
