import { z } from 'zod';
import { nearest } from '../base/nearest.ts';
import { UNLIMITED } from '../base/units.ts';
import { type Parsed, shown } from './quantities.ts';

/** Schemas of single values. Their messages say what is wrong and what would be right. */

/** Linux takes no longer single argument or environment entry (MAX_ARG_STRLEN). */
export const ARGUMENT_BYTES_MAX = 131_071;

/** What a check of ours tells beside its message; read back in `schema-problems.ts`. */
export interface CheckFacts {
  readonly expected?: string;
  readonly suggestion?: string;
  /** Where in the text, from 0. */
  readonly within?: number;
}

interface Described {
  readonly description: string;
  readonly default?: string | number | boolean;
  readonly examples?: readonly (string | number)[];
}

interface QuantityOptions extends Described {
  /** The type as the reference names it. */
  readonly form: string;
  /** Zero is no amount. */
  readonly positive?: boolean;
  /** Neither `unlimited` nor so much that it means the same. */
  readonly finite?: boolean;
  readonly min?: { readonly value: number; readonly text: string };
}

/** An amount as text or number → a whole number of its smallest unit. */
export function quantity<T extends number>(
  parse: (text: string) => Parsed<T>,
  options: QuantityOptions,
) {
  const { form, positive, finite, min, ...meta } = options;
  return z
    .union([z.string(), z.number()], { error: form })
    .transform((written, context): T => {
      const text = String(written);
      const fail = (message: string, facts: CheckFacts): never => {
        context.addIssue({ code: 'custom', message, params: facts });
        return z.NEVER;
      };
      const parsed = parse(text);
      if (!parsed.ok) return fail(parsed.message, facts(parsed));
      const { value } = parsed;
      if (positive === true && value === 0)
        return fail(`${shown(text)} is nothing`, { expected: 'more than 0' });
      if (finite === true && value === UNLIMITED) {
        return fail(`${shown(text)} cannot be requested`, { expected: 'a finite amount' });
      }
      if (min !== undefined && value < min.value) {
        return fail(`${shown(text)} is below the range`, { expected: `at least ${min.text}` });
      }
      return value;
    })
    .meta({ ...meta, title: form });
}

function facts(failed: { readonly expected: string; readonly suggestion?: string }): CheckFacts {
  const { expected, suggestion } = failed;
  return suggestion === undefined ? { expected } : { expected, suggestion };
}

export function wholeNumber(min: number, max: number, described: Described) {
  return z
    .int()
    .min(min)
    .max(max)
    .meta({ ...described });
}

interface TextOptions extends Partial<Described> {
  readonly max: number;
  /** More than spaces. */
  readonly filled?: boolean;
  readonly oneLine?: boolean;
}

export function text(options: TextOptions) {
  const { max, filled, oneLine, ...meta } = options;
  return z
    .string()
    .check((context) => {
      const problem = textProblem(context.value, options);
      if (problem === undefined) return;
      const { message, ...params } = problem;
      context.issues.push({ code: 'custom', message, params, input: context.value });
    })
    .meta({ ...meta, maxLength: max, ...(filled === true ? { minLength: 1 } : {}) });
}

function textProblem(
  value: string,
  options: TextOptions,
): (CheckFacts & { message: string }) | undefined {
  const { max, filled, oneLine } = options;
  if (value.length > max) {
    return { message: `${value.length} characters are too long`, expected: `at most ${max}` };
  }
  if (value.includes('\0')) return { message: 'a NUL character cannot be passed to a program' };
  if (!value.isWellFormed()) return { message: 'half of a character (a lone surrogate)' };
  if (filled === true && value.trim() === '') return { message: 'the text is empty' };
  if (oneLine === true && /\p{Cc}/u.test(value)) {
    return { message: `${shown(value)} has control characters`, expected: 'one line of text' };
  }
  return undefined;
}

/** One of some words; `_` and capitals are as good as `-` and small letters. */
export function oneOf<const T extends string>(words: readonly T[], described: Described) {
  return z
    .string()
    .transform((written, context): T => {
      const plain = plainWord(written);
      const found = words.find((word) => word === plain);
      if (found !== undefined) return found;
      const suggestion = nearest(plain.slice(0, 64), words);
      const expected = words.join(', ');
      const params = suggestion === undefined ? { expected } : { expected, suggestion };
      const message = `${shown(written)} cannot be used here`;
      context.addIssue({ code: 'custom', message, params });
      return z.NEVER;
    })
    .meta({ ...described, title: words.join(', ') });
}

/** `Best_Effort` → `best-effort`. */
export const plainWord = (written: string): string =>
  written.trim().toLowerCase().replaceAll('_', '-');

/** Text, or a number or boolean that is passed on as it was written. */
export function plainValue(options: { readonly max: number }) {
  return z.union([text(options), z.number(), z.boolean()], {
    error: 'text, a number, true or false',
  });
}

/** A map of names to plain values: `env`, `labels`. */
export function plainMap(name: z.ZodString, value: { readonly max: number }, described: Described) {
  return z.record(name, plainValue(value)).meta({ ...described });
}

/** One of two forms of the same thing: a short one and a map. */
export function either<A extends z.ZodType, B extends z.ZodType>(
  short: A,
  long: B,
  form: string,
  described: Described,
) {
  return z.union([short, long], { error: form }).meta({ ...described, title: form });
}

/** The JSON Schema of what people write. zod leaves out the defaults of values that are transformed. */
export function publishedSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const initial = z.globalRegistry.get(zodSchema)?.['default'];
      if (initial !== undefined) jsonSchema.default = initial;
    },
  });
}
