import { publishedSchema } from './fields.ts';
import { queueSchema } from './queue-block.ts';
import { amountsTable, type KeySchema, markdownTable, table } from './reference-table.ts';
import { siteBlocks } from './site-schema.ts';

interface Named {
  readonly name: string;
  readonly what: string;
}

/** Markdown of every key of a site document: `docs/reference/site.md`. */
export function siteReference(names: {
  readonly orders: readonly Named[];
  readonly scorers: readonly Named[];
}): string {
  const blocks = Object.entries(siteBlocks).flatMap(([name, schema]) => {
    const published: KeySchema = publishedSchema(schema);
    return [
      `## \`${name}\``,
      published.description ?? '',
      table({ properties: { [name]: published } }),
      ...(name === 'queues' ? queues() : []),
      ...(name === 'scheduling' ? policies(names) : []),
    ];
  });
  return ['# The site document', introduction, ...blocks, '## Amounts', amountsTable, ''].join(
    '\n\n',
  );
}

const introduction = `How a site schedules, in YAML 1.2 or JSON: the file of \`berth up --site FILE\`, of \`BERTH_SITE\`, or
\`$XDG_CONFIG_HOME/berth/site.yaml\`. It is read when the daemon starts. Every block may be left out; unknown keys are
errors, and \`berth check FILE\` shows everything that is wrong at once. [The guide](../guides/site.md) begins with an example.
This page is made from the schema; so is [the JSON Schema](site.schema.json) for editors.`;

const queues = (): string[] => [
  `The keys of each queue. Names are unique in the whole tree; \`root\` alone may hold the others, and so may \`configuration\`.
What a queue says of \`order\`, \`fifo\`, \`child_order\`, \`oversubscription_ratio\` and \`tenants\` holds for those below, too.`,
  table(publishedSchema(queueSchema), { prefix: 'queues.NAME.' }),
];

const policies = (names: Parameters<typeof siteReference>[0]): string[] => [
  '### Orders, for `policy` and `order`',
  namesTable(names.orders),
  '### Scorers, for `placement`',
  namesTable(names.scorers),
];

const namesTable = (entries: readonly Named[]): string =>
  markdownTable(
    ['Name', 'Meaning'],
    entries.map(({ name, what }) => [`\`${name}\``, what]),
  );
