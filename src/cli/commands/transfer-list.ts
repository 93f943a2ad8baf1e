import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes, formatMoment, formatPercent } from '../format.ts';
import { glyph } from '../page.ts';
import { type Column, renderTable } from '../table.ts';
import { printable } from '../text.ts';

const columns: readonly Column[] = [
  { title: 'ID', align: 'right' },
  { title: 'STATE', min: 9 },
  { title: 'MOVED', align: 'right' },
  { title: 'OF', align: 'right' },
  { title: 'DONE', align: 'right', drop: 2 },
  { title: 'ASKED', drop: 3 },
  { title: 'FROM', min: 8, drop: 1 },
  { title: 'TO', min: 8 },
];

export const transferList = defineCommand({
  name: 'transfer list',
  group: 'Work',
  summary: 'Show transfers, with those that have ended until they are cleaned away',
  options: {},
  json: '{transfers: [Transfer, …]}',
  async run(_input, world) {
    const list = await (await world.daemons.connect()).transfers();
    const now = world.now();
    return {
      document: list,
      view: (page) => [
        ...(list.transfers.length === 0 ? ['Nothing was moved.'] : []),
        ...(list.transfers.length === 0
          ? []
          : renderTable(
              page,
              columns,
              list.transfers.map((one) => [
                one.id,
                one.state,
                formatBytes(one.moved_bytes),
                one.bytes === null ? glyph(page, 'unknown') : formatBytes(one.bytes),
                one.bytes ? formatPercent(one.moved_bytes / one.bytes) : glyph(page, 'unknown'),
                formatMoment(one.asked_at, now),
                printable(one.from),
                printable(one.to),
              ]),
            )),
        ...list.transfers.flatMap(({ id, message }) =>
          message === null ? [] : [`${id} failed: ${printable(message)}`],
        ),
      ],
      exit: EXIT.ok,
    };
  },
});
