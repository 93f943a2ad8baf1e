import { z } from 'zod';
import { actions, laterActions } from './actions.ts';
import { laterBlocks, pipelineJsonSchema } from './document-schema.ts';
import { publishedSchema } from './fields.ts';
import { argumentsSchema } from './read-command.ts';
import { taskShape } from './step-schema.ts';
import { taskEnvironment } from './task-environment.ts';

interface KeySchema {
  readonly type?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly additionalProperties?: KeySchema | false;
  readonly items?: KeySchema;
  readonly anyOf?: readonly KeySchema[];
  readonly required?: readonly string[];
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly initial: string;
  readonly meaning: string;
}

/** Markdown of every key of a document, made from the schema: `docs/reference/spec.md`. */
export function documentReference(): string {
  const pipeline: KeySchema = pipelineJsonSchema();
  const task: KeySchema = publishedSchema(z.strictObject(taskShape));
  const later = new Set(Object.keys(laterBlocks));
  const head = pick(
    pipeline,
    (key) => !later.has(key) && !['steps', 'defaults', 'env', 'affinity'].includes(key),
  );
  const { id, needs } = pipeline.properties?.['steps']?.items?.properties ?? {};
  return [
    '# Documents',
    introduction,
    '## Every document',
    table(head),
    '## What is run: a job at its top, a pipeline in each step',
    table(task),
    '## Pipelines only',
    table(
      {
        ...pick(pipeline, (key) => key === 'steps' || key === 'env'),
        required: ['steps'],
      },
      { flat: true },
    ),
    'In each step, beside the keys above:',
    table({ properties: { ...(id && { id }), ...(needs && { needs }) }, required: ['id'] }),
    '`defaults` takes `resources`, `resource_limits`, `retry`, `env` and `affinity` as above, for every step that does not say otherwise, key by key. `affinity` at the top of a pipeline is for what neither says.',
    '## Actions',
    ...actions.flatMap((action) => [
      `### \`action: ${action.name}\``,
      action.meaning,
      table(argumentsSchema(action), { prefix: 'with.' }),
    ]),
    `Not available yet: ${laterActions.map((name) => `\`${name}\``).join(', ')}.`,
    '## Environment of a task',
    markdownTable(
      ['Name', 'Meaning'],
      Object.entries(taskEnvironment).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    '## Blocks for later versions',
    'Accepted with a warning, and ignored now:',
    markdownTable(
      ['Key', 'For'],
      Object.entries(laterBlocks).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    '## Amounts',
    amounts,
    '',
  ].join('\n\n');
}

const introduction = `A document is YAML 1.2 or JSON, at most 1 MiB. With \`steps\` it is a pipeline, with \`run\` or \`action\` a job.
Unknown keys are errors. \`berth check FILE\` shows everything that is wrong at once.
This page is made from the schema; so is the JSON Schema for editors.`;

const amounts = markdownTable(
  ['Amount', 'Written', 'Means'],
  [
    ['CPU', '`2`, `0.5`, `500m`', 'cores; `m` is a thousandth'],
    ['GPU', '`1`, `4`, `0.5`, `500m`', 'a share of one device below 1, or whole devices'],
    [
      'bytes',
      '`512Mi`, `1.5Gi`, `16GB`, `4096`',
      '`Ki` to `Ei` are powers of 1,024; `k` to `E` of 1,000; a `B` may follow',
    ],
    [
      'bit rate',
      '`100Mbps`, `1Gbps`',
      '`bps` to `Tbps`, powers of 1,000; a bare number is bits per second',
    ],
    [
      'span',
      '`90s`, `1h30m`, `250ms`, `2d`',
      '`d`, `h`, `m`, `s`, `ms`, in this order; a bare number is seconds',
    ],
    ['time of day', '`22:00`', '00:00 to 23:59'],
    ['dollars', '`50.00`, `5`', 'US dollars, exact to a millionth'],
    ['percentage', '`50%`, `12.5%`', 'exact to a hundredth of a percent'],
    ['limit', '`unlimited`', 'nothing is enforced'],
  ],
);

function pick(schema: KeySchema, keep: (key: string) => boolean): KeySchema {
  const entries = Object.entries(schema.properties ?? {}).filter(([key]) => keep(key));
  return { properties: Object.fromEntries(entries) };
}

function table(
  schema: KeySchema,
  options: { readonly prefix?: string; readonly flat?: boolean } = {},
): string {
  const rows = rowsOf(schema, options.prefix ?? '', options.flat === true);
  const header = ['Key', 'Type', 'Default', 'Meaning'];
  return markdownTable(
    header,
    rows.map(({ key, type, initial, meaning }) => [`\`${key}\``, type, initial, meaning]),
  );
}

function rowsOf(schema: KeySchema, prefix: string, flat: boolean): Row[] {
  const found: Row[] = [];
  for (const [name, key] of Object.entries(schema.properties ?? {})) {
    const initial = key.default === undefined ? '' : `\`${String(key.default)}\``;
    const isRequired = schema.required?.includes(name) === true;
    const meaning = key.description ?? '';
    found.push({
      key: `${prefix}${name}`,
      type: typeOf(key),
      initial: isRequired ? 'required' : initial,
      meaning,
    });
    // `compute` repeats the keys beside it.
    if (flat || name === 'compute') continue;
    for (const form of [key, ...(key.anyOf ?? []), ...(key.items ? [key.items] : [])])
      found.push(...rowsOf(form, `${prefix}${name}.`, false));
  }
  return found;
}

function typeOf(key: KeySchema): string {
  if (key.title !== undefined) return key.title;
  if (key.type === 'integer') return `whole number, ${key.minimum} to ${key.maximum}`;
  if (key.type === 'array') return key.items?.type === 'object' ? 'list of maps' : 'list';
  if (key.type === 'object')
    return key.properties === undefined ? 'map of names and values' : 'map';
  return key.type === 'string' ? 'text' : 'any';
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
