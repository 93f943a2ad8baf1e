import { z } from 'zod';
import { type BasisPoints, type SpanMs, UNLIMITED } from '../base/units.ts';
import {
  type BackfillConfig,
  defaultOrder,
  defaultScheduling,
  type GpuSharingRule,
  KEEP_AFTER_MS,
  type OrderConfig,
  type PreemptionConfig,
  type QueueConfig,
  type SchedulingConfig,
  type WeightedScorer,
} from '../model/scheduling-config.ts';
import { either, oneOf, quantity, text, wholeNumber } from './fields.ts';
import { gpuSharingSchema, readGpuSharing } from './gpu-sharing-block.ts';
import { daySchedule, hoursOr } from './hours-of-day.ts';
import type { Path } from './issue.ts';
import { isOrderName, orderShape, policyText, readOrder, registered } from './order-block.ts';
import { type Classes, classesSchema, readClasses } from './priority-class-block.ts';
import { parseSpan, shown } from './quantities.ts';
import { usageShape } from './quota-block.ts';
import {
  count,
  queueName,
  spanForm,
  WEIGHTS_EXPECTED,
  WEIGHTS_MESSAGE,
  weight,
  wholeWeights,
} from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';
import { type SiteStrategy, strategyMeant } from './site-strategy.ts';

const SEED_MAX = 4_294_967_295;
/** Long enough to have got going, short enough for whoever waits. */
const MIN_RUN_MS = 60_000 as SpanMs;

const kinds = ['none', 'easy', 'easy-shortest-first', 'conservative'] as const;
const { depth, kind: defaultKind } = defaultScheduling.backfill;
const kindSchema = oneOf(kinds, {
  description: 'What may overtake a task that waits for room.',
  default: defaultKind,
});

const finiteSpan = (description: string, initial?: string) =>
  quantity(parseSpan, {
    description,
    form: spanForm,
    finite: true,
    ...(initial !== undefined && { default: initial }),
  });

export const childOrderSchema = oneOf(['weighted', 'priority', 'usage'] as const, {
  description:
    'Which of the queues below goes next: by weight over what is held, by their priority, or by weight over what was used.',
  default: 'weighted',
});

const placementSchema = either(
  text({ description: 'A scorer.', max: 128, filled: true }),
  z
    .record(z.string().min(1).max(128), weight('Its part of the sum.'))
    .meta({ description: 'Several scorers, each with its weight.' }),
  'name of a scorer, or a map of names and weights',
  { description: 'How the node is chosen.', default: 'best-fit' },
);

const backfillSchema = either(
  kindSchema,
  z.strictObject({
    kind: kindSchema,
    depth: wholeNumber(1, 1_000_000, {
      description:
        'Waiting tasks that are planned ahead, or looked at behind the head, in one pass.',
      default: depth,
    }).optional(),
  }),
  `one of ${kinds.join(', ')}, or a map with kind`,
  { description: 'For a site without `queues`, whose work says how long it runs.' },
);

const preemptionSchema = either(
  z.boolean(),
  z.strictObject({
    min_run_time: finiteSpan('Nobody is stopped sooner after a start.', '1m').optional(),
    per_queue_per_hour: count(
      'Tasks of one queue that may be stopped within an hour. No bound, when not given.',
    ).optional(),
    start_promise: z
      .strictObject({
        within: finiteSpan('Waiting so long costs nothing.'),
        per_second: wholeNumber(1, 1_000_000, {
          description: 'Milli-GPU-seconds that each second beyond is worth.',
        }),
        max: finiteSpan('So long beyond, the price rises no more.', '1h').optional(),
      })
      .meta({ description: 'What waiting costs, beside what a stop does.' })
      .optional(),
  }),
  'true, false, or a map of limits',
  {
    description:
      'Whether tasks may be stopped for others. True, when not given and a class is `preemptible: true`.',
    default: false,
  },
);

