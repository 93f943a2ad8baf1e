import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { WorkloadSummary } from '../../src/api/contract/documents.ts';
import { post } from './api-client.ts';
import { changedHere } from './live.ts';
import { type Done, doing } from './parts/undo-note.tsx';

/** By so much a key moves a workload before or behind others. */
const PRIORITY_STEP = 10;

/** `+` and `-` change the priority of the workload whose row has the focus; `done` says so, with an undo. */
export function useReordering(
  workloads: readonly WorkloadSummary[],
  done: Signal<Done | undefined>,
): void {
  const latest = useRef(workloads);
  latest.current = workloads;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const by = event.key === '+' ? PRIORITY_STEP : event.key === '-' ? -PRIORITY_STEP : 0;
      const row = document.activeElement?.closest('[data-row][href^="#/workloads/"]');
      const of = latest.current.find(({ id }) => id === row?.getAttribute('data-row'));
      if (by === 0 || of === undefined) return;
      event.preventDefault();
      void reorder(of, by, done);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [done]);
}

async function reorder(
  { id, name, priority }: WorkloadSummary,
  by: number,
  done: Signal<Done | undefined>,
): Promise<void> {
  const set = async (to: number): Promise<void> => {
    await post(`/api/v1/workloads/${id}/adjust`, { priority: to });
    changedHere();
  };
  await doing(done, async () => {
    await set(priority + by);
    return {
      sentence: `${name} #${id} has priority ${priority + by}, was ${priority}.`,
      undo: async () => {
        await doing(done, async () => {
          await set(priority);
          return { sentence: `${name} #${id} has priority ${priority} again.`, undo: undefined };
        });
      },
    };
  });
}
