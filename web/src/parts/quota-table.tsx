import type { QuotaList } from '../../../src/api/contract/queue-documents.ts';
import { duration, UNKNOWN } from '../format.ts';
import { now } from '../server-time.ts';
import { ResourceBar } from './resource-bar.tsx';

type Quota = QuotaList['quotas'][number];
type Name = keyof Quota['limit'];

const resources = [
  { name: 'cpu_milli_seconds', bar: 'cpu', unit: 'CPU-hours', perHour: 3_600_000 },
  { name: 'memory_mib_seconds', bar: 'memory', unit: 'GiB-hours', perHour: 1_024 * 3_600 },
  { name: 'gpu_milli_seconds', bar: 'gpu', unit: 'GPU-hours', perHour: 3_600_000 },
] as const satisfies readonly { readonly name: Name; readonly [rest: string]: unknown }[];

/** What was used and is reserved of each quota over its period. */
export function QuotaTable({ list }: { readonly list: QuotaList | undefined }) {
  const rows = (list?.quotas ?? []).flatMap((quota) =>
    resources.filter(({ name }) => quota.limit[name] !== null).map((of) => ({ quota, of })),
  );
  if (rows.length === 0) return null;
  return (
    <section class="part" aria-label="Quotas">
      <header class="section-head">
        <h2>Quotas</h2>
        <span class="muted">filled: used, outlined: with what running tasks may still use</span>
      </header>
      <table class="queue-tree" aria-label="Quotas">
        <thead>
          <tr>
            <th scope="col">Quota</th>
            <th scope="col">Use</th>
            <th scope="col">Of</th>
            <th scope="col" class="wide-only">
              Tenant
            </th>
            <th scope="col" class="number">
              Resets
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ quota, of }) => (
            <tr key={`${quota.name} ${quota.tenant} ${of.name}`}>
              <th scope="row">{quota.name}</th>
              <td class="col-use">
                <QuotaBar quota={quota} of={of} />
              </td>
              <td>
                {hours(quota.limit[of.name], of.perHour)} {of.unit}
              </td>
              <td class="wide-only">{quota.tenant ?? (quota.each ? 'each' : 'all together')}</td>
              <td class="number">
                {quota.resets_at === null ? UNKNOWN : `in ${duration(quota.resets_at - now.value)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function QuotaBar({
  quota,
  of,
}: {
  readonly quota: Quota;
  readonly of: (typeof resources)[number];
}) {
  const [used, reserved, limit] = [
    quota.used[of.name],
    quota.reserved[of.name],
    quota.limit[of.name],
  ];
  const taken = used === null || reserved === null ? null : used + reserved;
  const label =
    `${hours(used, of.perHour)} used and ${hours(reserved, of.perHour)} reserved of ` +
    `${hours(limit, of.perHour)} ${of.unit}`;
  return (
    <ResourceBar resource={of.bar} used={used} requested={taken} limit={limit} label={label} />
  );
}

const hours = (amount: number | null, perHour: number): string =>
  amount === null ? UNKNOWN : String(Math.round((amount / perHour) * 100) / 100);
