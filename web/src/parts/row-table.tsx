import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { whole } from '../format.ts';
import { useSteadyRows } from './use-steady-rows.ts';
import { useVisibleRows } from './use-visible-rows.ts';

export interface Column<T> {
  readonly head: string;
  /** Width and whether small screens show it: a class of the stylesheet. */
  readonly class: string;
  cell(row: T): ComponentChildren;
}

interface RowTableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  keyOf(row: T): string;
  hrefOf(row: T): string;
  readonly selected?: string | undefined;
  /** Scrolls by itself once it is long, for there is more below it. */
  readonly inner?: boolean;
}

/** Above this only the rows in view are drawn. */
const DRAWN_MAX = 200;

/**
 * A table whose rows keep their place while the pointer or the focus is in it. Every row has one
 * link, which `j` and `k` move over; a click anywhere on the row follows it.
 */
export function RowTable<T>({
  label,
  columns,
  rows,
  keyOf,
  hrefOf,
  selected,
  inner = false,
}: RowTableProps<T>) {
  const body = useRef<HTMLTableSectionElement | null>(null);
  const steady = useSteadyRows(rows, keyOf);
  const shown = useVisibleRows(body, steady.rows.length, steady.rows.length > DRAWN_MAX);
  const drawn = steady.rows.slice(shown.from, shown.to);
  return (
    <div class={inner ? 'row-table inner' : 'row-table'} {...steady.hold}>
      <table aria-label={label} aria-rowcount={steady.rows.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} class={column.class} scope="col">
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {shown.from > 0 && <tr class="spacer" style={{ height: `${shown.before}px` }} />}
          {drawn.map(({ row, gone }, i) => {
            const key = keyOf(row);
            return (
              <tr
                key={key}
                aria-rowindex={shown.from + i + 2}
                class={`${gone ? 'gone' : ''} ${key === selected ? 'selected' : ''}`}
                onClick={(event) => follow(event)}
              >
                {columns.map((column, c) => (
                  <td key={column.head} class={column.class}>
                    {c === 0 ? (
                      <a
                        href={hrefOf(row)}
                        data-row={key}
                        aria-current={key === selected ? 'true' : undefined}
                      >
                        {column.cell(row)}
                      </a>
                    ) : (
                      column.cell(row)
                    )}
                  </td>
                ))}
              </tr>
            );
          })}
          {shown.to < steady.rows.length && (
            <tr class="spacer" style={{ height: `${shown.after}px` }} />
          )}
        </tbody>
      </table>
      {steady.held > 0 && (
        <output class="held">
          {whole(steady.held)} new, shown when the pointer leaves the table
        </output>
      )}
    </div>
  );
}

function follow(event: MouseEvent): void {
  if (!(event.target instanceof Element) || !(event.currentTarget instanceof Element)) return;
  if (event.target.closest('a, button') !== null || getSelection()?.isCollapsed === false) return;
  event.currentTarget.querySelector<HTMLAnchorElement>('a[data-row]')?.click();
}
