import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { keptInPlace, type SteadyRow } from './kept-in-place.ts';

/** Of all tables together: one that grows would push those below it from under the pointer. */
const held = signal(false);

/** While the pointer is over a table, rows change in place, none moves, and new ones wait outside. */
export function useSteadyRows<T>(rows: readonly T[], keyOf: (row: T) => string) {
  const last = useRef<readonly SteadyRow<T>[] | undefined>(undefined);
  const steady =
    held.value && last.current !== undefined
      ? keptInPlace(last.current, rows, keyOf)
      : rows.map((row) => ({ row, gone: false }));
  last.current = steady;
  useEffect(() => release, []);
  const alive = steady.reduce((count, { gone }) => count + (gone ? 0 : 1), 0);
  return {
    rows: steady,
    held: rows.length - alive,
    hold: {
      onPointerEnter: (event: PointerEvent) => {
        // A finger leaves no pointer behind that could be in the way.
        if (event.pointerType === 'mouse') held.value = true;
      },
      onPointerLeave: release,
    },
  };
}

function release(): void {
  held.value = false;
}
