import { useRef, useState } from 'preact/hooks';

export interface SteadyRow<T> {
  readonly row: T;
  /** No longer in the list; kept in place while the table is held. */
  readonly gone: boolean;
}

/** While the pointer is over the table, rows change in place, none moves, and new ones wait outside. */
export function useSteadyRows<T>(rows: readonly T[], keyOf: (row: T) => string) {
  const [held, setHeld] = useState(false);
  const last = useRef<readonly SteadyRow<T>[]>([]);
  const steady = held
    ? keptInPlace(last.current, rows, keyOf)
    : rows.map((row) => ({ row, gone: false }));
  last.current = steady;
  const alive = steady.reduce((count, { gone }) => count + (gone ? 0 : 1), 0);
  return {
    rows: steady,
    held: rows.length - alive,
    hold: {
      onPointerEnter: (event: PointerEvent) => {
        // A finger leaves no pointer behind that could be in the way.
        if (event.pointerType === 'mouse') setHeld(true);
      },
      onPointerLeave: () => setHeld(false),
    },
  };
}

export function keptInPlace<T>(
  before: readonly SteadyRow<T>[],
  rows: readonly T[],
  keyOf: (row: T) => string,
): readonly SteadyRow<T>[] {
  const current = new Map(rows.map((row) => [keyOf(row), row]));
  return before.map(({ row }) => {
    const now = current.get(keyOf(row));
    return now === undefined ? { row, gone: true } : { row: now, gone: false };
  });
}
