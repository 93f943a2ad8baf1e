import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { noteSpilled } from '../note-spilled.ts';
import { givenVars, readChecked, varOptions } from '../read-checked.ts';

export const submit = defineCommand({
  name: 'submit',
  group: 'Work',
  summary: 'Hand a document to the daemon and print its id',
  operand: {
    name: 'file',
    summary: 'a YAML or JSON document; - reads stdin',
    required: true,
    many: false,
    complete: 'file',
  },
  options: {
    ...varOptions,
    tenant: { kind: 'text', value: 'name', summary: 'for whom; only an admin may say it' },
  },
  json: 'Submitted: {id, name, warnings}, and spilled: {queue, ahead} while it waits on disk',
  examples: ['id=$(berth submit train.yaml) && berth wait $id'],
  async run({ operands, options }, world) {
    const document = await readChecked(operands[0]!, world, givenVars(options));
    const client = await world.daemons.connect();
    const submitted = await client.submit({ ...document, tenant: options.tenant });
    for (const warning of submitted.warnings) world.note(`warning: ${warning}`);
    noteSpilled(submitted, world);
    return { document: submitted, view: () => [submitted.id], exit: EXIT.ok };
  },
});
