import type { EnforcedDocument, Status } from '../../api/contract/documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { glyph, type Page, paint } from '../page.ts';
import { grouped, printable, wrap } from '../text.ts';

export const status = defineCommand({
  name: 'status',
  group: 'Daemon',
  summary: 'Show whether the daemon is up, where, and what it can enforce',
  options: {},
  json: 'Status: {pid, state_dir, url, …}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const found = await client.status();
    return { document: found, view: (page) => renderStatus(found, page), exit: EXIT.ok };
  },
});

export function renderStatus(status: Status, page: Page): readonly string[] {
  const { counts, journal, enforcement } = status;
  const mark = paint(page, journal.stalled === null ? 'done' : 'failed', glyph(page, 'live'));
  const since = formatMoment(status.started_at, status.now);
  const rows: readonly (readonly [string, string])[] = [
    ['url', status.url === '' ? glyph(page, 'unknown') : status.url],
    ['socket', status.socket],
    ['state', status.state_dir],
    ['site', status.site_file ?? 'no file: one queue, by priority'],
    [
      'launcher',
      status.launcher_pid === null ? glyph(page, 'unknown') : `pid ${status.launcher_pid}`,
    ],
    ['journal', `${grouped(journal.sequence)} events`],
    ['limits', enforcementPhrase(enforcement)],
  ];
  return [
    `${mark} Berth ${status.version} is up on ${printable(status.host)}: pid ${status.pid}, started ${since}.`,
    `  ${grouped(counts.running)} running, ${grouped(counts.waiting)} waiting, ${grouped(counts.ended)} ended`,
    ...(journal.stalled === null
      ? []
      : wrap(`The journal cannot be written: ${printable(journal.stalled)}`, page.width, '  ')),
    '',
    ...rows.map(([name, value]) => `  ${paint(page, 'faint', name.padEnd(9))}${printable(value)}`),
    ...status.plugins.flatMap((one) => pluginLines(one, page)),
    ...enforcement.notes.flatMap((note) => wrap(printable(note), page.width, '           ')),
  ];
}

function pluginLines(plugin: Status['plugins'][number], page: Page): readonly string[] {
  const { name, kind, file, problem } = plugin;
  const row = `  ${paint(page, 'faint', 'plug-in'.padEnd(9))}${kind} ${name}, ${printable(file)}`;
  if (problem === null) return [row];
  return [row, ...wrap(`set aside: ${printable(problem)}`, page.width, '           ')];
}

function enforcementPhrase({ driver, cpu, memory, pids }: EnforcedDocument): string {
  return `${driver}, cpu: ${cpu}, memory: ${memory}, processes: ${pids}`;
}
