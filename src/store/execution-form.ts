import { z } from 'zod';
import { basisPoints, bitRate, bytes, span, whole } from './plain-forms.ts';

const processTerms = z.strictObject({
  nice: z.int().exactOptional(),
  policy: z.enum(['other', 'batch', 'idle']).exactOptional(),
  ioPriority: z
    .strictObject({ class: z.enum(['best-effort', 'idle']), level: whole() })
    .exactOptional(),
  oomScoreAdjust: z.int().exactOptional(),
  cores: z.enum(['shared', 'exclusive']).exactOptional(),
  numa: z.enum(['any', 'preferred', 'bind', 'interleave']).exactOptional(),
  transparentHugePages: z.boolean().exactOptional(),
  threadVariables: z.boolean().exactOptional(),
  cpuShare: basisPoints.exactOptional(),
  memoryProtection: z.enum(['soft', 'hard']).exactOptional(),
  memoryGuarantee: basisPoints.exactOptional(),
  memoryHigh: bytes.exactOptional(),
  oomKill: z.enum(['process', 'task']).exactOptional(),
  hugePages: bytes.exactOptional(),
  pressure: z.boolean().exactOptional(),
});

const io = z.strictObject({
  readBytesPerSecond: bytes,
  writeBytesPerSecond: bytes,
  readsPerSecond: whole(),
  writesPerSecond: whole(),
  weight: whole().exactOptional(),
});

const isolation = z.strictObject({
  required: z.boolean().exactOptional(),
  user: z.string().exactOptional(),
  noNewPrivileges: z.boolean().exactOptional(),
  privateTmp: z.boolean().exactOptional(),
  readOnly: z.array(z.string()).exactOptional(),
  writable: z.array(z.string()).exactOptional(),
  namespaces: z.array(z.enum(['user', 'mount', 'pid', 'network', 'ipc', 'uts'])).exactOptional(),
  devices: z.array(z.string()).exactOptional(),
  seccomp: z.union([z.enum(['default', 'off']), z.array(z.string())]).exactOptional(),
  daemonAccess: z.boolean().exactOptional(),
  secrets: z
    .array(
      z.strictObject({
        secret: z.string(),
        as: z.enum(['file', 'environment']),
        name: z.string(),
      }),
    )
    .exactOptional(),
});

const network = z.strictObject({
  egress: bitRate.exactOptional(),
  ingress: bitRate.exactOptional(),
  guaranteed: bitRate.exactOptional(),
  priority: z.enum(['high', 'normal', 'low']).exactOptional(),
  trafficType: z.string().exactOptional(),
  proxied: z.boolean().exactOptional(),
  requestsMax: whole().exactOptional(),
});

const storage = z.strictObject({
  volumes: z.array(
    z.strictObject({
      name: z.string(),
      size: bytes,
      storageClass: z.string().exactOptional(),
      mountPath: z.string(),
      readOnly: z.boolean(),
    }),
  ),
  scratch: z
    .strictObject({
      size: bytes,
      cleanup: z.enum(['immediate', 'on-success', 'never']),
      phases: z
        .array(z.strictObject({ name: z.string(), bytes, forMs: span.exactOptional() }))
        .exactOptional(),
    })
    .exactOptional(),
  workspace: bytes.exactOptional(),
});

const checkpoint = z.strictObject({
  signal: z.enum(['SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGINT']).exactOptional(),
  command: z.array(z.string()).exactOptional(),
  timeoutMs: span,
  everyMs: span.exactOptional(),
});

/** How the processes of a task are run, as a stored event has it. */
export const execution = z.strictObject({
  process: processTerms.exactOptional(),
  io: io.exactOptional(),
  isolation: isolation.exactOptional(),
  network: network.exactOptional(),
  storage: storage.exactOptional(),
  checkpoint: checkpoint.exactOptional(),
});
