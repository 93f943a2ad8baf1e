import { sourceOf, textOf } from '../facts.ts';
import type { Item } from '../topology-boxes.ts';

export interface FactColumn {
  readonly head: string;
  readonly field: string;
  readonly number?: boolean;
  /** Left out on small screens. */
  readonly wide?: boolean;
  text?(item: Item): string | undefined;
}

interface FactTableProps {
  readonly title: string;
  /** Beside the title, in place of their number. */
  readonly note?: string;
  readonly columns: readonly FactColumn[];
  readonly rows: readonly Item[];
}

/** Things of one kind; each cell says on hover where it is from, or why it is not known. */
export function FactTable({ title, note, columns, rows }: FactTableProps) {
  if (rows.length === 0) return null;
  return (
    <section class="part" aria-label={title}>
      <header class="section-head">
        <h2>{title}</h2>
        <span class="muted">{note ?? rows.length}</span>
      </header>
      <table class="fact-table" aria-label={title}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" class={classOf(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((item, i) => (
            <tr key={i}>
              {columns.map((column) => {
                const text = column.text?.(item) ?? textOf(column.field, item[column.field], item);
                const source = sourceOf(item, column.field);
                return (
                  <td
                    key={column.head}
                    class={classOf(column)}
                    title={source === '' ? text : `${text} (${source})`}
                  >
                    {text}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const classOf = ({ number, wide }: FactColumn): string =>
  `${number === true ? 'number' : ''} ${wide === true ? 'wide-only' : ''}`;
