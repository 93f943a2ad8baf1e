/** Tables of keys, made from a JSON Schema. */
export interface KeySchema {
  readonly type?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly additionalProperties?: KeySchema | boolean;
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

export function pick(schema: KeySchema, keep: (key: string) => boolean): KeySchema {
  const entries = Object.entries(schema.properties ?? {}).filter(([key]) => keep(key));
  return { properties: Object.fromEntries(entries) };
}

export function table(
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
    // They repeat the keys beside them.
    const repeats =
      (name === 'compute' && schema.properties?.['cpu'] !== undefined) ||
      (name === 'tasks' && prefix.endsWith('parallel.'));
    if (flat || repeats || meaning.startsWith('Another name of')) continue;
    const { anyOf = [], items } = key;
    for (const form of [key, ...anyOf, ...(items ? [items, ...(items.anyOf ?? [])] : [])])
      found.push(...rowsBelow(form, `${prefix}${name}`));
  }
  return found;
}

/** Of a map its keys; of a list, or of a map by name, those of each entry. */
function rowsBelow(form: KeySchema, key: string): Row[] {
  const { items, additionalProperties: entry } = form;
  return [
    ...rowsOf(form, `${key}.`, false),
    ...[items, ...(items?.anyOf ?? [])].flatMap((one) =>
      one === undefined ? [] : rowsOf(one, `${key}[].`, false),
    ),
    ...(typeof entry === 'object' ? rowsOf(entry, `${key}.NAME.`, false) : []),
  ];
}

function typeOf(key: KeySchema): string {
  if (key.title !== undefined) return key.title;
  if (key.type === 'integer') return `whole number, ${key.minimum} to ${key.maximum}`;
  if (key.type === 'array') return key.items?.type === 'object' ? 'list of maps' : 'list';
  if (key.type === 'object')
    return key.properties === undefined ? 'map of names and values' : 'map';
  if (key.type === 'boolean') return 'true or false';
  return key.type === 'string' ? 'text' : 'any';
}

export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** How amounts are written. */
export const amountsTable = markdownTable(
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
