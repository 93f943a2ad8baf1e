import { Worker } from 'node:worker_threads';
import type {
  CpuUse,
  InventoryChanges,
  InventoryDocument,
} from '../api/contract/inventory-documents.ts';
import { assert } from '../base/assert.ts';
import { OperationError } from '../model/errors.ts';
import type { InventoryReading } from './inventory-keeper.ts';

/** What moves is read at most so often, however many pages are open. */
const MOVING_EVERY_MS = 3_000;
/** What only programs of drivers tell, by itself and when somebody insists. */
const ALL_EVERY_MS = 600_000;
const ALL_AT_MOST_EVERY_MS = 2_000;
const USE_EVERY_MS = 1_000;

export interface InventoryQuestion {
  readonly id: number;
  readonly ask: 'all' | 'moving' | 'use';
}

interface Answers {
  readonly all: InventoryReading;
  readonly moving: InventoryReading;
  readonly use: CpuUse;
}

type Answer = Answers[InventoryQuestion['ask']];

/** An open page asks every few seconds. */
const REST_AFTER_MS = 15_000;

interface Waiting {
  resolve(answer: Answer): void;
  reject(why: Error): void;
}

export interface HostInventoryOptions {
  /** Where the last inventory is kept. */
  readonly file: string;
  /** `/`, or a recorded tree. */
  readonly sysroot: string;
  readonly onProblem: (sentence: string, error?: unknown) => void;
}

/** What this machine has, read by a thread of its own, and kept up to date. */
export class HostInventory {
  readonly #options: HostInventoryOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #underWay = new Map<InventoryQuestion['ask'], Promise<unknown>>();
  readonly #timer: NodeJS.Timeout;
  #worker: Worker | undefined;
  #rest: NodeJS.Timeout | undefined;
  #asked = 0;
  #last: InventoryReading | undefined;
  #use: CpuUse | undefined;
  #searchedAt = 0;
  #closed = false;
  /** Hears of every reading, also of those that nobody asked for. */
  onReading: (reading: InventoryReading) => void = () => {};

  /** The first reading begins at once. */
  constructor(options: HostInventoryOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#readUnasked(), ALL_EVERY_MS).unref();
    this.#readUnasked();
  }

  /** The newest reading there is; the first one is waited for. */
  async reading(): Promise<InventoryReading> {
    return this.#last ?? (await this.#ask('all'));
  }

  /** At most some seconds old, except for what only programs tell; that, too, when `fresh`. */
  async document(fresh: boolean): Promise<InventoryDocument> {
    const last = await this.reading();
    const now = Date.now();
    if (fresh && now - this.#searchedAt >= ALL_AT_MOST_EVERY_MS) {
      return (await this.#ask('all')).document;
    }
    // While everything is read, with drivers that may hang, the last reading is what there is.
    if (now - last.at < MOVING_EVERY_MS || this.#underWay.has('all')) return last.document;
    // A thread that was just started has not seen what only programs tell.
    return (await this.#ask(this.#worker === undefined ? 'all' : 'moving')).document;
  }

  async changes(): Promise<InventoryChanges> {
    const { at, changes } = await this.reading();
    return { read_at: at, searched_at: this.#searchedAt, changes: [...changes] };
  }

  async use(): Promise<CpuUse> {
    if (this.#use !== undefined && Date.now() - this.#use.at < USE_EVERY_MS) return this.#use;
    this.#use = await this.#ask('use');
    return this.#use;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#dismiss();
  }

  async #dismiss(): Promise<void> {
    clearTimeout(this.#rest);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  /** A thread that nobody asks holds some 60 MB for nothing. */
  #restLater(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      if (this.#waiting.size > 0) return;
      this.#dismiss().catch((error: unknown) => {
        this.#options.onProblem('the inventory thread did not end', error);
      });
    }, REST_AFTER_MS).unref();
  }

  #readUnasked(): void {
    this.#ask('all').catch((error: unknown) => {
      if (!this.#closed) this.#options.onProblem('this machine could not be read', error);
    });
  }

  /** Whoever asks while the same is under way gets that answer. */
  #ask<A extends InventoryQuestion['ask']>(ask: A): Promise<Answers[A]> {
    const underWay = this.#underWay.get(ask);
    // Questions and answers belong together by name.
    if (underWay !== undefined) return underWay as Promise<Answers[A]>;
    const answer = this.#send(ask).finally(() => this.#underWay.delete(ask));
    this.#underWay.set(ask, answer);
    return answer;
  }

  async #send<A extends InventoryQuestion['ask']>(ask: A): Promise<Answers[A]> {
    const id = ++this.#asked;
    const waiting = Promise.withResolvers<Answers[A]>();
    this.#waiting.set(id, {
      // The worker answers each question with what it asks for.
      resolve: (answer) => waiting.resolve(answer as Answers[A]),
      reject: waiting.reject,
    });
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, ask } satisfies InventoryQuestion);
    const answer = await waiting.promise;
    if ('document' in answer) this.#note(answer, ask);
    return answer;
  }

  #note(reading: InventoryReading, ask: InventoryQuestion['ask']): void {
    this.#last = reading;
    if (ask === 'all') this.#searchedAt = reading.at;
    if (reading.unwritten !== undefined) {
      this.#options.onProblem(`the inventory could not be kept: ${reading.unwritten}`);
    }
    this.onReading(reading);
  }

  #start(): Worker {
    const { file, sysroot } = this.#options;
    const worker = new Worker(workerFile, { workerData: { file, sysroot } });
    worker.on('message', ({ id, answer }: { id: number; answer: Answer }) => {
      const waiting = this.#waiting.get(id);
      assert(waiting !== undefined, 'an answer has a question');
      this.#waiting.delete(id);
      waiting.resolve(answer);
      this.#restLater();
    });
    worker.on('error', (error) => this.#options.onProblem('the inventory thread failed', error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const ended = new OperationError('BUSY', 'The inventory was not finished.');
      for (const waiting of this.#waiting.values()) waiting.reject(ended);
      this.#waiting.clear();
    });
    return worker;
  }
}

/** In a clone as it is written, in the package as it was emitted. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './inventory-worker.ts' : './inventory-worker.js',
  import.meta.url,
);
