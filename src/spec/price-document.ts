import { z } from 'zod';
import type { MicroDollars, SpanMs, TimeMs } from '../base/units.ts';
import type { EnergyRates, ModelPrice, MoneyConfig, Rates } from '../model/money.ts';
import { type Format, readTree } from './document-tree.ts';
import { quantity, text, wholeNumber } from './fields.ts';
import type { Issue, Path } from './issue.ts';
import { locateIssues } from './locate-issues.ts';
import { parseDollars, parseFactor, shown } from './quantities.ts';
import { span } from './site-fields.ts';
import { SiteReading } from './site-reading.ts';
import { textProblem } from './text-bounds.ts';

const dollars = (description: string) =>
  quantity(parseDollars, { description, form: 'dollars such as 0.04', finite: true }).optional();
const watts = (description: string) => wholeNumber(0, 100_000, { description });

const date = z
  .string()
  .transform((written, context): TimeMs => {
    const at = /^\d{4}-\d{2}-\d{2}$/.test(written)
      ? Date.parse(`${written}T00:00:00Z`)
      : Number.NaN;
    const back = Number.isNaN(at) ? '' : new Date(at).toISOString().slice(0, 10);
    if (back === written) return at as TimeMs;
    const message = `${shown(written)} is not a date`;
    context.addIssue({ code: 'custom', message, params: { expected: 'a day such as 2026-11-22' } });
    return z.NEVER;
  })
  .meta({ description: 'From this day on, in UTC.', title: 'day such as 2026-11-22' });

const gpuName = z.string().min(1).max(128);

const ratesSchema = z
  .strictObject({
    valid_from: date,
    cpu_hour: dollars('A core for an hour.'),
    memory_gib_hour: dollars('A GiB of memory for an hour.'),
    gpu_hour: z
      .record(gpuName, dollars('A GPU for an hour.').unwrap())
      .meta({
        description:
          'A GPU for an hour, by model as `berth inventory` names it; `default` is for all others.',
      })
      .optional(),
    storage_gib_month: dollars('A GiB of scratch space or of a volume for a month.'),
    energy: z
      .strictObject({
        kwh: quantity(parseDollars, {
          description: 'A kilowatt-hour.',
          form: 'dollars such as 0.30',
        }),
        pue: quantity(parseFactor, {
          description: 'What the building takes for each watt of the machines.',
          form: 'factor such as 1.4',
          min: { value: 10_000, text: '1' },
          finite: true,
          default: '1',
        }).optional(),
        watts_per_cpu: watts('Of a core that is held.'),
        watts_per_gib: watts('Of a GiB that is held.').optional(),
        gpu_watts: z
          .record(gpuName, watts('Of a GPU that is held.'))
          .meta({ description: 'Of a GPU that is held, by model; `default` is for all others.' })
          .optional(),
      })
      .meta({ description: 'Energy, estimated from what is held. Comes on top of the rest.' })
      .optional(),
    spot_factor: quantity(parseFactor, {
      description: 'Multiplies all but energy on nodes with the label `spot: "true"`.',
      form: 'factor such as 0.35',
      finite: true,
    }).optional(),
  })
  .meta({
    description: 'Prices from a day on. What is left out has no known price, which is not 0.',
  });

const modelSchema = z
  .strictObject({
    model: text({ description: 'As calls name it.', max: 256, filled: true, oneLine: true }),
    provider: text({ description: 'Who serves it.', max: 128, oneLine: true }).optional(),
    valid_from: date,
    input_per_million: dollars('A million input tokens.'),
    output_per_million: dollars('A million output tokens.'),
    cached_input_per_million: dollars('A million input tokens that the provider had cached.'),
    cache_write_per_million: dollars('A million input tokens that it caches.'),
    above: z
      .strictObject({
        input_tokens: wholeNumber(1, 1_000_000_000, { description: 'Of one call.' }),
        input_per_million: dollars('A million input tokens.'),
        output_per_million: dollars('A million output tokens.'),
      })
      .meta({ description: 'For calls with more input than that.' })
      .optional(),
    max_input_tokens: wholeNumber(0, 1_000_000_000, { description: 'Of one call.' }).optional(),
    max_output_tokens: wholeNumber(0, 1_000_000_000, { description: 'Of one call.' }).optional(),
    source: text({ description: 'Where the price is from.', max: 512, oneLine: true }).optional(),
  })
  .meta({ description: 'What a model charges for tokens, from a day on.' });

