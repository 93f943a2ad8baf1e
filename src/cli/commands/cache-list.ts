import { formatBytes } from '../../base/format.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { type Column, renderTable } from '../table.ts';
import { printable } from '../text.ts';

const columns: readonly Column[] = [
  { title: 'KEY', min: 12 },
  { title: 'MADE BY', min: 10 },
  { title: 'FOR' },
  { title: 'SIZE', align: 'right' },
  { title: 'USED', drop: 1 },
  { title: 'EXPIRES', drop: 2 },
];

export const cacheList = defineCommand({
  name: 'cache list',
  group: 'Daemon',
  summary: 'List the results of tasks that are kept, the one that was used last first',
  options: {},
  json: 'CacheList: {now, bytes, max_bytes, entries: [{key, attempt, tenant, made_at, used_at, expires_at, bytes}, …]}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.cache();
    const { entries, now, bytes, max_bytes } = list;
    return {
      document: list,
      view: (page) =>
        entries.length === 0
          ? ['No results are kept.']
          : [
              ...renderTable(
                page,
                columns,
                entries.map((entry) => [
                  entry.key.slice(0, 12),
                  entry.attempt,
                  entry.tenant === null ? 'everybody' : printable(entry.tenant),
                  formatBytes(entry.bytes),
                  formatMoment(entry.used_at, now),
                  formatMoment(entry.expires_at, now),
                ]),
              ),
              '',
              `${formatBytes(bytes)} of ${formatBytes(max_bytes)} are used.`,
            ],
      exit: EXIT.ok,
    };
  },
});
