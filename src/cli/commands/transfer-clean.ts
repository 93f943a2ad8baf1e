import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { count } from '../text.ts';

export const transferClean = defineCommand({
  name: 'transfer clean',
  group: 'Work',
  summary: 'Forget transfers that have ended, and remove what those that failed left',
  options: {},
  json: '{transfers: [Transfer, …]}',
  async run(_input, world) {
    const forgotten = await (await world.daemons.connect()).cleanTransfers();
    const { length } = forgotten.transfers;
    return {
      document: forgotten,
      view: () => [`${count(length, 'transfer')} ${length === 1 ? 'is' : 'are'} forgotten.`],
      exit: EXIT.ok,
    };
  },
});
