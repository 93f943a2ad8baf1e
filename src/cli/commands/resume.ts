import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { enumerate } from '../text.ts';
import { someWorkloads, toEach } from '../workload-ids.ts';

export const resume = defineCommand({
  name: 'resume',
  group: 'Work',
  summary: 'Let paused workloads go on where they were',
  details: ['One that is not paused stays as it is.'],
  operand: someWorkloads,
  options: {},
  json: '{resumed: [id, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const ids = await toEach(client, operands, (id) => client.resume(id));
    return {
      document: { resumed: ids },
      view: () => [`Resumed ${enumerate(ids)}.`],
      exit: EXIT.ok,
    };
  },
});
