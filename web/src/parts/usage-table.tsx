import type { UsageReportDocument } from '../../../src/api/contract/money-documents.ts';
import { dollars, UNKNOWN, whole } from '../format.ts';
import { ResourceBar } from './resource-bar.tsx';

const ROWS_MAX = 50;

/** Who used what, those that cost most first; by CPU-hours where nothing has a price. */
export function UsageTable({ report }: { readonly report: UsageReportDocument }) {
  const { rows, by } = report;
  const priced = report.total.cost > 0;
  const amount = (row: (typeof rows)[number]): number => (priced ? row.cost : row.cpu_hours);
  const most = Math.max(...rows.map(amount));
  return (
    <>
      <table class="queue-tree spending" aria-label="Use">
        <thead>
          <tr>
            <th scope="col">{by.join(', ')}</th>
            <th scope="col">{priced ? 'Cost' : 'CPU-hours'}</th>
            {priced && (
              <th scope="col" class="number">
                Dollars
              </th>
            )}
            <th scope="col" class="number wide-only">
              CPU-hours
            </th>
            <th scope="col" class="number wide-only">
              GPU-hours
            </th>
            <th scope="col" class="number wide-only">
              Tokens
            </th>
            <th scope="col" class="number wide-only">
              Attempts
            </th>
            <th scope="col" class="number">
              Failed
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS_MAX).map((row) => {
            const name = row.group.map((part) => part ?? UNKNOWN).join(', ');
            const said = priced ? dollars(row.cost) : `${hours(row.cpu_hours)} CPU-hours`;
            return (
              <tr key={name} data-group={name}>
                <th scope="row">{name}</th>
                <td class="col-use">
                  <ResourceBar
                    resource={priced ? 'custom' : 'cpu'}
                    used={amount(row)}
                    whole={most}
                    label={`${name}: ${said}`}
                  />
                </td>
                {priced && (
                  <td
                    class="number"
                    title={row.unpriced > 0 ? 'Some of it has no known price' : ''}
                  >
                    {row.unpriced > 0 ? '~' : ''}
                    {dollars(row.cost)}
                  </td>
                )}
                <td class="number wide-only">{hours(row.cpu_hours)}</td>
                <td class="number wide-only">{hours(row.gpu_hours)}</td>
                <td class="number wide-only">{whole(row.tokens)}</td>
                <td class="number wide-only">{whole(row.attempts)}</td>
                <td class="number">{whole(row.failures)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length > ROWS_MAX && (
        <p class="muted">
          The first {ROWS_MAX} of {whole(rows.length)}; the command lists all.
        </p>
      )}
    </>
  );
}

const hours = (amount: number): string => amount.toFixed(amount >= 100 ? 0 : 2);
