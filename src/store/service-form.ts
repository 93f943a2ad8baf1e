import { z } from 'zod';
import { basisPoints, span, whole } from './plain-forms.ts';

const port = z.union([whole(), z.string()]);
const probe = z.strictObject({
  check: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('http'), path: z.string(), port }),
    z.strictObject({ kind: z.literal('tcp'), port }),
    z.strictObject({ kind: z.literal('exec'), argv: z.array(z.string()) }),
  ]),
  everyMs: span,
  timeoutMs: span,
  failures: whole(),
  successes: whole(),
  initialDelayMs: span,
});

const share = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('count'), count: whole() }),
  z.strictObject({ kind: z.literal('part'), part: basisPoints }),
]);

/** How a step is kept alive, as a stored event has it. */
export const service = z.strictObject({
  ports: z.array(z.string()),
  startup: probe.exactOptional(),
  readiness: probe.exactOptional(),
  liveness: probe.exactOptional(),
  restart: z.strictObject({ backoffMs: span, backoffMaxMs: span, resetAfterMs: span }),
  update: z.strictObject({
    strategy: z.enum(['rolling', 'blue-green', 'canary']),
    maxSurge: share,
    maxUnavailable: share,
    canary: z.strictObject({ replicas: share, holdMs: span }),
    rollback: z.boolean(),
    deadlineMs: span,
  }),
  drainMs: span,
});