const keepSeatsSchema = either(
  oneOf(['never'] as const, { description: 'Seats are kept for nobody.' }),
  finiteSpan('So long.'),
  '`never`, or a span such as `1h`',
  {
    description:
      'Whoever is due and has waited so long for room is kept what frees next, so that small tasks cannot pass it for ever.',
    default: '1h',
  },
);

const offPeakSchema = either(
  hoursOr([], { description: 'Hours of every day, in the zone of the document.' }),
  daySchedule,
  'hours such as 22:00-06:00, or a map with start and end',
  {
    description:
      'What workloads mean that would rather start `off_peak`: see `optimization.scheduling` of a workload.',
    default: '22:00-06:00',
  },
);

const fairSchema = z
  .strictObject({
    user_quotas: z
      .record(z.string().min(1).max(128), z.strictObject(usageShape))
      .meta({
        description: 'Quotas by user; `default` is for each that is not named.',
      })
      .optional(),
    team_shares: z
      .record(queueName, weight('Its share.'))
      .meta({ description: 'Weights of teams; `multi_tenancy` says who is in them.' })
      .optional(),
  })
  .meta({ description: 'Quotas and shares of the strategy `fair`.' });

export const schedulingSchema = z
  .strictObject({
    policy: policyText.optional(),
    strategy: text({
      description:
        'A name of an order and scorers that go together, or an order; instead of `policy`.',
      max: 128,
    }).optional(),
    method: text({ description: 'Another name of `policy`.', max: 128 }).optional(),
    ...orderShape,
    child_order: childOrderSchema.optional(),
    placement: placementSchema.optional(),
    filters: z
      .array(text({ description: 'A filter.', max: 128, filled: true }))
      .max(32)
      .meta({ description: "The site's own filters, which every task has to pass." })
      .optional(),
    backfill: backfillSchema.optional(),
    preemption: preemptionSchema.optional(),
    keep_seats_after: keepSeatsSchema.optional(),
    off_peak: offPeakSchema.optional(),
    gpu_sharing: gpuSharingSchema.optional(),
    gpu_absent: oneOf(['refuse', 'cpu'], {
      description:
        'While no node has a GPU, what asks for some is refused, or, by `cpu`, runs without any. `berth ps` and `berth why` say so. Leases are refused all the same.',
      default: 'refuse',
    }).optional(),
    seed: wholeNumber(0, SEED_MAX, {
      description: 'Of the lottery: the same seed draws the same winners.',
      default: defaultScheduling.seed,
    }).optional(),
    config: fairSchema.optional(),
    classes: classesSchema.optional(),
  })
  .meta({ description: 'Order, placement, and what may overtake or stop what.' });

export type SchedulingBlock = z.output<typeof schedulingSchema>;

export interface Scheduling extends Classes {
  readonly order: OrderConfig;
  readonly childOrder: QueueConfig['childOrder'];
  readonly scorers: readonly WeightedScorer[];
  readonly plan: SchedulingConfig['plan'] | undefined;
  readonly filters: readonly string[];
  readonly backfill: BackfillConfig;
  readonly preemption: PreemptionConfig | undefined;
  readonly keepAfterMs: SpanMs | undefined;
  readonly gpuSharing: readonly GpuSharingRule[] | undefined;
  readonly gpuAbsent: 'cpu' | undefined;
  readonly seed: number;
  /** Where the policy is named; undefined where it is not. */
  readonly policyPath: Path | undefined;
}