/** The keys of a price document, in the order of the reference. */
export const priceBlocks = {
  prices: z
    .array(ratesSchema)
    .max(1_000)
    .meta({ description: 'What holding things costs, by day.' }),
  models: z
    .array(modelSchema)
    .max(50_000)
    .meta({ description: 'What tokens cost, by model and day.' }),
  reserve_for: span(
    'Of a task that says nothing of its time, so much is held back at once, and again when it is used up.',
    { positive: true, default: '1h' },
  ),
} as const;

const DAY_MS = 86_400_000;
const SLICE_MS = 3_600_000;
/** Below that, paying would be most of what the daemon does. */
const SLICE_MS_MIN = 60_000;

export type ParsedPrices =
  | { readonly ok: true; readonly prices: Pick<MoneyConfig, 'prices' | 'sliceMs'> }
  /** Errors only, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Whether a document is about prices: it has a list of them, or one of models and nothing of a site or a workload. */
export function isPriceDocument(
  text: string,
  options: { readonly fileName: string; readonly format?: Format },
): boolean {
  if (textProblem(text) !== undefined) return false;
  const format = options.format ?? (options.fileName.endsWith('.json') ? 'json' : 'yaml');
  const { root } = readTree(text, format);
  const keys = [...(root?.children?.keys() ?? [])].map(String);
  const list = (key: string): boolean => Array.isArray(root?.children?.get(key)?.value);
  return list('prices') || (list('models') && keys.every((key) => Object.hasOwn(priceBlocks, key)));
}

/** A price document → prices. Never throws for what the text says. */
export function parsePrices(
  text: string,
  options: { readonly fileName: string; readonly format?: Format },
): ParsedPrices {
  const unfit = textProblem(text);
  if (unfit !== undefined) return { ok: false, issues: locateIssues([unfit], undefined, text) };
  const format = options.format ?? (options.fileName.endsWith('.json') ? 'json' : 'yaml');
  const { root, problems } = readTree(text, format);
  if (root === undefined) return { ok: false, issues: locateIssues(problems, root, text) };
  const reading = new SiteReading(root, text);
  reading.errors.push(...problems);
  const known = Object.keys(priceBlocks);
  if (root.children === undefined || Array.isArray(root.value)) {
    reading.error([], 'this is not a price document', {
      expected: 'a map with `prices` or `models`',
    });
  }
  for (const key of reading.keys([])) {
    if (known.includes(key)) continue;
    const near = { word: key.slice(0, 64), words: known };
    reading.error([key], `unknown key ${shown(key)}`, { near, at: 'key' });
  }
  const rates = reading.read(priceBlocks.prices, ['prices']) ?? [];
  const models = reading.read(priceBlocks.models, ['models']) ?? [];
  const slice = reading.read(priceBlocks.reserve_for, ['reserve_for']) ?? SLICE_MS;
  if (slice < SLICE_MS_MIN || slice > 31 * DAY_MS) {
    reading.error(['reserve_for'], 'the span is out of range', { expected: '1m to 31d' });
  }
  once(
    reading,
    rates.map((one) => String(one.valid_from)),
    (i) => ['prices', i, 'valid_from'],
  );
  once(
    reading,
    models.map(({ model, valid_from }) => JSON.stringify([model, valid_from])),
    (i) => ['models', i, 'model'],
  );
  if (reading.errors.length > 0) {
    return { ok: false, issues: locateIssues(reading.errors, root, text) };
  }
  const table = {
    rates: rates.map(ratesOf).sort((a, b) => a.validFrom - b.validFrom),
    models: models.map((one) => modelOf(one, options.fileName)).sort(byModel),
  };
  return { ok: true, prices: { prices: table, sliceMs: slice as SpanMs } };
}

