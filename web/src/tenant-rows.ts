import type { UsageReportDocument } from '../../src/api/contract/money-documents.ts';
import type { QueueList } from '../../src/api/contract/queue-documents.ts';
import type { MetricList } from '../../src/api/contract/telemetry-documents.ts';

type Series = MetricList['metrics'][number]['series'];

/** What one tenant holds and uses now, and used before; undefined is not known. */
export interface TenantRow {
  readonly tenant: string;
  readonly running: number;
  readonly cpuHeldMilli: number;
  readonly memoryHeldBytes: number;
  readonly gpuHeldMilli: number;
  /** Of the site, of the resource of which it holds most, 0…1. */
  readonly share: number;
  readonly cpusUsed: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly past: UsageReportDocument['rows'][number] | undefined;
}

interface Sources {
  readonly queues: QueueList | undefined;
  /** By user. */
  readonly report: UsageReportDocument | undefined;
  readonly cpu: Series | undefined;
  readonly memory: Series | undefined;
}

/** Everybody who holds something or did, those with the largest share first. */
export function tenantRows({ queues, report, cpu, memory }: Sources): readonly TenantRow[] {
  const rows = new Map<string, TenantRow>();
  const latest = (series: Series | undefined, tenant: string): number | undefined =>
    series?.find(({ labels }) => labels['tenant'] === tenant)?.value;
  const rowOf = (tenant: string): TenantRow =>
    rows.get(tenant) ?? {
      tenant,
      running: 0,
      cpuHeldMilli: 0,
      memoryHeldBytes: 0,
      gpuHeldMilli: 0,
      share: 0,
      cpusUsed: latest(cpu, tenant),
      memoryUsedBytes: latest(memory, tenant),
      past: undefined,
    };
  // A queue tells of all below it, too: only its leaves are added up.
  const inner = new Set(queues?.queues.map(({ parent }) => parent));
  for (const { name, tenants } of queues?.queues ?? []) {
    if (inner.has(name)) continue;
    for (const { tenant, running, held } of tenants) {
      const row = rowOf(tenant);
      rows.set(tenant, {
        ...row,
        running: row.running + running,
        cpuHeldMilli: row.cpuHeldMilli + held.cpu_milli,
        memoryHeldBytes: row.memoryHeldBytes + held.memory_bytes,
        gpuHeldMilli: row.gpuHeldMilli + held.gpu_milli,
      });
    }
  }
  for (const past of report?.rows ?? []) {
    const [tenant] = past.group;
    if (tenant != null) rows.set(tenant, { ...rowOf(tenant), past });
  }
  const capacity = queues?.capacity;
  const part = (held: number, of: number | undefined): number => held / Math.max(1, of ?? 0);
  return [...rows.values()]
    .map((row) => ({
      ...row,
      share: Math.max(
        part(row.cpuHeldMilli, capacity?.cpu_milli),
        part(row.memoryHeldBytes, capacity?.memory_bytes),
        part(row.gpuHeldMilli, capacity?.gpu_milli),
      ),
    }))
    .toSorted(
      (a, b) =>
        b.share - a.share ||
        (b.past?.cost ?? 0) - (a.past?.cost ?? 0) ||
        (b.past?.cpu_hours ?? 0) - (a.past?.cpu_hours ?? 0) ||
        a.tenant.localeCompare(b.tenant, 'en'),
    );
}