export function readScheduling(
  reading: SiteReading,
  block: SchedulingBlock,
  names: Record<'orders' | 'scorers' | 'filters', readonly string[]> & {
    readonly strategies: readonly SiteStrategy[];
  },
): Scheduling {
  const path = ['scheduling'];
  const key = reading.oneKey(path, ['policy', 'strategy', 'method']);
  const written = key && block[key];
  const strategy = strategyMeant(names.strategies, written, key, (name) =>
    isOrderName(names.orders, name),
  );
  const policy = strategy === undefined ? written : undefined;
  const { backfill, preemption, keep_seats_after = KEEP_AFTER_MS } = block;
  const namePath = [...path, key ?? 'policy'];
  const classes = readClasses(reading, block.classes);
  const isStopped = classes.classes.some(({ preemptible }) => preemptible === true);
  return {
    order: readOrder(
      reading,
      names.orders,
      { block: { ...block, policy }, path, namePath },
      { ...defaultOrder, ...strategy?.order },
    ),
    childOrder: block.child_order ?? 'weighted',
    scorers: readPlacement(
      reading,
      names.scorers,
      block.placement,
      strategy?.scorers ?? defaultScheduling.scorers,
    ),
    plan: strategy?.plan,
    filters: readFilters(reading, names.filters, block.filters ?? []),
    backfill:
      typeof backfill === 'object'
        ? { kind: backfill.kind, depth: backfill.depth ?? depth }
        : { kind: backfill ?? defaultKind, depth },
    preemption: readPreemption(preemption ?? isStopped),
    ...classes,
    keepAfterMs: keep_seats_after === 'never' ? undefined : keep_seats_after,
    gpuSharing: block.gpu_sharing && readGpuSharing(block.gpu_sharing),
    gpuAbsent: block.gpu_absent === 'cpu' ? 'cpu' : undefined,
    seed: block.seed ?? defaultScheduling.seed,
    policyPath: key === undefined ? undefined : namePath,
  };
}

function readPlacement(
  reading: SiteReading,
  names: readonly string[],
  written: SchedulingBlock['placement'],
  initial: readonly WeightedScorer[],
): readonly WeightedScorer[] {
  if (written === undefined) return initial;
  const path = ['scheduling', 'placement'];
  if (typeof written === 'string') {
    const name = registered(reading, names, path, { written, aliases: {}, what: 'scorer' });
    return name === undefined ? [] : [{ name, weight: 1 }];
  }
  const entries = Object.entries(written);
  if (entries.length === 0) {
    reading.error(path, 'the map is empty', { expected: 'at least one scorer' });
  }
  const weights = wholeWeights(entries.map(([, one]) => one as BasisPoints));
  if (weights === undefined) reading.error(path, WEIGHTS_MESSAGE, { expected: WEIGHTS_EXPECTED });
  const found: WeightedScorer[] = [];
  for (const [i, [key]] of entries.entries()) {
    const asked = { written: key, aliases: {}, what: 'scorer', at: 'key' } as const;
    const name = registered(reading, names, [...path, key], asked);
    if (name === undefined) continue;
    if (found.some((other) => other.name === name)) {
      reading.error([...path, key], `the scorer ${name} is given twice`, { at: 'key' });
    }
    found.push({ name, weight: weights?.[i] ?? 1 });
  }
  return found;
}

function readFilters(
  reading: SiteReading,
  names: readonly string[],
  written: readonly string[],
): readonly string[] {
  return written.flatMap((name, i) => {
    if (names.includes(name)) return written.indexOf(name) === i ? [name] : [];
    reading.error(
      ['scheduling', 'filters', i],
      `no filter of \`plugins\` is called ${shown(name)}`,
      {
        near: { word: name.slice(0, 64), words: names },
      },
    );
    return [];
  });
}

function readPreemption(
  written: NonNullable<SchedulingBlock['preemption']>,
): PreemptionConfig | undefined {
  if (written === false) return undefined;
  const block = written === true ? {} : written;
  const { min_run_time, per_queue_per_hour, start_promise } = block;
  return {
    minRunMs: min_run_time ?? MIN_RUN_MS,
    perQueueHour: per_queue_per_hour ?? UNLIMITED,
    ...(start_promise && {
      promise: {
        withinMs: start_promise.within,
        perSecond: start_promise.per_second,
        maxMs: start_promise.max ?? (3_600_000 as SpanMs),
      },
    }),
  };
}
