import type { ClassList } from '../api/contract/queue-documents.ts';
import { formatPercent } from './format.ts';
import { glyph, type Page } from './page.ts';
import { amountsText } from './queue-table.ts';
import { type Column, renderTable } from './table.ts';

const priorityColumns: readonly Column[] = [
  { title: 'CLASS', min: 8 },
  { title: 'PRIORITY', align: 'right' },
  { title: 'STOPPED FOR OTHERS', min: 4 },
  { title: 'KEPT', min: 8 },
  { title: 'CPU WEIGHT', align: 'right' },
  { title: 'WAIT', align: 'right' },
  { title: 'RUN', align: 'right' },
];

const serviceColumns: readonly Column[] = [
  { title: 'CLASS OF SERVICE', min: 8 },
  { title: 'GUARANTEED', align: 'right' },
  { title: 'BURST', align: 'right' },
  { title: 'PREEMPTION', align: 'right' },
  { title: 'NETWORK' },
  { title: 'EVICTED WHEN' },
];

/** Priority classes, then classes of service. What the site does not say is unknown here: documents may. */
export function classTables(list: ClassList, page: Page): readonly string[] {
  const unsaid = glyph(page, 'unknown');
  const percent = (part: number | null): string => (part === null ? unsaid : formatPercent(part));
  const priority = list.classes.map((one) => [
    one.name,
    String(one.priority),
    one.preemptible === null ? unsaid : one.preemptible ? 'may be' : 'never',
    one.guaranteed === null ? unsaid : amountsText(one.guaranteed, page),
    percent(one.multiplier_ratio),
    String(one.waiting),
    String(one.running),
  ]);
  const service = list.service_classes.map((one) => [
    one.name,
    percent(one.guarantee_ratio),
    percent(one.burst_ratio),
    one.preemption_priority === null ? unsaid : String(one.preemption_priority),
    one.network_priority ?? unsaid,
    one.eviction_threshold ?? unsaid,
  ]);
  return [
    ...(priority.length === 0
      ? ['There are no priority classes: they stand in the site file, under `scheduling.classes`.']
      : renderTable(page, priorityColumns, priority)),
    '',
    ...renderTable(page, serviceColumns, service),
  ];
}
