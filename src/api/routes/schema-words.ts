/** The part of JSON Schema that our documents use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** A type as a person would write it: `string | null`, `Attempt[]`, `{id: string}`. */
export function typeInWords(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeInWords).join(' | ');
  if (schema.enum !== undefined) {
    const values = schema.enum
      .filter((value) => value !== null)
      .map((value) => JSON.stringify(value));
    return [...values, ...(schema.enum.includes(null) ? ['null'] : [])].join(' | ');
  }
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return types.length === 0 ? 'any' : types.map((type) => oneType(type, schema)).join(' | ');
}

function oneType(type: string, schema: Schema): string {
  if (type === 'array') {
    const item = typeInWords(schema.items ?? {});
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  if (type !== 'object') return type;
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).map(
      ([name, of]) => `${name}: ${typeInWords(of)}`,
    );
    return `{${fields.join(', ')}}`;
  }
  const values = schema.additionalProperties;
  return typeof values === 'object' ? `{[name]: ${typeInWords(values)}}` : 'object';
}

/** What else must hold of a value, beside its type. */
export function boundsInWords(schema: Schema): string {
  const parts = [
    schema.minimum !== undefined &&
      schema.minimum > Number.MIN_SAFE_INTEGER &&
      `at least ${schema.minimum}`,
    schema.maximum !== undefined &&
      schema.maximum < Number.MAX_SAFE_INTEGER &&
      `at most ${schema.maximum}`,
    schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
    schema.pattern !== undefined && `matches ${schema.pattern}`,
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}
