import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { readChecked } from '../read-checked.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const update = defineCommand({
  name: 'update',
  group: 'Work',
  summary: 'Bring a new revision of a service, by the strategy that its document names',
  details: [
    'A revision that fails gives way to the one before, unless `update.rollback` is false. `berth wait ID --ready` waits until it is over; `berth why ID` says how it goes.',
  ],
  operand: {
    name: 'id file',
    summary: 'of the service, and its new document; - reads stdin',
    required: true,
    many: true,
    complete: 'file',
  },
  options: {},
  json: 'Submitted: {id, name, warnings}',
  examples: ['berth update 12 agents.yaml && berth wait 12 --ready'],
  async run({ operands }, world) {
    const [name, file] = operands;
    if (operands.length !== 2) {
      const sentence = 'update takes an id and a file, as in `berth update 12 agents.yaml`';
      throw new OperationError('USAGE', sentence);
    }
    const document = await readChecked(file!, world);
    const client = await world.daemons.connect();
    const id = await checkId(client, name!);
    const submitted = await withNearMiss(client, id, () => client.update(id, document));
    for (const warning of submitted.warnings) world.note(`warning: ${warning}`);
    return {
      document: submitted,
      view: () => [`${submitted.id} is being updated: berth wait ${submitted.id} --ready`],
      exit: EXIT.ok,
    };
  },
});
