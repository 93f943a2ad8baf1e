import { assert } from '../../base/assert.ts';
import type { TimeMs } from '../../base/units.ts';
import { heldAttempt } from '../../engine/lease-ends.ts';
import { currentAttempt, type WorkloadRecord } from '../../engine/records.ts';
import type { State } from '../../engine/state.ts';
import type { Node } from '../../model/node.ts';
import { poolOf } from '../../spec/lease-request.ts';
import type { LeaseDocument, PoolDocument } from '../contract/lease-documents.ts';
import { explaining, explainWorkload } from './explain.ts';
import { resourcesDocument } from './resources.ts';

/** A lease as its holder sees it. */
export function leaseDocument(state: State, lease: WorkloadRecord, now: TimeMs): LeaseDocument {
  const held = heldAttempt(lease);
  const last = lease.steps[0]!.tasks[0];
  const node = held && nodeOf(state, held.placement.node);
  const ended = lease.state !== 'active';
  return {
    id: lease.id,
    name: lease.spec.name,
    state: ended ? 'ended' : held === undefined ? 'waiting' : held.stop ? 'ending' : 'held',
    pool: askedPool(lease),
    tenant: lease.tenant,
    asked_at: lease.submittedAt,
    held_at: (last && currentAttempt(last)?.placedAt) ?? null,
    ends_at: ended ? null : lease.leaseEndsAt!,
    ttl_ms: ttlOf(lease),
    node: held?.placement.node ?? null,
    devices: (held?.placement.gpus ?? []).map((id) => {
      const device = node?.gpus.find((gpu) => gpu.id === id);
      return { id, model: device?.model ?? '', memory_bytes: device?.memory ?? 0 };
    }),
    held: held === undefined ? null : resourcesDocument(held.placement.held),
    env: held === undefined ? {} : { CUDA_VISIBLE_DEVICES: held.placement.gpus.join(',') },
    sentence: sentenceOf(state, lease, now),
  };
}

function sentenceOf(state: State, lease: WorkloadRecord, now: TimeMs): string | null {
  const held = heldAttempt(lease);
  if (held !== undefined && held.stop === undefined) return null;
  const pool = askedPool(lease);
  if (lease.state !== 'active' || held !== undefined || pool === null) {
    return explainWorkload(explaining(state, now), lease).sentence;
  }
  const { constraints, request } = lease.spec.steps[0]!;
  const enough = poolDocuments(state)
    .find(({ name }) => name === pool)
    ?.resources.filter(
      ({ model, memory_bytes }) =>
        memory_bytes >= constraints!.gpuMemory &&
        (constraints!.gpuModels.length === 0 || constraints!.gpuModels.includes(model)),
    );
  if (enough === undefined || enough.length === 0) {
    return `pool ${pool} has no GPU like the one asked for`;
  }
  const free = enough.filter(
    ({ held_milli }) => held_milli + Math.min(request.gpu, 1_000) <= 1_000,
  );
  return `asks for ${request.gpu / 1_000} GPU of pool ${pool}: of ${enough.length} that would do, ${free.length} have room`;
}

function ttlOf(lease: WorkloadRecord): number {
  const { run } = lease.spec.steps[0]!;
  assert(run.kind === 'held', 'a lease is held');
  return run.ttlMs;
}

function askedPool(lease: WorkloadRecord): string | null {
  for (const label of lease.spec.steps[0]!.constraints?.labels ?? []) {
    if (label.operator === 'in' && label.key === 'berth.pool') return label.values[0] ?? null;
  }
  return null;
}

const nodeOf = (state: State, id: string): Node | undefined =>
  state.nodes().find((node) => node.id === id);

export function poolDocuments(state: State): PoolDocument[] {
  return state.nodes().flatMap((node) => {
    const name = poolOf(node);
    if (name === undefined) return [];
    const row = state.table.rowOf(node.id)!;
    const free = state.table.freeGpu(row);
    const resources = node.gpus.map(({ id, model, memory }, i) => ({
      id,
      model,
      memory_bytes: memory,
      held_milli: 1_000 - free[i]!,
    }));
    return [{ name, allocation_strategy: node.labels['berth.pool-strategy'] ?? '', resources }];
  });
}
