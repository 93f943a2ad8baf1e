export interface SteadyRow<T> {
  readonly row: T;
  /** No longer in the list; kept in place while the table is held. */
  readonly gone: boolean;
}

/** The rows in their old order with their new content; new rows are left out. */
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
