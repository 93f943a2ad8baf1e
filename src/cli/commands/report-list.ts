import type { ReportList } from '../../api/contract/report-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import type { Page } from '../page.ts';
import { renderTable } from '../table.ts';
import { printable } from '../text.ts';

export const reportList = defineCommand({
  name: 'report list',
  group: 'Work',
  summary: 'List reports that were made by themselves, and when the next ones are due',
  options: {},
  json: 'ReportList: {now, reports: [{id, every, from, to, generated_at, state}], schedules: [{every, next_at, problem}]}',
  async run(_, world) {
    const client = await world.daemons.connect();
    const list = await client.reports();
    return { document: list, view: (page) => renderList(list, page), exit: EXIT.ok };
  },
});

function renderList({ reports, schedules, now }: ReportList, page: Page): readonly string[] {
  if (schedules.length === 0 && reports.length === 0) {
    return ['No reports are made by themselves (`monitoring.reports` of the site).'];
  }
  const made =
    reports.length === 0
      ? ['No report was made yet.']
      : renderTable(
          page,
          [{ title: 'ID' }, { title: 'STATE' }, { title: 'MADE', align: 'right', drop: 1 }],
          reports.map(({ id, state, generated_at }) => [
            id,
            state,
            formatMoment(generated_at, now),
          ]),
        );
  const due = schedules.map(
    ({ every, next_at, problem }) =>
      `The next one of a ${every} is due ${formatMoment(next_at, now)}.${problem === null ? '' : ` It could not be made: ${printable(problem)}`}`,
  );
  return [...made, '', ...due];
}
