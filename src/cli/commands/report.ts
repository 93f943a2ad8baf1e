import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderReport } from '../report-view.ts';

const SINCE_MS = 7 * 86_400_000;

export const report = defineCommand({
  name: 'report',
  group: 'Work',
  summary: 'Report what happened, what it cost, how well it went and what to do about it',
  details: [
    'Every figure is from the journal or was measured; what is not known says so. The page of --html needs nothing else: no script, no network. Reports by the week, the month and so on are made by themselves where the site says so in `monitoring.reports`; see docs/guides/reports.md.',
  ],
  options: {
    since: { kind: 'span', value: 'span', summary: 'so far back (7d)' },
    html: { kind: 'text', value: 'file', summary: 'as one page with plots; - writes to stdout' },
  },
  json: 'Report: {version, from, to, summary, current_status, historical_trends, workloads, failures, waiting, stages, efficiency, cost, kpis, objectives, reliability, alerts, findings, recommendations, metadata}; null is unknown',
  examples: ['berth report --since 7d', 'berth report --since 30d --html month.html'],
  async run({ options }, world) {
    const client = await world.daemons.connect();
    const seconds = Math.ceil((options.since ?? SINCE_MS) / 1_000);
    const { html } = options;
    if (html !== undefined) {
      const page = await client.reportPage(seconds);
      if (html === '-') {
        return { document: { html: page }, view: () => [page.trimEnd()], exit: EXIT.ok };
      }
      const bytes = await world.saveFile(html, [page]);
      return { document: { file: html, bytes }, view: () => [html], exit: EXIT.ok };
    }
    const made = await client.report(seconds);
    return { document: made, view: (page) => renderReport(made, page), exit: EXIT.ok };
  },
});
