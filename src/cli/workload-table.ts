import type { WorkloadSummary } from '../api/contract/documents.ts';
import { formatMoment, formatSpan } from './format.ts';
import { glyph, type Page } from './page.ts';
import { startCell } from './start-times.ts';
import { stateCell } from './status-word.ts';
import type { Cell, Column } from './table.ts';

export const workloadColumns: readonly Column[] = [
  { title: 'ID', align: 'right' },
  { title: 'NAME', min: 8 },
  { title: 'STATE' },
  { title: 'TASKS', align: 'right' },
  { title: 'SUBMITTED', drop: 2 },
  { title: 'RAN', align: 'right' },
  { title: 'REASON', min: 12, drop: 1 },
];

/** The same, with when what waits is likely to start. */
export const startColumns: readonly Column[] = workloadColumns.toSpliced(-1, 0, {
  title: 'STARTS',
  min: 12,
});

export const startRow = (workload: WorkloadSummary, page: Page, now: number): readonly Cell[] =>
  workloadRow(workload, page, now).toSpliced(-1, 0, startCell(workload.starts, page, now));

export function workloadRow(workload: WorkloadSummary, page: Page, now: number): readonly Cell[] {
  const { started_at: started, ended_at: ended, tasks, replicas } = workload;
  return [
    workload.id,
    workload.name,
    stateCell(page, workload.status),
    replicas === undefined
      ? `${tasks.succeeded}/${tasks.total}`
      : `${replicas.ready}/${replicas.wanted}`,
    formatMoment(workload.submitted_at, now),
    started === null ? glyph(page, 'unknown') : formatSpan((ended ?? now) - started),
    workload.reason ?? '',
  ];
}
