import { setTimeout as wait } from 'node:timers/promises';
import type { LeaseDocument } from '../../api/contract/lease-documents.ts';
import { OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';

/** One question waits for so long at most; the API allows 25 s. */
const WAIT_MS = 20_000;
const RENEW_MS_MAX = 15_000;
/** Who waits for a device waits for the daemon, too, for so long. */
const DOWN_MS_MAX = 600_000;
const ASK_AGAIN_MS = 500;

export interface PoolResource {
  readonly id: string;
  readonly type?: string;
  /** As `40Gi`. */
  readonly memory?: string;
}

export interface LeaseOptions {
  /** Devices, or a share of one. One, when nothing is said of devices. */
  readonly gpu?: number;
  /** The least memory of each device, as `20Gi`. */
  readonly gpuMemory?: string;
  readonly gpuType?: string;
  readonly queue?: string;
  readonly priority?: number;
  /** It ends when this process was not heard of for so long: `60s`. */
  readonly ttl?: string;
  readonly maxTime?: string;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Devices that callers share, at the daemon that `client` talks to. */
export class ResourcePool {
  readonly name: string;
  readonly #client: Client;

  private constructor(client: Client, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** The pool as it was defined before; `request` rejects with NOT_FOUND when it was not. */
  static named(client: Client, name: string): ResourcePool {
    return new ResourcePool(client, name);
  }

  /**
   * Defines the pool; the same definition again is the same pool.
   * Rejects with OperationError REFUSED when it is another one and something of it is held.
   */
  static async define(
    client: Client,
    pool: {
      readonly name: string;
      readonly resources: readonly PoolResource[];
      readonly allocationStrategy?: 'best_fit' | 'first_fit' | 'worst_fit';
    },
  ): Promise<ResourcePool> {
    const { name, resources, allocationStrategy = 'best_fit' } = pool;
    await client.addPool({ name, resources, allocation_strategy: allocationStrategy });
    return new ResourcePool(client, name);
  }

  /** Waits until it is held: `await using gpu = await pool.request({ gpuMemory: '20Gi' })`. */
  async request(options: LeaseOptions = {}): Promise<HeldLease> {
    const { gpu, gpuMemory, gpuType, maxTime, queue, priority, ttl, signal } = options;
    const saysDevice = gpuMemory !== undefined || gpuType !== undefined;
    const asked = {
      pool: this.name,
      gpu: gpu ?? (saysDevice ? undefined : 1),
      gpu_memory: gpuMemory,
      gpu_type: gpuType,
      max_time: maxTime,
      ...{ queue, priority, ttl },
    };
    let lease = await this.#client.askLease(asked);
    try {
      while (lease.state === 'waiting') {
        signal?.throwIfAborted();
        lease = await this.#news(lease, signal);
      }
      if (lease.state !== 'held') {
        throw new OperationError('REFUSED', `The lease ended: ${lease.sentence ?? lease.state}.`);
      }
    } catch (error) {
      await this.#client.releaseLease(lease.id);
      throw error;
    }
    return new HeldLease(this.#client, lease);
  }

  /** A daemon that starts anew finds who waits again. */
  async #news(
    { id, ttl_ms }: LeaseDocument,
    signal: AbortSignal | undefined,
  ): Promise<LeaseDocument> {
    // Only a question is heard, not its waiting: several within a ttl.
    const waitMs = Math.min(WAIT_MS, Math.floor(ttl_ms / 4));
    for (let waitedMs = 0; ; waitedMs += ASK_AGAIN_MS) {
      try {
        return await this.#client.renewLease(id, waitMs, signal);
      } catch (error) {
        if (!isDown(error) || waitedMs >= DOWN_MS_MAX) throw error;
      }
      await wait(ASK_AGAIN_MS, undefined, { signal });
    }
  }
}

const isDown = (error: unknown): boolean =>
  error instanceof OperationError && error.code === 'DAEMON_DOWN';

/** What is held, renewed while this process lives, and given back at the end of the block. */
export class HeldLease implements AsyncDisposable {
  readonly id: string;
  readonly devices: LeaseDocument['devices'];
  /** For the programs that use what is held. */
  readonly env: LeaseDocument['env'];
  /** Aborts when it is taken away, with why. */
  readonly lost: AbortSignal;
  readonly #client: Client;
  readonly #closed = new AbortController();
  readonly #lost = new AbortController();
  readonly #renewing: Promise<void>;

  constructor(client: Client, lease: LeaseDocument) {
    this.#client = client;
    this.id = lease.id;
    this.devices = lease.devices;
    this.env = lease.env;
    this.lost = this.#lost.signal;
    this.#renewing = this.#renew(Math.min(RENEW_MS_MAX, lease.ttl_ms / 4));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#renewing;
    await this.#client.releaseLease(this.id);
  }

  async #renew(everyMs: number): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await wait(everyMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      try {
        const lease = await this.#client.renewLease(this.id, 0);
        if (lease.state !== 'held') this.#lost.abort(new Error(lease.sentence ?? lease.state));
        if (lease.state === 'ended') return;
      } catch (error) {
        // A daemon that starts anew finds the lease again, if that is soon enough.
        if (isDown(error)) continue;
        this.#lost.abort(error);
        return;
      }
    }
  }
}
