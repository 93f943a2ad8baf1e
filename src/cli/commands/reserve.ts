import type { ReservationList } from '../../api/contract/queue-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { amountsText } from '../queue-table.ts';
import { type Cell, type Column, renderTable } from '../table.ts';
import { enumerate } from '../text.ts';

type Reservation = ReservationList['reservations'][number];

export const reserve = defineCommand({
  name: 'reserve',
  group: 'Work',
  summary: 'List reservations: what is kept, for whom, when and where',
  details: [
    'Reservations are made in the site file, under `reservations`; this only lists them. While a window is open, what is kept stays free for those it is for; before, others may use it if they end in time.',
  ],
  options: {},
  json: 'ReservationList: {now, reservations}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.reservations();
    return { document: list, view: (page) => renderReservations(list, page), exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'RESERVATION', min: 8 },
  { title: 'KEEPS', min: 8 },
  { title: 'FOR', min: 10 },
  { title: 'WHEN' },
  { title: 'NOW' },
  { title: 'CHANGES', drop: 2 },
  { title: 'WHERE', min: 8, drop: 1 },
];

export function renderReservations(list: ReservationList, page: Page): readonly string[] {
  const { reservations, now } = list;
  if (reservations.length === 0) {
    return ['Nothing is reserved: reservations stand in the site file, under `reservations`.'];
  }
  return renderTable(
    page,
    columns,
    reservations.map((one): readonly Cell[] => [
      one.name,
      `${one.parts > 1 ? `${one.parts} ${glyph(page, 'times')} ` : ''}${amountsText(one.amount, page)}`,
      whomText(one),
      windowText(one),
      one.open ? { text: 'open', tone: 'running' } : { text: 'closed', tone: 'faint' },
      one.changes_at === null ? glyph(page, 'unknown') : formatMoment(one.changes_at, now),
      placesText(one, page),
    ]),
  );
}

function whomText({ for: whom }: Reservation): string {
  const parts = [
    whom.pipelines === null ? '' : `pipelines ${enumerate(whom.pipelines)}`,
    whom.queues === null ? '' : `queues ${enumerate(whom.queues)}`,
    whom.tenants === null ? '' : `tenants ${enumerate(whom.tenants)}`,
    whom.classes === null ? '' : `class ${enumerate(whom.classes)}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'everybody' : parts.join(', ');
}

function windowText({ window }: Reservation): string {
  if (window === null) return 'always';
  return `${clock(window.start_ms)}-${clock(window.end_ms)} ${window.zone}`;
}

function clock(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The nodes, with what those it is for hold of it there. */
function placesText({ nodes, unbound }: Reservation, page: Page): string {
  const parts = nodes.map(({ node, used }) => {
    const inUse = used.cpu_milli > 0 || used.memory_bytes > 0 || used.gpu_milli > 0;
    return inUse ? `${node} (${amountsText(used, page)} in use)` : node;
  });
  if (unbound > 0) parts.push(`${unbound} nowhere: no node is large enough`);
  return enumerate(parts);
}
