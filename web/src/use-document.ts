import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../../src/api/contract/documents.ts';
import type { SiteChange } from '../../src/api/contract/views.ts';
import { ApiProblem, getJson } from './api-client.ts';
import { heard, onChange, onChangedHere } from './live.ts';

export interface Loaded<T> {
  /** The last that was read, also while a newer one cannot be. */
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
}

const CACHE_MAX = 32;
/** Reading may take a tenth of the time at most. */
const LOAD_SHARE = 9;
/** Documents by path, so that going back shows at once what was there. */
const cache = new Map<string, unknown>();

export interface Reread {
  /** Whether the document may differ after this change. */
  readonly when: (change: SiteChange) => boolean;
  /** The least time between two reads. */
  readonly everyMs: number;
  /** A route that a daemon may not have: its 404 is believed until the next connection. */
  readonly mayLack?: boolean;
}

/** A document of the API that is read again when a change concerns it. Nothing is read without a path. */
export function useDocument<T>(path: string | undefined, reread: Reread): Signal<Loaded<T>> {
  const loaded = useSignal<Loaded<T>>({ value: undefined, problem: undefined });
  useEffect(() => {
    loaded.value = {
      value: path === undefined ? undefined : recall<T>(path),
      problem: undefined,
    };
    if (path === undefined) return undefined;
    return keepReading<T>(path, reread, (next) => {
      loaded.value = {
        value: next.value ?? loaded.peek().value,
        problem: next.problem,
      };
    });
  }, [path]);
  return loaded;
}

/** Several documents of one kind, each read again by itself; those that are not here yet are empty. */
export function useDocuments<T>(
  paths: readonly string[],
  reread: Reread,
): Signal<readonly Loaded<T>[]> {
  const loaded = useSignal<readonly Loaded<T>[]>([]);
  useEffect(() => {
    loaded.value = paths.map((path) => ({ value: recall<T>(path), problem: undefined }));
    const stops = paths.map((path, i) =>
      keepReading<T>(path, reread, (next) => {
        const value = next.value ?? loaded.peek()[i]?.value;
        loaded.value = loaded.peek().with(i, { value, problem: next.problem });
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }, [paths.join('\n')]);
  return loaded;
}

/** This daemon has no such route, being older than the page; not that the route found nothing. */
export const isLacking = (problem: Problem | undefined): boolean =>
  problem?.status === 404 && problem.detail.includes('/api/');

function keepReading<T>(
  path: string,
  reread: Reread,
  onLoaded: (loaded: Loaded<T>) => void,
): () => void {
  const left = new AbortController();
  let busy = false;
  let dirty = true;
  let lacking = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = async (): Promise<void> => {
    timer = undefined;
    if (busy || !dirty || lacking || document.visibilityState === 'hidden') return;
    busy = true;
    dirty = false;
    const begun = performance.now();
    try {
      const value = await getJson<T>(path, left.signal);
      remember(path, value);
      heard();
      onLoaded({ value, problem: undefined });
    } catch (error) {
      if (left.signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      lacking = reread.mayLack === true && isLacking(error.problem);
      onLoaded({ value: undefined, problem: error.problem });
    }
    busy = false;
    // A document that takes long to make and send is asked for less often.
    timer = setTimeout(read, Math.max(reread.everyMs, LOAD_SHARE * (performance.now() - begun)));
  };
  const stale = (): void => {
    dirty = true;
    if (!busy && timer === undefined) void read();
  };
  const stop = onChange((change) => {
    // A new connection may be to a newer daemon.
    if (change.workloads.includes('*')) lacking = false;
    if (reread.when(change)) stale();
  });
  const stopHere = onChangedHere(() => {
    dirty = true;
    if (busy) return;
    clearTimeout(timer);
    void read();
  });
  document.addEventListener('visibilitychange', stale);
  void read();
  return () => {
    left.abort();
    clearTimeout(timer);
    stop();
    stopHere();
    document.removeEventListener('visibilitychange', stale);
  };
}

/** What was read from the same path before has the same shape. */
const recall = <T>(path: string): T | undefined => cache.get(path) as T | undefined;

function remember(path: string, value: unknown): void {
  cache.delete(path);
  cache.set(path, value);
  if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value!);
}

export const anyWorkload = (change: SiteChange): boolean => change.workloads.length > 0;
/** Of what a daemon reads at its start: again after each connection. */
export const anew: Reread = {
  when: ({ workloads }) => workloads.includes('*'),
  everyMs: 2_000,
};
export const always = (): boolean => true;
export const thisWorkload =
  (id: string) =>
  ({ workloads }: SiteChange): boolean =>
    workloads.includes(id) || workloads.includes('*');
