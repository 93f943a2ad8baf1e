import type { MicroDollars, TimeMs } from '../base/units.ts';
import type { ModelPrice } from '../model/money.ts';
import { parseDecimal, timesRoundedUp } from './decimal.ts';
import { known } from './price-document.ts';

/** What was not taken over, and why. */
export interface SkippedPrice {
  readonly model: string;
  readonly why: string;
}

export interface ImportedPrices {
  /** Sorted by name. */
  readonly models: readonly ModelPrice[];
  readonly skipped: readonly SkippedPrice[];
}

/** Dollars a token → micro-dollars a million tokens. */
const PER_MILLION = 1_000_000_000_000n;
const MODELS_MAX = 50_000;
const NAME_MAX = 256;
/** An entry that only explains the others. */
const EXAMPLE = 'sample_spec';

/**
 * LiteLLM's `model_prices_and_context_window.json`: a map of models, whose prices are dollars for one token,
 * as numbers or text. An entry that has none (images, audio, search) is skipped and named, never priced 0.
 * Undefined: the text is no such file.
 */
export function importLitellm(
  text: string,
  options: { readonly validFrom: TimeMs; readonly source: string },
): ImportedPrices | undefined {
  const root = parsedMap(text);
  if (root === undefined) return undefined;
  const models: ModelPrice[] = [];
  const skipped: SkippedPrice[] = [];
  for (const [model, entry] of Object.entries(root)) {
    if (model === EXAMPLE) continue;
    const read = models.length < MODELS_MAX ? priceOf(model, entry, options) : 'there are too many';
    if (typeof read === 'string') skipped.push({ model: model.slice(0, NAME_MAX), why: read });
    else models.push(read);
  }
  if (models.length === 0) return undefined;
  models.sort((a, b) => (a.model < b.model ? -1 : 1));
  return { models, skipped };
}

function parsedMap(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function priceOf(
  model: string,
  entry: unknown,
  { validFrom, source }: { readonly validFrom: TimeMs; readonly source: string },
): ModelPrice | string {
  if (!isMap(entry)) return 'it is no map';
  if (model === '' || model.length > NAME_MAX || /\p{Cc}/u.test(model)) return 'its name';
  const wrong: string[] = [];
  const price = (key: string): MicroDollars | undefined => {
    const written = entry[key];
    if (written === undefined || written === null || written === '') return undefined;
    const parsed = perMillion(written);
    if (parsed === undefined) wrong.push(key);
    return parsed;
  };
  const values = {
    input: price('input_cost_per_token'),
    output: price('output_cost_per_token'),
    cachedInput: price('cache_read_input_token_cost'),
    cacheWrite: price('cache_creation_input_token_cost'),
    inputMax: tokens(entry['max_input_tokens']),
    outputMax: tokens(entry['max_output_tokens']),
  };
  const above = aboveOf(entry, price);
  if (wrong.length > 0) return `${wrong.join(', ')}: no price`;
  if (values.input === undefined && values.output === undefined) return 'it has no price of tokens';
  const provider = entry['litellm_provider'];
  return {
    model,
    ...(typeof provider === 'string' && provider !== '' && { provider: provider.slice(0, 128) }),
    validFrom,
    ...known(values),
    ...(above && { above }),
    source,
  };
}

/** `input_cost_per_token_above_200k_tokens`: the lowest step, where there are several. */
function aboveOf(
  entry: Record<string, unknown>,
  price: (key: string) => MicroDollars | undefined,
): ModelPrice['above'] {
  const steps = Object.keys(entry).flatMap((key) => {
    const [, thousands] = /^(?:in|out)put_cost_per_token_above_(\d{1,6})k_tokens$/.exec(key) ?? [];
    return thousands === undefined ? [] : [Number(thousands)];
  });
  if (steps.length === 0) return undefined;
  const least = Math.min(...steps);
  const input = price(`input_cost_per_token_above_${least}k_tokens`);
  const output = price(`output_cost_per_token_above_${least}k_tokens`);
  return { inputTokens: least * 1_000, ...known({ input, output }) };
}

function perMillion(written: unknown): MicroDollars | undefined {
  if (typeof written !== 'number' && typeof written !== 'string') return undefined;
  const decimal = parseDecimal(String(written).trim());
  if (decimal === undefined || decimal.digits < 0n) return undefined;
  const micro = timesRoundedUp(decimal, PER_MILLION);
  return micro <= BigInt(Number.MAX_SAFE_INTEGER) ? (Number(micro) as MicroDollars) : undefined;
}

function tokens(written: unknown): number | undefined {
  const count = typeof written === 'string' ? Number(written) : written;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 && count <= 1e9
    ? count
    : undefined;
}
