import { existsSync } from 'node:fs';
import { HeldBack, nextToEnter, type OverflowUse, overflowRefusal } from '../admission/overflow.ts';
import type { SubmitOutcome } from '../api/contract/views.ts';
import type { SpilledPlace, SpilledUse } from '../api/views/spilled.ts';
import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { Answer } from '../engine/decision.ts';
import type { Engine } from '../engine/engine.ts';
import { isForRoom } from '../engine/entry.ts';
import type { SpilledSubmission } from '../engine/spilled.ts';
import { OperationError } from '../model/errors.ts';
import type { TenantId, WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import type { Loop } from '../runtime/loop.ts';
import { openOverflow, packSpilled, type SqliteOverflow } from '../store/io/overflow.ts';
import type { DaemonLog } from './daemon-log.ts';

/** Some 130 bytes of the engine's memory each, 13 MB for all (November 2026). */
export const OVERFLOW_MAX: OverflowUse = { rows: 100_000, bytes: 1024 ** 3 };
/** What waits for a time rather than for an event, as a quota does, is looked at so often. */
const LOOK_EVERY_MS = 5_000;
/** Rows that are removed together. */
const REMOVE_MAX = 256;

/** After what there may be room, or somebody less to wait behind. */
const wakes: ReadonlySet<Event['kind']> = new Set([
  'workload-ended',
  'step-expanded',
  'node-joined',
  'spill-dropped',
]);

type SpilledAnswer = Extract<Answer, { kind: 'spilled' }>;

export interface OverflowDeps {
  readonly engine: Engine;
  readonly loop: Pick<Loop, 'send'>;
  /** Made when the first submission is spilled. */
  readonly file: string;
  /** Of all queues together. */
  readonly max: OverflowUse;
  readonly now: () => TimeMs;
  readonly log: DaemonLog;
}

/**
 * Submissions to full queues, kept on disk until there is room. The engine gives each its id and says who still
 * waits, in its journal; the file holds the documents. So whatever happens between the two, an id is let in
 * once: a document that the engine does not wait for is removed, and an id without a document is dropped,
 * which nobody was told of.
 */
export class Overflow {
  readonly #deps: OverflowDeps;
  #store: SqliteOverflow | undefined;
  /** Let in, and still on disk. */
  #entered: WorkloadId[] = [];
  #submitting = 0;
  #held = new HeldBack();
  #draining: Promise<void> | undefined;
  #again = false;
  /** Of which it was said already. */
  readonly #unreadable = new Set<WorkloadId>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: OverflowDeps) {
    this.#deps = deps;
    if (existsSync(deps.file)) this.#store = openOverflow(deps.file);
  }

  /** Brings what the engine waits for and what is on disk together after a start. */
  async recover(): Promise<void> {
    const { spilled } = this.#deps.engine.state;
    const kept = new Set(this.#store?.ids());
    const lost = [...spilled.values()].filter(({ workload }) => !kept.has(workload));
    for (const { workload } of lost) await this.#deps.loop.send({ kind: 'drop-spilled', workload });
    this.#store?.remove([...kept].filter((workload) => spilled.of(workload) === undefined));
    if (kept.size > 0 || lost.length > 0) {
      const dropped = `${lost.length} were never on disk`;
      this.#deps.log(
        'store',
        `${spilled.size} submissions wait on disk for their queues; ${dropped}`,
      );
    }
    this.#wake();
  }

  /** Submits it; where its queue is full and says so, it is accepted to wait here. */
  async submit(spec: WorkloadSpec, tenant: TenantId): Promise<SubmitOutcome> {
    const full = this.#refusal(spec, { rows: ++this.#submitting, bytes: 1 });
    try {
      const maySpill = full === undefined ? { maySpill: true as const } : {};
      const answer = await this.#deps.loop.send({ kind: 'submit', spec, tenant, ...maySpill });
      if (answer.kind === 'spilled') return await this.#keep(answer);
      if (answer.kind === 'accepted') return { kind: 'accepted', id: answer.workload };
      assert(answer.kind === 'refused', 'a submission is accepted, spilled or refused');
      const { refusal } = answer;
      const isFull = full !== undefined && this.#spills(spec, tenant) && isOfOverflow(refusal);
      return isFull ? { kind: 'refused', refusal: full } : answer;
    } finally {
      this.#submitting--;
    }
  }

  /** Lets it in to be cancelled at once, so that it ends as any other does. Nothing, where it does not wait here. */
  async cancel(workload: WorkloadId, by: TenantId): Promise<void> {
    if (this.#deps.engine.state.spilled.of(workload) === undefined) return;
    try {
      const spec = this.spec(workload);
      if (spec === undefined) return;
      const { loop } = this.#deps;
      await loop.send({ kind: 'enter-spilled', workload, spec, cancelledBy: by });
      this.#entered.push(workload);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#deps.log('store', `submission ${workload} was cancelled, and could not be read`, error);
      await this.#deps.loop.send({ kind: 'drop-spilled', workload });
      this.#entered.push(workload);
    }
    this.#wake();
  }

  /** Of one that waits here. @throws OperationError where it cannot be read. */
  spec(workload: WorkloadId): WorkloadSpec | undefined {
    if (this.#deps.engine.state.spilled.of(workload) === undefined) return undefined;
    return this.#store?.read(workload)?.spec;
  }

  /** Of those of the ids that wait here. */
  places(workloads: Iterable<WorkloadId>): SpilledPlace[] {
    const wanted = new Set(workloads);
    const seen = new Map<string, number>();
    const places: SpilledPlace[] = [];
    for (const one of this.#deps.engine.state.spilled.values()) {
      if (places.length === wanted.size) break;
      const ahead = seen.get(one.queue) ?? 0;
      seen.set(one.queue, ahead + 1);
      const row = wanted.has(one.workload) ? this.#store?.find(one.workload) : undefined;
      if (row !== undefined) places.push({ ...row, ahead, reason: this.#held.reason(one) });
    }
    return places;
  }

  byQueue(): SpilledUse[] {
    return this.#store?.byQueue() ?? [];
  }

  /** The loop's `onBatch`. */
  noteEvents(events: readonly Event[]): void {
    if (this.#deps.engine.state.spilled.size === 0) return;
    if (events.some(({ kind }) => wakes.has(kind))) this.#wake();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#draining;
    this.#store?.close();
  }

  async #keep({ workload, tenant, spec, policy, ahead }: SpilledAnswer): Promise<SubmitOutcome> {
    const at = this.#deps.engine.state.spilled.of(workload)?.at ?? this.#deps.now();
    const event = { kind: 'workload-submitted', at, workload, tenant, spec } as const;
    try {
      this.#store ??= openOverflow(this.#deps.file);
      const packed = packSpilled(event, policy);
      const refusal = this.#refusal(spec, { rows: 1, bytes: packed.keptBytes });
      if (refusal !== undefined) {
        this.#drop(workload);
        return { kind: 'refused', refusal };
      }
      await this.#store.add(event, packed);
    } catch (error) {
      this.#drop(workload);
      throw error;
    }
    this.#wake();
    return { kind: 'spilled', id: workload, queue: spec.queue, ahead };
  }

  /** Should this not become durable, the next start finds that it is not on disk. */
  #drop(workload: WorkloadId): void {
    this.#deps.loop.send({ kind: 'drop-spilled', workload }).catch(() => {});
  }

  #refusal({ queue }: WorkloadSpec, more: { rows: number; bytes: number }): Refusal | undefined {
    const use = this.#store?.use ?? { rows: 0, bytes: 0 };
    return overflowRefusal(queue, use, more, this.#deps.max);
  }

  #spills({ queue, steps }: WorkloadSpec, tenant: TenantId): boolean {
    const tasks = steps.reduce((sum, step) => sum + step.count, 0);
    const { queues } = this.#deps.engine.state.scheduler;
    return queues !== undefined && queues.overflow(queue, tenant, tasks) !== 'reject';
  }

  #wake(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  /** Lets in whom there is room for, in order, until something has to be waited for. */
  async #drain(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        const held = new HeldBack();
        await this.#letIn(held);
        this.#held = held;
      }
    } catch (error) {
      // Nothing is lost: the journal takes nothing now, or the daemon ends. A bug is told by the loop, too.
      if (!(error instanceof OperationError)) {
        this.#deps.log('store', 'what waits on disk could not be let in', error);
      }
    } finally {
      this.#removeEntered(0);
      this.#lookLater();
    }
  }

  async #letIn(held: HeldBack): Promise<void> {
    const { engine, loop } = this.#deps;
    while (!this.#closed) {
      const next = nextToEnter(engine.state.spilled.values(), held);
      if (next === undefined) return;
      const { workload } = next;
      const spec = this.#specOf(next, held);
      if (spec === undefined) continue;
      const answer = await loop.send({ kind: 'enter-spilled', workload, spec });
      if (answer.kind === 'refused') held.note(next, answer.refusal);
      else this.#entered.push(workload);
      this.#removeEntered(REMOVE_MAX);
    }
  }

  /** Of the next, or it is held back: its document is still being written, was not kept, or cannot be read. */
  #specOf(next: SpilledSubmission, held: HeldBack): WorkloadSpec | undefined {
    try {
      const spec = this.spec(next.workload);
      if (spec === undefined) held.holdQueue(next);
      return spec;
    } catch (error) {
      if (!isDamage(error)) throw error;
      const about = `submission ${next.workload} waits on disk and cannot be read; it can be cancelled`;
      if (!this.#unreadable.has(next.workload)) this.#deps.log('store', about, error);
      this.#unreadable.add(next.workload);
      held.passOver(next);
      return undefined;
    }
  }

  /** A row that stays is removed later, or at the next start: the engine knows that it was let in. */
  #removeEntered(beyond: number): void {
    if (this.#entered.length <= beyond) return;
    try {
      this.#store?.remove(this.#entered);
      this.#entered = [];
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
    }
  }

  #lookLater(): void {
    const { size } = this.#deps.engine.state.spilled;
    if (this.#closed || (size === 0 && this.#entered.length === 0)) return;
    this.#timer = setTimeout(() => this.#wake(), LOOK_EVERY_MS).unref();
  }
}

/** What is refused because others wait, or there is no room. */
const isOfOverflow = (refusal: Refusal): boolean =>
  refusal.code === 'behind-spilled' || isForRoom(refusal);

const isDamage = (error: unknown): boolean =>
  error instanceof OperationError &&
  (error.code === 'STATE_CORRUPT' || error.code === 'STATE_NEWER');
