import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const alertsUnsilence = defineCommand({
  name: 'alerts unsilence',
  group: 'Machine',
  summary: 'End silences',
  operand: {
    name: 'id',
    summary: 'of the silences, as `berth alerts` shows them',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {},
  json: '{removed: [id, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    for (const id of operands) await client.removeSilence(id);
    return {
      document: { removed: operands },
      view: () => operands.map((id) => `${id} has ended.`),
      exit: EXIT.ok,
    };
  },
});
