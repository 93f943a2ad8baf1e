import { z } from 'zod';
import type { AttemptId, NodeId } from '../model/ids.ts';
import { bytes, milliCpu, text, whole } from './plain-forms.ts';

const attempt = text<AttemptId>();
const node = text<NodeId>();

const move = z.strictObject({
  attempt,
  from: node,
  to: node,
  cores: z.array(whole()).exactOptional(),
});

/** Stored forms of what changes while tasks run. */
export const liveForms = {
  limits: z.strictObject({
    cpu: milliCpu,
    memory: bytes,
    pids: whole(),
    nice: z.int().exactOptional(),
  }),
  eviction: z.strictObject({
    node,
    attempt,
    qos: z.enum(['best-effort', 'burstable', 'guaranteed']),
    pressure: z.strictObject({
      memoryUsed: whole().exactOptional(),
      memorySome: whole().exactOptional(),
      memoryFull: whole().exactOptional(),
    }),
    threshold: z.string(),
    used: bytes.exactOptional(),
    requested: bytes,
  }),
  move,
  plan: z.strictObject({
    node,
    moves: z.array(move),
    gained: whole(),
    moved: whole(),
    cost: whole(),
  }),
  outcome: z.enum(['stable', 'rolled-back', 'no-room', 'ended']),
} as const;
