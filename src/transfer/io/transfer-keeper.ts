import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import type { TimeMs } from '../../base/units.ts';
import {
  advance,
  hasEnded,
  newTransfer,
  type Transfer,
  type TransferEvent,
  type TransferOrder,
  toStart,
  unfinished,
} from '../transfer.ts';
import { transferForm } from '../transfer-form.ts';
import { type Move, partialOf } from './move-bytes.ts';

/** Each has a thread, and the disks are shared by all. */
const AT_ONCE = 2;
/** Those that have ended are forgotten above this, the oldest first. */
const KEPT_MAX = 1_000;

/** What a thread tells of its transfer. */
export type WorkerNews =
  | Extract<TransferEvent, { kind: 'listed' | 'resumed' | 'moved' | 'verifying' }>
  | { readonly kind: 'done'; readonly sum?: string }
  | { readonly kind: 'broke'; readonly message: string };

export interface TransferKeeperOptions {
  /** A folder of its own. */
  readonly dir: string;
  readonly now: () => TimeMs;
  readonly warn: (sentence: string, error?: unknown) => void;
}

/**
 * Transfers that were asked for, and how they ended: a file each, so that they go on after a crash where
 * they were. The bytes are moved by threads of their own.
 */
export class TransferKeeper {
  readonly #options: TransferKeeperOptions;
  readonly #transfers = new Map<string, Transfer>();
  readonly #workers = new Map<string, Worker>();
  /** Records are written one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  /** What was not ended goes on at once. */
  constructor(options: TransferKeeperOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const found = readdirSync(options.dir).filter((name) => /^\d+\.json$/.test(name));
    for (const id of found.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)) {
      const transfer = this.#read(`${id}`);
      if (transfer === undefined) continue;
      const isOver = hasEnded(transfer);
      this.#transfers.set(transfer.id, isOver ? transfer : advance(transfer, { kind: 'requeued' }));
    }
    this.#startNext();
  }

  /** In the order in which they were asked for. */
  all(): readonly Transfer[] {
    return [...this.#transfers.values()];
  }

  get(id: string): Transfer | undefined {
    return this.#transfers.get(id);
  }

  /** Who writes there now. */
  writerOf(to: string): Transfer | undefined {
    return this.all().find((one) => !hasEnded(one) && one.order.to === to);
  }

  /**
   * Durable when it resolves. With `resume`, a transfer of the same that did not succeed is taken up again.
   * Rejects with an error of the file system.
   */
  async add(order: TransferOrder, resume: boolean): Promise<Transfer> {
    const before = resume ? unfinished(this.all(), order) : undefined;
    const last = Math.max(0, ...[...this.#transfers.keys()].map(Number));
    const transfer =
      before === undefined
        ? newTransfer(`${last + 1}`, order, this.#options.now())
        : { ...advance(before, { kind: 'requeued' }), order };
    this.#transfers.set(transfer.id, transfer);
    try {
      await this.#write(transfer);
    } catch (error) {
      if (before === undefined) this.#transfers.delete(transfer.id);
      else this.#transfers.set(before.id, before);
      throw error;
    }
    this.#startNext();
    return transfer;
  }

  /** Undefined when there is none of that id; one that has ended stays as it ended. */
  async cancel(id: string): Promise<Transfer | undefined> {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined || hasEnded(transfer)) return transfer;
    this.#hear(id, { kind: 'cancelled', at: this.#options.now() });
    const worker = this.#workers.get(id);
    this.#workers.delete(id);
    await worker?.terminate();
    this.#startNext();
    await this.#writing;
    return this.#transfers.get(id);
  }

  /** Forgets those that have ended, and removes what those that did not succeed left at their destinations. */
  async clean(): Promise<readonly Transfer[]> {
    const ended = this.all().filter(hasEnded);
    for (const transfer of ended) await this.#forget(transfer);
    return ended;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#workers.values()) await worker.terminate();
    this.#workers.clear();
    await this.#writing;
  }

  #startNext(): void {
    if (this.#closed) return;
    for (const { id } of toStart(this.#transfers.values(), AT_ONCE)) this.#start(id);
  }

  #start(id: string): void {
    const transfer = this.#transfers.get(id);
    assert(transfer !== undefined, 'a transfer that is known');
    const move: Move = {
      order: transfer.order,
      progressFile: this.#file(id, 'progress'),
      // Only what was begun by it has left something that is its own.
      resume: transfer.starts > 0,
    };
    this.#hear(id, { kind: 'started', at: this.#options.now() });
    const worker = new Worker(workerFile, { workerData: move });
    this.#workers.set(id, worker);
    const isCurrent = () => this.#workers.get(id) === worker;
    worker.on('message', (news: WorkerNews) => {
      if (isCurrent()) this.#hear(id, this.#eventOf(news));
    });
    worker.on('error', (error) => {
      if (isCurrent()) this.#fail(id, `its thread failed: ${error}`);
    });
    worker.on('exit', () => {
      if (!isCurrent() || this.#closed) return;
      this.#workers.delete(id);
      this.#fail(id, 'its thread ended early');
      this.#startNext();
    });
  }

  #eventOf(news: WorkerNews): TransferEvent {
    const at = this.#options.now();
    if (news.kind === 'broke') return { kind: 'failed', at, message: news.message };
    if (news.kind !== 'done') return news;
    return { kind: 'succeeded', at, ...(news.sum !== undefined && { sum: news.sum }) };
  }

  #fail(id: string, message: string): void {
    this.#hear(id, { kind: 'failed', at: this.#options.now(), message });
  }

  #hear(id: string, event: TransferEvent): void {
    const before = this.#transfers.get(id);
    if (before === undefined) return;
    const after = advance(before, event);
    if (after === before) return;
    this.#transfers.set(id, after);
    if (event.kind === 'moved' || event.kind === 'resumed') return;
    this.#write(after).catch((error: unknown) => {
      this.#options.warn(`the record of transfer ${id} could not be written`, error);
    });
    if (hasEnded(after)) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const ended = this.all().filter(hasEnded);
    for (const transfer of ended.slice(0, Math.max(0, ended.length - KEPT_MAX))) {
      this.#forget(transfer).catch((error: unknown) => {
        this.#options.warn(`transfer ${transfer.id} could not be forgotten`, error);
      });
    }
  }

  async #forget({ id, state, order }: Transfer): Promise<void> {
    this.#transfers.delete(id);
    const isUsed = this.all().some(({ order: { to } }) => to === order.to);
    if (state !== 'succeeded' && !isUsed) {
      await rm(partialOf(order.to), { recursive: true, force: true });
    }
    await this.#writing;
    await rm(this.#file(id, 'progress'), { force: true });
    await rm(this.#file(id, 'json'), { force: true });
  }

  #write(transfer: Transfer): Promise<void> {
    const writing = this.#writing.then(async () => {
      if (!this.#transfers.has(transfer.id)) return;
      const path = this.#file(transfer.id, 'json');
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(transfer)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    });
    this.#writing = writing.catch(() => {});
    return writing;
  }

  #read(id: string): Transfer | undefined {
    try {
      return transferForm.parse(JSON.parse(readFileSync(this.#file(id, 'json'), 'utf8')));
    } catch (error) {
      this.#options.warn(`the record of transfer ${id} cannot be read`, error);
      return undefined;
    }
  }

  #file(id: string, kind: 'json' | 'progress'): string {
    return join(this.#options.dir, `${id}.${kind}`);
  }
}

/** In a clone as it is written, in the package as it was emitted. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './transfer-worker.ts' : './transfer-worker.js',
  import.meta.url,
);
