import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const retry = defineCommand({
  name: 'retry',
  group: 'Work',
  summary: 'Run a job or a pipeline that has ended again, and print the id of the new run',
  details: [
    'Steps that succeeded are taken over with their outputs, and the working folder is the same.',
  ],
  operand: {
    name: 'id',
    summary: 'of the run',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    'from-failed': { kind: 'flag', summary: 'go on where it failed; so it is without options' },
    'from-start': { kind: 'flag', summary: 'run all of its steps again' },
  },
  json: 'Submitted: {id, name, warnings}',
  examples: ['berth wait $(berth retry 12)'],
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    const id = await checkId(client, operands[0]!);
    const from = options['from-start'] ? 'start' : 'failed';
    const submitted = await withNearMiss(client, id, () => client.retry(id, from));
    return { document: submitted, view: () => [submitted.id], exit: EXIT.ok };
  },
});