function once(reading: SiteReading, keys: readonly string[], pathOf: (i: number) => Path): void {
  const first = new Map<string, number>();
  keys.forEach((key, i) => {
    const before = first.get(key);
    if (before === undefined) first.set(key, i);
    else {
      const message = `line ${reading.line(pathOf(before))} says it for this day, too`;
      reading.error(pathOf(i), message);
    }
  });
}

function ratesOf(block: z.output<typeof ratesSchema>): Rates {
  const { default: other, ...gpuHour } = block.gpu_hour ?? {};
  const { cpu_hour, memory_gib_hour, storage_gib_month, energy, spot_factor } = block;
  return {
    validFrom: block.valid_from,
    gpuHour,
    ...(cpu_hour !== undefined && { cpuHour: cpu_hour }),
    ...(memory_gib_hour !== undefined && { memoryHour: memory_gib_hour }),
    ...(other !== undefined && { otherGpuHour: other }),
    ...(storage_gib_month !== undefined && { storageMonth: storage_gib_month }),
    ...(energy && { energy: energyOf(energy) }),
    ...(spot_factor !== undefined && { spotFactor: spot_factor }),
  };
}

function energyOf(block: Exclude<z.output<typeof ratesSchema>['energy'], undefined>): EnergyRates {
  const { default: other, ...gpuWatts } = block.gpu_watts ?? {};
  return {
    kilowattHour: block.kwh,
    pue: block.pue ?? (10_000 as EnergyRates['pue']),
    wattsPerCpu: block.watts_per_cpu,
    wattsPerGib: block.watts_per_gib ?? 0,
    gpuWatts,
    ...(other !== undefined && { otherGpuWatts: other }),
  };
}

function modelOf(block: z.output<typeof modelSchema>, fileName: string): ModelPrice {
  const { above } = block;
  const prices = {
    input: block.input_per_million,
    output: block.output_per_million,
    cachedInput: block.cached_input_per_million,
    cacheWrite: block.cache_write_per_million,
    inputMax: block.max_input_tokens,
    outputMax: block.max_output_tokens,
  };
  return {
    model: block.model,
    ...(block.provider !== undefined && { provider: block.provider }),
    validFrom: block.valid_from,
    ...known(prices),
    ...(above && {
      above: {
        inputTokens: above.input_tokens,
        ...known({ input: above.input_per_million, output: above.output_per_million }),
      },
    }),
    source: block.source ?? fileName,
  };
}

/** Without what is undefined. */
export function known<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const byModel = (a: ModelPrice, b: ModelPrice): number =>
  a.model === b.model ? a.validFrom - b.validFrom : a.model < b.model ? -1 : 1;

/** The `models` of a price document, as people would write them. */
export function writeModels(models: readonly ModelPrice[]): readonly Record<string, unknown>[] {
  return models.map((one) => ({
    model: one.model,
    ...(one.provider !== undefined && { provider: one.provider }),
    valid_from: new Date(one.validFrom).toISOString().slice(0, 10),
    ...known({
      input_per_million: inDollars(one.input),
      output_per_million: inDollars(one.output),
      cached_input_per_million: inDollars(one.cachedInput),
      cache_write_per_million: inDollars(one.cacheWrite),
      above: one.above && {
        input_tokens: one.above.inputTokens,
        ...known({
          input_per_million: inDollars(one.above.input),
          output_per_million: inDollars(one.above.output),
        }),
      },
      max_input_tokens: one.inputMax,
      max_output_tokens: one.outputMax,
    }),
    source: one.source,
  }));
}

const inDollars = (micro: MicroDollars | undefined): number | undefined =>
  micro === undefined ? undefined : micro / 1_000_000;
