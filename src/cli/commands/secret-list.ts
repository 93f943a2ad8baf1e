import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { type Column, renderTable } from '../table.ts';

const columns: readonly Column[] = [
  { title: 'NAME', min: 8 },
  { title: 'BYTES', align: 'right' },
  { title: 'CHANGED', drop: 1 },
];

export const secretList = defineCommand({
  name: 'secret list',
  group: 'Daemon',
  summary: 'List the secrets of the site by name; values are never shown',
  options: {},
  json: '[{name, bytes, changed_at}, …]',
  async run(_input, world) {
    const found = await world.secrets.list();
    return {
      document: found.map(({ name, bytes, changedAt }) => ({ name, bytes, changed_at: changedAt })),
      view: (page) =>
        found.length === 0
          ? ['No secrets are kept: `berth secret set NAME`.']
          : renderTable(
              page,
              columns,
              found.map((one) => [
                one.name,
                `${one.bytes}`,
                formatMoment(one.changedAt, world.now()),
              ]),
            ),
      exit: EXIT.ok,
    };
  },
});
