import type { z } from '@hono/zod-openapi';
import type { LeaseDocument, LeaseSite, PoolDocument } from '../api/contract/lease-documents.ts';
import { leaseDocument, poolDocuments } from '../api/views/leases.ts';
import { refusalSentence } from '../api/views/sentences.ts';
import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { heldAttempt } from '../engine/lease-ends.ts';
import type { WorkloadRecord } from '../engine/records.ts';
import { OperationError } from '../model/errors.ts';
import { parseAttemptId, type TenantId, type WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Loop } from '../runtime/loop.ts';
import {
  leaseRequestSchema,
  leaseSpec,
  poolNode,
  poolNodeId,
  poolOf,
  poolSchema,
} from '../spec/lease-request.ts';

export interface LiveLeasesDeps {
  readonly engine: Engine;
  readonly loop: Loop;
  readonly now: () => TimeMs;
}

/** Leases and pools of the running daemon. Whoever waits for one hears of it with the batch that decided. */
export class LiveLeases implements LeaseSite {
  readonly #deps: LiveLeasesDeps;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(deps: LiveLeasesDeps) {
    this.#deps = deps;
  }

  async ask(request: unknown, tenant: string): Promise<LeaseDocument> {
    const asked = checked(leaseRequestSchema, request);
    const { loop, now } = this.#deps;
    const spec = leaseSpec(asked, JSON.stringify(request));
    if (asked.pool !== undefined && !this.pools().some(({ name }) => name === asked.pool)) {
      throw new OperationError('NOT_FOUND', `There is no pool '${asked.pool}'.`);
    }
    const answer = await loop.send({ kind: 'submit', spec, tenant: tenant as TenantId });
    if (answer.kind === 'refused') {
      const sentence = refusalSentence(answer.refusal, now());
      throw new OperationError('REFUSED', `Refused: ${sentence}.`, { ...answer.refusal });
    }
    assert(answer.kind === 'accepted', 'a submission is accepted or refused');
    return this.lease(answer.workload)!;
  }

  lease(id: string): LeaseDocument | undefined {
    const lease = this.#record(id);
    return lease && leaseDocument(this.#deps.engine.state, lease, this.#deps.now());
  }

  leases(): readonly LeaseDocument[] {
    const { engine, now } = this.#deps;
    return [...engine.state.workloads()]
      .filter((workload) => workload.leaseEndsAt !== undefined && workload.state === 'active')
      .map((lease) => leaseDocument(engine.state, lease, now()));
  }

  async renew(id: string, waitMs: number): Promise<LeaseDocument | undefined> {
    const lease = this.#record(id);
    if (lease === undefined) return undefined;
    if (lease.state === 'active') {
      await this.#deps.loop.send({ kind: 'renew-lease', workload: lease.id });
    }
    if (waitMs > 0 && waits(lease)) await this.#change(id, waitMs);
    return this.lease(id);
  }

  async release(id: string, by: string): Promise<LeaseDocument | undefined> {
    const lease = this.#record(id);
    if (lease === undefined) return undefined;
    await this.#deps.loop.send({
      kind: 'release-lease',
      workload: lease.id,
      by: by as TenantId,
    });
    return this.lease(id);
  }

  pools(): readonly PoolDocument[] {
    return poolDocuments(this.#deps.engine.state);
  }

  async addPool(definition: unknown): Promise<PoolDocument> {
    const node = poolNode(checked(poolSchema, definition));
    const name = poolOf(node)!;
    const { engine, loop } = this.#deps;
    const known = engine.state.nodes().find(({ id }) => id === node.id);
    if (JSON.stringify(known) !== JSON.stringify(node)) {
      if (known !== undefined) await this.removePool(name);
      await loop.send({ kind: 'join-node', node });
    }
    return this.pools().find((pool) => pool.name === name)!;
  }

  async removePool(name: string): Promise<boolean> {
    const { engine, loop } = this.#deps;
    const id = poolNodeId(name);
    if (!engine.state.nodes().some((node) => node.id === id)) return false;
    const holders = [...engine.state.runningAttempts()].filter(
      ({ placement }) => placement.node === id,
    );
    if (holders.length > 0) {
      const ids = holders.map(({ task }) => task.step.workload.id);
      throw new OperationError('REFUSED', `Leases hold devices of '${name}': ${ids.join(', ')}.`, {
        leases: ids,
      });
    }
    await loop.send({ kind: 'leave-node', node: id });
    return true;
  }

  /** Of the loop's `onBatch`. */
  noteEvents(events: readonly Event[]): void {
    if (this.#waiters.size === 0) return;
    for (const event of events) {
      if (event.kind === 'workload-ended') this.#tell(event.workload);
      if (event.kind === 'task-placed') this.#tell(parseAttemptId(event.attempt)!.workload);
    }
  }

  #tell(id: string): void {
    for (const wake of this.#waiters.get(id) ?? []) wake();
  }

  async #change(id: string, waitMs: number): Promise<void> {
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    waiters.add(resolve);
    await promise;
    clearTimeout(timer);
    waiters.delete(resolve);
    if (waiters.size === 0) this.#waiters.delete(id);
  }

  #record(id: string): WorkloadRecord | undefined {
    const workload = this.#deps.engine.state.workload(id as WorkloadId);
    return workload?.leaseEndsAt === undefined ? undefined : workload;
  }
}

const waits = (lease: WorkloadRecord): boolean =>
  lease.state === 'active' && heldAttempt(lease) === undefined;

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ path, message }));
  const [first] = issues;
  const where = first?.path.join('.') || 'the request';
  throw new OperationError('USAGE', `${where}: ${first?.message ?? 'invalid'}.`, { issues });
}
