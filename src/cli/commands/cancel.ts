import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { enumerate } from '../text.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const cancel = defineCommand({
  name: 'cancel',
  group: 'Work',
  summary: 'Stop workloads: SIGTERM, after the grace time SIGKILL, and nothing more starts',
  details: ['Cancelling one that has ended changes nothing. `berth wait ID` waits for the end.'],
  operand: {
    name: 'id',
    summary: 'of the workloads',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {},
  json: '{cancelled: [id, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const ids: string[] = [];
    for (const operand of operands) ids.push(await checkId(client, operand));
    for (const id of ids) await withNearMiss(client, id, () => client.cancel(id));
    return {
      document: { cancelled: ids },
      view: () => [`Asked to stop ${enumerate(ids)}.`],
      exit: EXIT.ok,
    };
  },
});
