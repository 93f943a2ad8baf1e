import { useState } from 'preact/hooks';
import type { BudgetList, UsageReportDocument } from '../../../src/api/contract/money-documents.ts';
import type { QueueList, QuotaList } from '../../../src/api/contract/queue-documents.ts';
import { bytes, counted, dollars, milli, percent, UNKNOWN, whole } from '../format.ts';
import { cpuScale } from '../metrics.ts';
import { BudgetTable } from '../parts/budget-table.tsx';
import { Choice } from '../parts/choice.tsx';
import { Command, EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { QuotaTable } from '../parts/quota-table.tsx';
import { ResourceBar } from '../parts/resource-bar.tsx';
import { useSteadyRows } from '../parts/use-steady-rows.ts';
import { type TenantRow, tenantRows } from '../tenant-rows.ts';
import { anyWorkload, useDocument } from '../use-document.ts';
import { useLatest } from '../use-latest.ts';

const spans = ['24h', '7d', '30d'] as const;
type Span = (typeof spans)[number];
const ROWS_MAX = 200;
const seldom = { when: anyWorkload, everyMs: 10_000 };
const often = { when: anyWorkload, everyMs: 2_000 };
const metricNames = ['berth_tenant_cpu_used', 'berth_tenant_memory_bytes'] as const;

/** Who holds what, who used what, and what each may still use. */
export function TenantsPage() {
  const [span, choose] = useState<Span>('7d');
  const { value: queues, problem } = useDocument<QueueList>('/api/v1/queues', often).value;
  const { value: quotas } = useDocument<QuotaList>('/api/v1/quotas', often).value;
  const { value: budgets } = useDocument<BudgetList>('/api/v1/budgets', often).value;
  const { value: report } = useDocument<UsageReportDocument>(
    `/api/v1/usage-report?since=${span}&by=user`,
    seldom,
  ).value;
  const latest = useLatest(metricNames);
  const known = queues !== undefined && report !== undefined;
  const rows = tenantRows({
    queues,
    report,
    cpu: latest.get('berth_tenant_cpu_used'),
    memory: latest.get('berth_tenant_memory_bytes'),
  });
  return (
    <>
      <h1 class="lead">{known ? leadOf(rows) : '\u00a0'}</h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      {known && (
        <>
          <section class="part" aria-label="Tenants">
            <header class="section-head">
              <h2>Now, and in {span}</h2>
              <span class="muted">filled: used (measured), outlined: held</span>
              <Choice<Span> label="Since" options={spans} chosen={span} onChoose={choose} />
              <Command text={`berth usage --since ${span} --by user`} />
            </header>
            {rows.length === 0 ? (
              <EmptyNote command="berth run examples/quickstart.yaml">
                Nobody holds anything, and nobody did. Who submits is a tenant:
              </EmptyNote>
            ) : (
              <TenantTable rows={rows} queues={queues} isPriced={report.total.cost > 0} />
            )}
          </section>
          <QuotaTable list={quotas} />
          {budgets !== undefined && budgets.budgets.length > 0 && (
            <section class="part" aria-label="Budgets">
              <header class="section-head">
                <h2>Budgets</h2>
                <span class="muted">filled: spent, outlined: with what is held back</span>
                <Command text="berth budget" />
              </header>
              <BudgetTable list={budgets} />
            </section>
          )}
          {noLimits(quotas, budgets) && (
            <p class="muted part">
              Nobody has a quota or a budget: the blocks <code>quotas</code> and{' '}
              <code>budgets</code> of the site file set them.
            </p>
          )}
        </>
      )}
    </>
  );
}

const noLimits = (quotas: QuotaList | undefined, budgets: BudgetList | undefined): boolean =>
  quotas?.quotas.length === 0 && budgets?.budgets.length === 0;

function leadOf(rows: readonly TenantRow[]): string {
  const holding = rows.filter(({ share }) => share > 0);
  const [most] = holding;
  if (most === undefined) return 'Nobody holds anything now.';
  const who = `${most.tenant} holds most: ${percent(most.share)} of the site`;
  return holding.length === 1
    ? `Only ${most.tenant} holds something: ${percent(most.share)} of the site.`
    : `${counted(holding.length, 'tenant')} hold something; ${who}.`;
}

interface TenantTableProps {
  readonly rows: readonly TenantRow[];
  readonly queues: QueueList;
  readonly isPriced: boolean;
}

function TenantTable({ rows, queues, isPriced }: TenantTableProps) {
  const steady = useSteadyRows(rows.slice(0, ROWS_MAX), ({ tenant }) => tenant);
  return (
    <div {...steady.hold}>
      <table class="plain-table tenants" aria-label="Tenants">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col">CPU</th>
            <th scope="col" class="wide-only">
              Memory
            </th>
            <th scope="col" class="number col-when">
              GPUs
            </th>
            <th scope="col" class="number col-when">
              Runs
            </th>
            <th scope="col" class="number wide-only col-when">
              CPU-hours
            </th>
            <th scope="col" class="number wide-only col-when">
              GPU-hours
            </th>
            {isPriced && (
              <th scope="col" class="number col-when">
                Cost
              </th>
            )}
            <th scope="col" class="number wide-only col-when">
              Failed
            </th>
          </tr>
        </thead>
        <tbody>
          {steady.rows.map(({ row, gone }) => (
            <Tenant
              key={row.tenant}
              row={row}
              gone={gone}
              capacity={queues.capacity}
              isPriced={isPriced}
            />
          ))}
        </tbody>
      </table>
      {rows.length > ROWS_MAX && (
        <p class="muted">
          The first {ROWS_MAX} of {whole(rows.length)}; the command lists all.
        </p>
      )}
    </div>
  );
}

interface TenantProps {
  readonly row: TenantRow;
  readonly gone: boolean;
  readonly capacity: QueueList['capacity'];
  readonly isPriced: boolean;
}

function Tenant({ row, gone, capacity, isPriced }: TenantProps) {
  const { tenant, cpuHeldMilli, memoryHeldBytes, gpuHeldMilli, cpusUsed, memoryUsedBytes } = row;
  const { past } = row;
  const cpuText = `${cpuScale.format(cpusUsed)} used (measured) and ${milli(cpuHeldMilli)} held of ${milli(capacity.cpu_milli)} CPUs`;
  const memoryText = `${bytes(memoryUsedBytes)} used (measured) and ${bytes(memoryHeldBytes)} held of ${bytes(capacity.memory_bytes)}`;
  return (
    <tr class={gone ? 'gone' : ''} data-tenant={tenant}>
      <th scope="row" class="words">
        {tenant}
      </th>
      <td>
        <ResourceBar
          resource="cpu"
          used={cpusUsed === undefined ? undefined : cpusUsed * 1_000}
          requested={cpuHeldMilli}
          whole={capacity.cpu_milli || undefined}
          label={cpuText}
        />
      </td>
      <td class="wide-only">
        <ResourceBar
          resource="memory"
          used={memoryUsedBytes}
          requested={memoryHeldBytes}
          whole={capacity.memory_bytes || undefined}
          label={memoryText}
        />
      </td>
      <td class="number">{milli(gpuHeldMilli)}</td>
      <td class="number">{whole(row.running)}</td>
      <td class="number wide-only">{past === undefined ? UNKNOWN : past.cpu_hours.toFixed(2)}</td>
      <td class="number wide-only">{past === undefined ? UNKNOWN : past.gpu_hours.toFixed(2)}</td>
      {isPriced && (
        <td
          class="number"
          title={past !== undefined && past.unpriced > 0 ? 'Some of it has no known price' : ''}
        >
          {past === undefined ? UNKNOWN : `${past.unpriced > 0 ? '~' : ''}${dollars(past.cost)}`}
        </td>
      )}
      <td class="number wide-only">
        {past === undefined ? UNKNOWN : `${whole(past.failures)} of ${whole(past.attempts)}`}
      </td>
    </tr>
  );
}
