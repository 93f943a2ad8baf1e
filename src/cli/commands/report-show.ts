import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderReport } from '../report-view.ts';

export const reportShow = defineCommand({
  name: 'report show',
  group: 'Work',
  summary: 'Show a report that was made by itself',
  operand: {
    name: 'id',
    summary: 'as `berth report list` has it',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    html: { kind: 'text', value: 'file', summary: 'as one page with plots; - writes to stdout' },
  },
  json: 'Report, as of `berth report`',
  examples: ['berth report show week-2026-11-16-0600 --html week.html'],
  async run({ operands: [id = ''], options: { html } }, world) {
    const client = await world.daemons.connect();
    if (html !== undefined) {
      const page = await client.keptReportPage(id);
      if (html === '-') {
        return { document: { html: page }, view: () => [page.trimEnd()], exit: EXIT.ok };
      }
      const bytes = await world.saveFile(html, [page]);
      return { document: { file: html, bytes }, view: () => [html], exit: EXIT.ok };
    }
    const kept = await client.keptReport(id);
    return { document: kept, view: (page) => renderReport(kept, page), exit: EXIT.ok };
  },
});
