import { drillBlocks } from './drill-document.ts';
import { publishedSchema } from './fields.ts';
import { amountsTable, type KeySchema, table } from './reference-table.ts';
import { worldSchema } from './world-schema.ts';

/** Markdown of every key of a world and of a drill: `docs/reference/world.md`. */
export function worldReference(): string {
  const world: KeySchema = publishedSchema(worldSchema);
  const blocks = Object.entries(world.properties ?? {}).flatMap(([name, schema]) => [
    `## \`world.${name}\``,
    schema.description ?? '',
    table({ properties: { [name]: schema } }, { prefix: 'world.' }),
  ]);
  const drills = Object.entries(drillBlocks).flatMap(([name, schema]) => [
    `## \`${name}\``,
    table({ properties: { [name]: publishedSchema(schema) as KeySchema } }),
  ]);
  return [
    '# Worlds and drills',
    introduction,
    ...blocks,
    drillIntroduction,
    ...drills,
    '## Amounts',
    amountsTable,
    '',
  ].join('\n\n');
}

const introduction = `What happens to a modelled site beside its work, in YAML 1.2: a document with the key \`world\`. Every block may be left
out, and then nothing of the kind happens; unknown keys are errors. This page is made from the schema.
[An example](../../examples/worlds/cluster.yaml) and [the guide](../guides/drills.md).`;

const drillIntroduction = `# Drills

A document with \`drill\`, \`nodes\` and \`jobs\`, with the \`world\` of above, and the \`variants\` that are compared:
\`berth drill FILE\`.`;
