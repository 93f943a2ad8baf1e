import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { type Column, renderTable } from '../table.ts';
import { printable } from '../text.ts';

const columns: readonly Column[] = [
  { title: 'ID', min: 12 },
  { title: 'TENANT', min: 8 },
  { title: 'ROLE' },
  { title: 'SEES' },
  { title: 'EXPIRES', drop: 1 },
  { title: 'MADE', drop: 2 },
  { title: 'NOTE', drop: 3 },
];

export const tokenList = defineCommand({
  name: 'token list',
  group: 'Daemon',
  summary: 'List the tokens of users and programs; the tokens themselves are not kept',
  options: {},
  json: 'TokenList: {now, tokens: [{id, tenant, role, sees, created_at, expires_at, note}, …]}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.tokens();
    const { now, tokens } = list;
    return {
      document: list,
      view: (page) =>
        tokens.length === 0
          ? ['There is the token of the site only: `berth token add TENANT`.']
          : renderTable(
              page,
              columns,
              tokens.map((one) => [
                one.id,
                printable(one.tenant),
                one.role,
                one.sees,
                expiry(one.expires_at, now),
                formatMoment(one.created_at, now),
                printable(one.note),
              ]),
            ),
      exit: EXIT.ok,
    };
  },
});

function expiry(at: number | null, now: number): string {
  if (at === null) return 'never';
  return at <= now ? 'expired' : formatMoment(at, now);
}
