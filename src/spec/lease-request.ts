import { z } from 'zod';
import { type Bytes, bytes, milliCpu, milliGpu, spanMs, UNLIMITED } from '../base/units.ts';
import type { Constraints, LabelExpression } from '../model/constraints.ts';
import type { NodeId, QueueName, StepId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import { documentDefaults } from './defaults.ts';
import { quantity, text, wholeNumber } from './fields.ts';
import { parseBytes, parseCpu, parseGpu, parseSpan } from './quantities.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const DEVICES_MAX = 1_000;
/** Long enough for a busy interpreter to renew thrice, short enough that a dead holder is not missed. */
const TTL_MS = 60_000;
/** The label by which leases find the devices of their pool, and others do not. */
const POOL_LABEL = 'berth.pool';

const name = (description: string) =>
  z
    .string()
    .regex(NAME, { error: 'letters, digits, _ . and -, beginning with a letter or digit' })
    .meta({ description });
const bytesForm = 'bytes such as 512Mi, 20Gi or 16GB';
const spanForm = 'span such as 90s or 5m; a bare number is seconds';

/** What somebody asks for who is not a task. Amounts as in documents. */
export const leaseRequestSchema = z
  .strictObject({
    name: text({ description: 'For people.', max: 128, filled: true, oneLine: true }).optional(),
    pool: name('Devices of this pool; of the machine itself, when not given.').optional(),
    cpu: quantity(parseCpu, { description: 'Cores.', form: 'cores', finite: true }).optional(),
    memory: quantity(parseBytes, {
      description: 'Memory of the host.',
      form: bytesForm,
      finite: true,
    }).optional(),
    gpu: quantity(parseGpu, {
      description:
        'Devices, or a share of one. One, when only `gpu_memory` or `gpu_type` is given.',
      form: 'GPUs such as 1 or 0.5',
      finite: true,
    }).optional(),
    gpu_memory: quantity(parseBytes, {
      description: 'The least memory that each device has.',
      form: bytesForm,
      finite: true,
    }).optional(),
    gpu_type: text({ description: 'Model of the device.', max: 128, filled: true }).optional(),
    queue: name('The queue that it waits in.').optional(),
    priority: wholeNumber(-1000, 1000, { description: 'Higher goes first.' }).optional(),
    ttl: quantity(parseSpan, {
      description: 'It ends when its holder was not heard of for so long.',
      form: spanForm,
      positive: true,
      finite: true,
      min: { value: 1_000, text: '1s' },
    }).optional(),
    max_time: quantity(parseSpan, {
      description: 'Held for no longer than this.',
      form: spanForm,
      positive: true,
    }).optional(),
  })
  .meta({ title: 'LeaseRequest' });

export type LeaseRequest = z.output<typeof leaseRequestSchema>;

/** A lease as the engine queues, places and explains it: a workload of one held task. */
export function leaseSpec(request: LeaseRequest, source: string): WorkloadSpec {
  const wantsGpu = request.gpu_memory !== undefined || request.gpu_type !== undefined;
  const { limits, retry } = documentDefaults;
  return {
    kind: 'lease',
    name: request.name ?? (request.pool === undefined ? 'lease' : `lease of ${request.pool}`),
    queue: (request.queue ?? documentDefaults.queue) as QueueName,
    priority: request.priority ?? documentDefaults.priority,
    labels: {},
    steps: [
      {
        id: 'lease' as StepId,
        needs: [],
        run: { kind: 'held', ttlMs: request.ttl ?? spanMs(TTL_MS) },
        count: 1,
        maxParallel: 1,
        request: {
          cpu: request.cpu ?? milliCpu(0),
          memory: request.memory ?? bytes(0),
          gpu: request.gpu ?? milliGpu(wantsGpu ? 1_000 : 0),
          custom: [],
        },
        constraints: constraintsOf(request),
        limits: {
          ...limits,
          memory: UNLIMITED as Bytes,
          wallMs: request.max_time ?? limits.wallMs,
        },
        retry,
        env: {},
        cwd: '',
      },
    ],
    source,
  };
}

function constraintsOf({ pool, gpu_memory, gpu_type }: LeaseRequest): Constraints {
  const there: LabelExpression =
    pool === undefined
      ? { operator: 'does-not-exist', key: POOL_LABEL }
      : { operator: 'in', key: POOL_LABEL, values: [pool] };
  return {
    gpuModels: gpu_type === undefined ? [] : [gpu_type],
    gpuMemory: gpu_memory ?? bytes(0),
    labels: [there],
  };
}

/** Things that callers share: devices that this machine need not have itself. */
export const poolSchema = z
  .strictObject({
    name: name('Unique at this site.'),
    resources: z
      .array(
        z.strictObject({
          id: text({ description: 'Unique in the pool.', max: 128, filled: true, oneLine: true }),
          type: text({ description: 'Its model.', max: 128 }).optional(),
          memory: quantity(parseBytes, {
            description: 'Its memory.',
            form: bytesForm,
            finite: true,
          }).optional(),
        }),
      )
      .min(1)
      .max(DEVICES_MAX)
      .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, {
        error: 'two resources have the same id',
      }),
    allocation_strategy: z
      .enum(['best_fit', 'first_fit', 'worst_fit'])
      .meta({
        description: 'The smallest device that is enough, the first in the list, or the largest.',
        default: 'best_fit',
      })
      .optional(),
  })
  .meta({ title: 'PoolDefinition' });

export type PoolDefinition = z.output<typeof poolSchema>;

/** A pool is a node of which nothing but its devices can be asked for; they are tried in their order. */
export function poolNode(pool: PoolDefinition): Node {
  const strategy = pool.allocation_strategy ?? 'best_fit';
  const gpus = pool.resources.map(({ id, type, memory }) => ({
    id,
    model: type ?? '',
    memory: memory ?? bytes(0),
  }));
  const bySize = strategy === 'best_fit' ? 1 : -1;
  return {
    id: poolNodeId(pool.name),
    cpu: milliCpu(0),
    memory: bytes(0),
    gpus: strategy === 'first_fit' ? gpus : gpus.toSorted((a, b) => bySize * (a.memory - b.memory)),
    custom: [],
    labels: { [POOL_LABEL]: pool.name, 'berth.pool-strategy': strategy },
  };
}

export const poolNodeId = (pool: string): NodeId => `pool:${pool}` as NodeId;

/** Name of the pool that a node stands for; undefined for a machine. */
export const poolOf = (node: Node): string | undefined => node.labels[POOL_LABEL];
