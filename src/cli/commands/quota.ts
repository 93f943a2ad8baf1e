import type { QuotaList } from '../../api/contract/queue-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes, formatMoment, formatPercent, formatSpan } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';

type Quota = QuotaList['quotas'][number];
type Resource = keyof Quota['limit'];

/** One hour of one CPU or GPU, or of one GiB. */
const HOUR: Record<Resource, number> = {
  cpu_milli_seconds: 3_600_000,
  memory_mib_seconds: 1_024 * 3_600,
  gpu_milli_seconds: 3_600_000,
};
const UNIT: Record<Resource, string> = {
  cpu_milli_seconds: 'CPU-h',
  memory_mib_seconds: 'GiB-h',
  gpu_milli_seconds: 'GPU-h',
};

export const quota = defineCommand({
  name: 'quota',
  group: 'Work',
  summary:
    'Show quotas: used and reserved of what limit, and when they reset; and what is kept on disks',
  details: [
    'Reserved is what running tasks may still use. Quotas are set in the site file, under `quotas`; those of disks under `multi_tenancy`, as `storage_quota`.',
  ],
  options: {},
  json: 'QuotaList: {now, quotas, storage}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.quotas();
    return { document: list, view: (page) => renderQuotas(list, page), exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'QUOTA', min: 8 },
  { title: 'QUEUE', min: 6, drop: 2 },
  { title: 'TENANT', min: 6 },
  { title: 'USED', align: 'right' },
  { title: 'RESERVED', align: 'right' },
  { title: 'LIMIT', align: 'right' },
  { title: 'TAKEN', align: 'right' },
  { title: 'PERIOD', drop: 1 },
  { title: 'RESETS', drop: 3 },
];

const storageColumns: readonly Column[] = [
  { title: 'STORAGE', min: 8 },
  { title: 'TENANT', min: 6 },
  { title: 'USED', align: 'right' },
  { title: 'LIMIT', align: 'right' },
  { title: 'TAKEN', align: 'right' },
];

export function renderQuotas({ quotas, storage, now }: QuotaList, page: Page): readonly string[] {
  if (quotas.length + storage.length === 0) {
    // One of each user's storage is told once somebody keeps anything.
    const where = 'they stand in the site file, under `quotas` and `multi_tenancy`';
    return [`No quota counts anything yet: ${where}.`];
  }
  const kept = renderStorage(storage, page);
  if (quotas.length === 0) return kept;
  const rows = quotas.flatMap((one) =>
    limited(one).map((resource) => rowOf(one, resource, now, page)),
  );
  const table = renderTable(page, columns, rows);
  return kept.length === 0 ? table : [...table, '', ...kept];
}

function renderStorage(storage: QuotaList['storage'], page: Page): readonly string[] {
  if (storage.length === 0) return [];
  const rows = storage.map(({ name, tenant, used_bytes: used, limit_bytes: limit }) => [
    name,
    tenant ?? 'all together',
    formatBytes(used),
    formatBytes(limit),
    limit === 0 ? glyph(page, 'unknown') : formatPercent(used / limit),
  ]);
  return renderTable(page, storageColumns, rows);
}

const resources: readonly Resource[] = [
  'cpu_milli_seconds',
  'memory_mib_seconds',
  'gpu_milli_seconds',
];

const limited = ({ limit }: Quota): readonly Resource[] =>
  resources.filter((resource) => limit[resource] !== null);

function rowOf(one: Quota, resource: Resource, now: number, page: Page): readonly string[] {
  const unknown = glyph(page, 'unknown');
  const hours = (amount: number | null): string =>
    amount === null ? unknown : `${Math.round((amount / HOUR[resource]) * 100) / 100}`;
  const [used, reserved, limit] = [one.used[resource], one.reserved[resource], one.limit[resource]];
  const taken =
    used === null || reserved === null || limit === null || limit === 0
      ? unknown
      : formatPercent((used + reserved) / limit);
  const { kind, length_ms: length } = one.window;
  return [
    one.name,
    one.queue ?? 'all',
    one.tenant ?? (one.each ? 'each' : 'all together'),
    hours(used),
    hours(reserved),
    `${hours(limit)} ${UNIT[resource]}`,
    taken,
    kind === 'rolling' && length !== null ? `last ${formatSpan(length)}` : 'calendar',
    one.resets_at === null ? unknown : formatMoment(one.resets_at, now),
  ];
}
