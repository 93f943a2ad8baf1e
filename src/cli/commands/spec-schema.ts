import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const specSchema = defineCommand({
  name: 'spec schema',
  group: 'Files and settings',
  summary: 'Print the JSON Schema of documents, for editors',
  options: {},
  json: 'JSON Schema 2020-12, as without --json',
  examples: ['berth spec schema > berth.schema.json'],
  async run(_input, world) {
    const schema = await world.documents.schema();
    return {
      document: schema,
      view: () => [JSON.stringify(schema, undefined, 2)],
      exit: EXIT.ok,
    };
  },
});
