import { signal } from '@preact/signals';
import type { SiteChange } from '../../src/api/contract/views.ts';
import { ApiProblem } from './api-client.ts';
import { readEvents } from './event-stream.ts';

export type LiveState = 'connecting' | 'live' | 'paused' | 'locked';

export const liveState = signal<LiveState>('connecting');
/** Browser time at which the daemon was last heard. */
export const heardAt = signal<number | undefined>(undefined);

/** The server shows a sign of life every 15 s; after two missed ones the line is dead. */
const SILENCE_MS_MAX = 35_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000];

type Listener = (change: SiteChange) => void;
const listeners = new Set<Listener>();

/** Everything may have changed: told after each (re)connection. */
const everything: SiteChange = { workloads: ['*'], nodes: true, sample: true };

export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const hastyListeners = new Set<() => void>();

/** Told when this page changed something that no event tells of. */
export function onChangedHere(listener: () => void): () => void {
  hastyListeners.add(listener);
  return () => hastyListeners.delete(listener);
}

export function changedHere(): void {
  for (const listener of hastyListeners) listener();
}

export function heard(): void {
  heardAt.value = Date.now();
}

/** Watches for changes for as long as the page is open. */
export async function watch(): Promise<never> {
  for (let failures = 0; ; failures++) {
    try {
      await watchOnce(() => {
        failures = 0;
      });
    } catch (error) {
      if (error instanceof ApiProblem && error.problem.status === 401) await untilUnlocked();
    }
    if (liveState.value !== 'connecting') liveState.value = 'paused';
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!);
  }
}

async function watchOnce(onOpen: () => void): Promise<void> {
  const dead = new AbortController();
  let alarm = setTimeout(() => dead.abort(), SILENCE_MS_MAX);
  let open = false;
  try {
    for await (const event of readEvents('/api/v1/events', dead.signal)) {
      clearTimeout(alarm);
      alarm = setTimeout(() => dead.abort(), SILENCE_MS_MAX);
      heard();
      if (!open) {
        open = true;
        onOpen();
        liveState.value = 'live';
        tell(everything);
      }
      if (event.type === 'change') tell(JSON.parse(event.data) as SiteChange);
    }
  } finally {
    clearTimeout(alarm);
  }
}

function tell(change: SiteChange): void {
  for (const listener of listeners) listener(change);
}

let unlock = () => {};

/** The token was given: go on. */
export function unlocked(): void {
  liveState.value = 'connecting';
  unlock();
}

function untilUnlocked(): Promise<void> {
  liveState.value = 'locked';
  return new Promise((resolve) => {
    unlock = resolve;
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
