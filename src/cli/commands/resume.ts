import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { enumerate } from '../text.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const resume = defineCommand({
  name: 'resume',
  group: 'Work',
  summary: 'Let paused workloads go on where they were',
  details: ['One that is not paused stays as it is.'],
  operand: {
    name: 'id',
    summary: 'of the workloads',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {},
  json: '{resumed: [id, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const ids: string[] = [];
    for (const operand of operands) ids.push(await checkId(client, operand));
    for (const id of ids) await withNearMiss(client, id, () => client.resume(id));
    return {
      document: { resumed: ids },
      view: () => [`Resumed ${enumerate(ids)}.`],
      exit: EXIT.ok,
    };
  },
});
