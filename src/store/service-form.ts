import { z } from 'zod';
import type { QueueName } from '../model/ids.ts';
import { basisPoints, span, text, whole } from './plain-forms.ts';

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

const target = whole<number>();
const scalingStep = z.strictObject({ replicas: whole(), cooldownMs: span });
const autoscaling = z.strictObject({
  metrics: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['cpu', 'memory']), target }),
      z.strictObject({ kind: z.literal('queue-depth'), target, queue: text<QueueName>() }),
      z.strictObject({
        kind: z.literal('custom'),
        target,
        name: z.string(),
        from: z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('url'), url: z.string() }),
          z.strictObject({ kind: z.literal('file'), path: z.string() }),
        ]),
      }),
    ]),
  ),
  minReplicas: whole(),
  maxReplicas: whole(),
  up: scalingStep,
  down: scalingStep,
});

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
  autoscaling: autoscaling.exactOptional(),
});
