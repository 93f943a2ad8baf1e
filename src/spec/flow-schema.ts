import { z } from 'zod';
import { spanMs } from '../base/units.ts';
import type { CacheTerms } from '../model/flow.ts';
import { either, oneOf, quantity, text, wholeNumber } from './fields.ts';
import { parseSpan, printSpan } from './quantities.ts';

/** Tasks that one step may be made of by a matrix or a list. */
export const ITEMS_MAX = 10_000;
const AXIS_MAX = 1000;
const PATHS_MAX = 256;

export const flowDefaults = {
  itemsMax: 1000,
  cache: { ttlMs: spanMs(3_600_000), sharedBy: 'tenant' } satisfies Partial<CacheTerms>,
} as const;

const axisName = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const combinations = (description: string) =>
  z
    .array(
      z
        .record(z.string().regex(axisName, { error: 'letters, digits and _' }), z.unknown())
        .meta({ description: 'Names and values.' }),
    )
    .max(AXIS_MAX)
    .meta({ description })
    .optional();

const matrix = z
  .object({
    include: combinations(
      'More: what fits a combination is added to it, anything else is a combination of its own.',
    ),
    exclude: combinations('Combinations that have all of these values are left out.'),
  })
  .catchall(z.array(z.unknown(), { error: 'a list of values' }).min(1).max(AXIS_MAX))
  .meta({
    description:
      'A task for each combination of these lists by name: `${{ matrix.NAME }}` in its `env`, `with` and list of `run`.',
    title: 'map of names and lists',
  });

const items = z.array(z.unknown()).max(ITEMS_MAX).meta({ description: 'Values.' });
const listExpression = text({
  description: 'An expression in CEL that gives a list, with or without `${{ }}`.',
  max: 4096,
  filled: true,
});

const each = (description: string) =>
  z
    .union(
      [
        listExpression,
        items,
        z.strictObject({
          items: either(listExpression, items, 'a list, or an expression that gives one', {
            description: 'A list, or an expression that gives one.',
          }),
          max: wholeNumber(1, ITEMS_MAX, {
            description: 'Of an expression: more items than this are a failure.',
            default: flowDefaults.itemsMax,
          }).optional(),
        }),
      ],
      { error: 'a list, an expression that gives one, or a map with items' },
    )
    .meta({ description, title: 'list, expression, or a map with items' })
    .optional();

const path = text({
  description: 'A file or folder; a relative one lies in the working folder.',
  max: 4095,
  filled: true,
  oneLine: true,
});
const paths = (description: string) =>
  z.array(path).max(PATHS_MAX).meta({ description }).optional();

export const cacheTtl = (description: string) =>
  quantity(parseSpan, {
    description,
    form: 'span such as 90s, 1h30m or 2d; a bare number is seconds',
    positive: true,
    default: printSpan(flowDefaults.cache.ttlMs),
  }).optional();

const cache = either(
  z.boolean().meta({ description: '`true`: as the defaults say; `false`: never.' }),
  z.strictObject({
    ttl: cacheTtl('A result is taken for so long.'),
    share: oneOf(['tenant', 'everybody'], {
      description: 'Who may get it: only who made it, or whoever asks for the same.',
      default: flowDefaults.cache.sharedBy,
    }).optional(),
    inputs: paths('Files and folders whose content tells one result from another.'),
    artefacts: paths('Files and folders that are kept and put back.'),
    outputs: paths('Another name of `artefacts`.'),
    key: text({
      description: 'Anything else that tells one result from another.',
      max: 4096,
    }).optional(),
  }),
  'true, false, or a map of terms',
  {
    description:
      'Its result is kept under its command, environment and inputs, and taken from there the next time.',
  },
).optional();

/** What a task may say beside its command, in a job as in a step. */
export const cacheShape = { cache };

/** What makes many tasks of one: of a job as of a step. */
export const fanOutShape = {
  matrix: matrix.optional(),
  each: each(
    'A task for each item of a list: `${{ item }}` and `${{ index }}` in its `env`, `with` and list of `run`.',
  ),
  map: each('Another name of `each`.'),
};

/** What only a step of a pipeline has. */
export const conditionShape = {
  if: either(
    z.boolean().meta({ description: 'Always, or never.' }),
    text({
      description: 'An expression in CEL that gives true or false.',
      max: 4096,
      filled: true,
    }),
    'an expression, true or false',
    {
      description:
        "Whether it runs, decided once all that it needs has ended: CEL, with or without `${{ }}`, such as `steps.test.state == 'failed'`. When not given: if all that it needs has succeeded.",
    },
  ).optional(),
  on_failure: oneOf(['fail', 'continue'], {
    description: '`continue`: what needs it goes on although it failed.',
    default: 'fail',
  }).optional(),
};

export type MatrixBlock = z.output<typeof matrix>;
export type EachBlock = NonNullable<z.output<(typeof fanOutShape)['each']>>;
