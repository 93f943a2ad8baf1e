import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { enumerate } from '../text.ts';
import { someWorkloads, toEach } from '../workload-ids.ts';

export const pause = defineCommand({
  name: 'pause',
  group: 'Work',
  summary: 'Let workloads stand still: no CPU, and all that they hold stays theirs',
  details: [
    'The time limit of an attempt runs on. `berth resume ID` lets them go on; a stop reaches what is paused.',
  ],
  operand: someWorkloads,
  options: {},
  json: '{paused: [id, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const ids = await toEach(client, operands, (id) => client.pause(id));
    return {
      document: { paused: ids },
      view: () => [`Paused ${enumerate(ids)}.`],
      exit: EXIT.ok,
    };
  },
});
