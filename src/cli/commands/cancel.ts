import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { enumerate } from '../text.ts';
import { someWorkloads, toEach } from '../workload-ids.ts';

export const cancel = defineCommand({
  name: 'cancel',
  group: 'Work',
  summary: 'Stop workloads: SIGTERM, after the grace time SIGKILL, and nothing more starts',
  details: ['Cancelling one that has ended changes nothing. `berth wait ID` waits for the end.'],
  operand: someWorkloads,
  options: {},
  json: '{cancelled: [id, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const ids = await toEach(client, operands, (id) => client.cancel(id));
    return {
      document: { cancelled: ids },
      view: () => [`Asked to stop ${enumerate(ids)}.`],
      exit: EXIT.ok,
    };
  },
});
