import { z } from 'zod';
import type { SpanMs } from '../base/units.ts';
import { defaultOrder, type OrderConfig } from '../model/scheduling-config.ts';
import { plainWord, text, wholeNumber } from './fields.ts';
import type { Path } from './issue.ts';
import { printSpan, shown } from './quantities.ts';
import { span } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

const POINTS_MAX = 1_000_000;
const { factors } = defaultOrder;

const points = (description: string, initial: number) =>
  wholeNumber(0, POINTS_MAX, { description, default: initial });

const multifactorSchema = z
  .strictObject({
    age: points('Points for having waited `age_max`.', factors.age).optional(),
    age_max: span('Waiting longer earns no more.', {
      positive: true,
      default: printSpan(factors.ageMaxMs),
    }).optional(),
    fair_share: points('Points for having used nothing.', factors.fairShare).optional(),
    size: points('Points for asking for the whole site.', factors.size).optional(),
    priority: points('Points for the highest priority.', factors.priority).optional(),
  })
  .meta({ description: 'Points of the policy `multifactor`.' });

const lasSchema = z
  .strictObject({
    levels_at: z
      .array(span('Service of one GPU, or of one core without GPUs.', { positive: true }))
      .min(1)
      .max(16)
      .meta({ description: 'Service at which a workload sinks a level, ascending.' })
      .optional(),
    starvation_factor: points(
      'A sunken workload that waited this many times its service rises to the top. 0: never.',
      defaultOrder.starvationFactor,
    ).optional(),
  })
  .meta({ description: 'Levels of the policy `las`.' });

export const policyText = text({
  description: `Who goes first within a queue: a name of an order. \`${defaultOrder.name}\`, when not given.`,
  max: 128,
  filled: true,
});

/** Keys that say how an order orders; beside `policy`. */
export const orderShape = {
  ageing_per_hour: points(
    'Priority that waiting tasks gain per hour.',
    defaultOrder.ageingPerHour,
  ).optional(),
  half_life: span('After this, usage counts half; `unlimited`: it never fades.', {
    positive: true,
    default: printSpan(defaultOrder.halfLifeMs),
  }).optional(),
  multifactor: multifactorSchema.optional(),
  las: lasSchema.optional(),
};

export const orderSchema = z.strictObject({ policy: policyText.optional(), ...orderShape });
export type OrderBlock = z.output<typeof orderSchema>;

/** What the vocabulary calls them. */
const orderAliases: Readonly<Record<string, string>> = {
  fair: 'fair-share',
  'priority-based': 'priority',
  'dominant-resource-fairness': 'drf',
  'earliest-deadline-first': 'edf',
  'shortest-job-first': 'sjf',
  'least-attained-service': 'las',
};

export const isOrderName = (names: readonly string[], written: string): boolean =>
  names.includes(written) ||
  names.includes(plainWord(written)) ||
  Object.hasOwn(orderAliases, plainWord(written));

/** The order that is meant, over what is said further out; `path` is where its name stands. */
export function readOrder(
  reading: SiteReading,
  names: readonly string[],
  { block, path, namePath }: { block: OrderBlock; path: Path; namePath: Path },
  outer: OrderConfig,
): OrderConfig {
  const { ageing_per_hour, half_life, multifactor, las } = block;
  const levels = las?.levels_at?.map((ms) => Math.floor(ms / 1000));
  if (levels?.some((at, i) => at <= (levels[i - 1] ?? 0))) {
    const message = 'the levels do not ascend by whole seconds';
    reading.error([...path, 'las', 'levels_at'], message);
  }
  return {
    name: policyName(reading, names, namePath, block.policy) ?? outer.name,
    ageingPerHour: ageing_per_hour ?? outer.ageingPerHour,
    halfLifeMs: half_life ?? outer.halfLifeMs,
    factors: {
      age: multifactor?.age ?? outer.factors.age,
      ageMaxMs: (multifactor?.age_max ?? outer.factors.ageMaxMs) as SpanMs,
      fairShare: multifactor?.fair_share ?? outer.factors.fairShare,
      size: multifactor?.size ?? outer.factors.size,
      priority: multifactor?.priority ?? outer.factors.priority,
    },
    levelsAtSeconds: levels ?? outer.levelsAtSeconds,
    starvationFactor: las?.starvation_factor ?? outer.starvationFactor,
  };
}

export function policyName(
  reading: SiteReading,
  names: readonly string[],
  path: Path,
  written: string | undefined,
): string | undefined {
  return registered(reading, names, path, { written, aliases: orderAliases, what: 'order' });
}

/** The name of a registry that is meant; told when there is none. */
export function registered(
  reading: SiteReading,
  names: readonly string[],
  path: Path,
  asked: {
    readonly written: string | undefined;
    readonly aliases: Readonly<Record<string, string>>;
    readonly what: string;
    readonly at?: 'key';
  },
): string | undefined {
  const { written, aliases, what, at } = asked;
  if (written === undefined) return undefined;
  const plain = plainWord(written);
  const meant = Object.hasOwn(aliases, plain) ? aliases[plain]! : plain;
  for (const name of [written, meant]) if (names.includes(name)) return name;
  reading.error(path, `no ${what} is called ${shown(written)}`, {
    expected: names.join(', '),
    near: { word: plain.slice(0, 64), words: names },
    ...(at && { at }),
  });
  return undefined;
}
