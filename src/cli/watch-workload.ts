import { setTimeout as wait } from 'node:timers/promises';
import type { WorkloadDocument } from '../api/contract/documents.ts';
import { OperationError } from '../model/errors.ts';
import type { Client } from './client.ts';
import { hasEnded } from './status-word.ts';

/** Usage of running attempts changes without an event. */
const LOOK_EVERY_MS = 1_000;
const LOOK_GAP_MS = 100;
/** Large documents are fetched less often: waiting takes so many times as long as fetching. */
const WAIT_FACTOR = 20;
/** The end is seen this late at most, unless fetching alone would take a sixth of the time. */
const WAIT_MS_MAX = 1_000;
const WAIT_FACTOR_MIN = 5;
/** A daemon that was killed is started again by somebody, and finds its workloads running. */
export const AWAY_MS_MAX = 60_000;
export const AWAY_LOOK_MS = 500;

/** The workload each time it may have changed, until it has ended or the signal aborts. */
export async function* watchWorkload(
  client: Client,
  id: string,
  options: { readonly signal: AbortSignal; readonly note: (sentence: string) => void },
): AsyncGenerator<WorkloadDocument> {
  const { signal, note } = options;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const bell = new Bell();
  const listening = ringOnChange(client, id, bell, either);
  let awaySince: number | undefined;
  try {
    while (!signal.aborted) {
      const began = performance.now();
      bell.hush();
      let document: WorkloadDocument;
      try {
        document = await client.workload(id, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isAway(error)) throw error;
        if (awaySince === undefined)
          note('The daemon does not answer; waiting for it to come back.');
        awaySince ??= began;
        if (began - awaySince > AWAY_MS_MAX) throw error;
        await pause(AWAY_LOOK_MS, signal);
        continue;
      }
      awaySince = undefined;
      const tookMs = performance.now() - began;
      yield document;
      if (hasEnded(document.status)) return;
      const wanted = Math.min(WAIT_MS_MAX, tookMs * WAIT_FACTOR);
      await pause(Math.max(LOOK_GAP_MS, wanted, tookMs * WAIT_FACTOR_MIN), signal);
      await Promise.race([bell.rung(), pause(LOOK_EVERY_MS, either)]);
    }
  } finally {
    over.abort();
    await listening;
  }
}

export const isAway = (error: unknown): boolean =>
  error instanceof OperationError && error.code === 'DAEMON_DOWN';

/** Rings for each change of the workload. Without the stream the watch still looks every second. */
async function ringOnChange(
  client: Client,
  id: string,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const change of client.changes(signal)) {
        if (change.workloads.includes(id)) bell.ring();
      }
    } catch (error) {
      if (!(error instanceof OperationError) && !signal.aborted) throw error;
    }
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** Resolves early, and does not reject, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Remembers whether it rang since it was last hushed. */
class Bell {
  #ring = Promise.withResolvers<void>();

  ring(): void {
    this.#ring.resolve();
  }

  /** Who waits still keeps the ring that it waits for, and takes none of those that follow. */
  hush(): void {
    this.#ring = Promise.withResolvers<void>();
  }

  rung(): Promise<void> {
    return this.#ring.promise;
  }
}
