import { z } from 'zod';
import { spanMs } from '../base/units.ts';
import {
  type AutoscalingDefaults,
  type AutoscalingTerms,
  METRIC_MAX,
  METRICS_MAX,
  type MetricDefaults,
  type MetricSource,
  type MetricTerms,
} from '../model/autoscaling.ts';
import type { QueueName } from '../model/ids.ts';
import { REPLICAS_MAX } from '../model/service.ts';
import { oneOf, quantity, text, wholeNumber } from './fields.ts';
import type { Path, Problem } from './issue.ts';
import { parseSpan, printSpan, shown } from './quantities.ts';

const PATH: Path = ['autoscaling'];

/** What holds where neither a service nor its site says anything. */
const defaults = {
  metrics: [{ kind: 'cpu', target: 70_000 }],
  minReplicas: 1,
  maxReplicas: 10,
  up: { replicas: 2, cooldownMs: spanMs(60_000) },
  down: { replicas: 1, cooldownMs: spanMs(300_000) },
} as const satisfies AutoscalingDefaults;

/** More than all CPUs of a small request are used where nothing limits it. */
const PERCENT_MAX = 10_000;
const metricKinds = ['cpu', 'memory', 'queue-depth', 'custom'] as const;
/** Of which kind of metric each is. */
const ownKeys = { queue: 'queue-depth', name: 'custom', url: 'custom', file: 'custom' } as const;

const metricSchema = z.strictObject({
  type: oneOf(metricKinds, {
    description:
      '`cpu`, `memory`: what the replicas use of what they ask for, on average. `queue_depth`: tasks of jobs and pipelines that wait for a place in a queue. `custom`: a number of your own.',
  }),
  target: z.number().min(0.001).max(METRIC_MAX).meta({
    title: 'number, 0.001 to 1000000000',
    description:
      'What each replica should come to: of `cpu` and `memory` in percent; else so many for each replica.',
  }),
  queue: text({
    description: 'Of `queue_depth`: with those below it. The queue of the service, when not given.',
    max: 63,
    filled: true,
    oneLine: true,
  }).optional(),
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/, {
      error: 'letters, digits, _ . and -, beginning with a letter, at most 63',
    })
    .meta({ description: 'Of `custom`: for people.' })
    .optional(),
  url: text({
    description: 'Of `custom`: its answer (200) is a number alone. The daemon asks.',
    max: 2048,
    filled: true,
    oneLine: true,
  }).optional(),
  file: text({
    description:
      'Of `custom`: its content is a number alone. A path from the folder that the replicas run in. What nobody wrote for five minutes is not known.',
    max: 1024,
    filled: true,
    oneLine: true,
  }).optional(),
});
type MetricBlock = z.output<typeof metricSchema>;

const replicas = (description: string, initial: number) =>
  wholeNumber(1, REPLICAS_MAX, { description, default: initial }).optional();

const cooldown = (initial: number) =>
  quantity(parseSpan, {
    description: 'From the last change, up or down, to the next step in this direction.',
    form: 'span such as 90s, 1h30m or 250ms; a bare number is seconds',
    finite: true,
    positive: true,
    default: printSpan(spanMs(initial)),
  }).optional();

export const autoscalingSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .meta({ description: '`false`: as if the block were not there.', default: true })
      .optional(),
    metrics: z
      .array(metricSchema)
      .min(1)
      .max(METRICS_MAX)
      .meta({
        description:
          'Each asks for a number of replicas, and the largest counts. `cpu` at 70 %, when not given.',
      })
      .optional(),
    scaling_policy: z
      .strictObject({
        min_replicas: wholeNumber(0, REPLICAS_MAX, {
          description:
            'Never fewer. 0: none while nothing is to be done, as `queue_depth` or `custom` tells.',
          default: defaults.minReplicas,
        }).optional(),
        max_replicas: replicas('Never more.', defaults.maxReplicas),
        scale_up: z
          .strictObject({
            increment: replicas('So many more at once, at most.', defaults.up.replicas),
            cooldown: cooldown(defaults.up.cooldownMs),
          })
          .meta({ description: 'The steps up.' })
          .optional(),
        scale_down: z
          .strictObject({
            decrement: replicas('So many fewer at once, at most.', defaults.down.replicas),
            cooldown: cooldown(defaults.down.cooldownMs),
          })
          .meta({
            description: 'The steps down: none while more were asked for within the cooldown.',
          })
          .optional(),
      })
      .meta({ description: 'How far and how fast.' })
      .optional(),
  })
  .meta({
    description:
      'Replicas that follow the load: beside `service`. In the site document: what holds for services that have this block, key by key, where theirs says nothing.',
  });

export type AutoscalingBlock = z.output<typeof autoscalingSchema>;

/** What the block says, and nothing else; what contradicts itself is added to `problems`. */
function writtenAutoscaling(
  { metrics, scaling_policy: policy = {} }: Partial<AutoscalingBlock>,
  path: Path,
  problems: Problem[],
): AutoscalingDefaults {
  const { min_replicas: min, max_replicas: max, scale_up: up, scale_down: down } = policy;
  return {
    ...(metrics && { metrics: readMetrics(metrics, [...path, 'metrics'], problems) }),
    ...(min !== undefined && { minReplicas: min }),
    ...(max !== undefined && { maxReplicas: max }),
    up: {
      ...(up?.increment !== undefined && { replicas: up.increment }),
      ...(up?.cooldown !== undefined && { cooldownMs: up.cooldown }),
    },
    down: {
      ...(down?.decrement !== undefined && { replicas: down.decrement }),
      ...(down?.cooldown !== undefined && { cooldownMs: down.cooldown }),
    },
  };
}

/** Of a site; what is wrong for every service is told where it stands. */
export function siteAutoscaling(
  block: Partial<AutoscalingBlock>,
  problems: Problem[],
): AutoscalingDefaults {
  const written = writtenAutoscaling(block, PATH, problems);
  problems.push(...rangeProblems({ ...defaults, ...written }, written));
  return written;
}

/** Of the service that a block is for. */
export interface ScaledService {
  readonly queue: QueueName;
  /** As it was written. */
  readonly replicas: number | undefined;
}

/** The terms of a service: what it says, what its site says, and what holds otherwise. */
export function readAutoscaling(
  block: AutoscalingBlock,
  service: ScaledService,
  { site = {}, problems }: { site?: AutoscalingDefaults | undefined; problems: Problem[] },
): AutoscalingTerms {
  const own = writtenAutoscaling(block, PATH, problems);
  const said = { ...defaults, ...site, ...own };
  const terms: AutoscalingTerms = {
    metrics: said.metrics.map((metric) => withQueue(metric, service.queue)),
    minReplicas: said.minReplicas,
    maxReplicas: said.maxReplicas,
    up: { ...defaults.up, ...site.up, ...own.up },
    down: { ...defaults.down, ...site.down, ...own.down },
  };
  problems.push(...boundProblems(terms, own, service), ...idleProblems(terms));
  return terms;
}

/** A service begins with what it says, or with the fewest that do anything. */
export const replicasAtFirst = (
  written: number | undefined,
  { minReplicas }: AutoscalingTerms,
): number => written ?? Math.max(1, minReplicas);

const withQueue = (metric: MetricDefaults, queue: QueueName): MetricTerms =>
  metric.kind === 'queue-depth' ? { ...metric, queue: metric.queue ?? queue } : metric;

function rangeProblems(
  { minReplicas: min, maxReplicas: max }: Pick<AutoscalingTerms, 'minReplicas' | 'maxReplicas'>,
  own: AutoscalingDefaults,
): Problem[] {
  if (min <= max) return [];
  const key = own.minReplicas === undefined ? 'max_replicas' : 'min_replicas';
  const message = `at least ${min} replicas, and at most ${max}`;
  return [{ path: [...PATH, 'scaling_policy', key], message }];
}

function boundProblems(
  terms: AutoscalingTerms,
  own: AutoscalingDefaults,
  { replicas: written }: ScaledService,
): Problem[] {
  const { minReplicas: min, maxReplicas: max } = terms;
  if (min > max) return rangeProblems(terms, own);
  if (written === undefined || (written >= min && written <= max)) return [];
  const message = `${written} replicas to begin with`;
  const expected = `${min} to ${max}, as \`autoscaling\` says`;
  return [{ path: ['service', 'replicas'], message, expected }];
}

function idleProblems({ metrics, minReplicas }: AutoscalingTerms): Problem[] {
  const isTold = metrics.some(({ kind }) => kind === 'queue-depth' || kind === 'custom');
  if (minReplicas > 0 || isTold) return [];
  const message = 'with none running, nothing would tell when one is needed';
  const expected = 'a metric `queue_depth` or `custom`, or at least 1';
  return [{ path: [...PATH, 'scaling_policy', 'min_replicas'], message, expected }];
}

function readMetrics(
  blocks: readonly MetricBlock[],
  path: Path,
  problems: Problem[],
): readonly MetricDefaults[] {
  const seen = new Set<string>();
  return blocks.flatMap((block, i) => {
    const at = [...path, i];
    const key = [block.type, block.queue ?? '', block.name ?? ''].join(' ');
    if (seen.has(key)) problems.push({ path: at, message: 'this metric is given twice' });
    seen.add(key);
    const read = readMetric(block, at, problems);
    return read === undefined ? [] : [read];
  });
}

function readMetric(
  block: MetricBlock,
  path: Path,
  problems: Problem[],
): MetricDefaults | undefined {
  const { type } = block;
  for (const [key, kind] of Object.entries(ownKeys)) {
    if (block[key as keyof typeof ownKeys] === undefined || kind === type) continue;
    const message = `only for \`type: ${kind.replace('-', '_')}\``;
    problems.push({ path: [...path, key], message, at: 'key' });
  }
  const target = Math.max(1, Math.round(block.target * 1_000));
  switch (type) {
    case 'cpu':
    case 'memory':
      if (block.target > PERCENT_MAX) {
        const message = `${block.target} is above the range`;
        problems.push({
          path: [...path, 'target'],
          message,
          expected: `a percentage to ${PERCENT_MAX}`,
        });
      }
      return { kind: type, target };
    case 'queue-depth':
      return {
        kind: type,
        target,
        ...(block.queue !== undefined && { queue: block.queue as QueueName }),
      };
    case 'custom': {
      const from = readSource(block, path, problems);
      if (block.name === undefined) {
        problems.push({ path, message: 'a custom metric has a `name`' });
      }
      return from && { kind: type, target, name: block.name ?? '', from };
    }
  }
}

function readSource(
  { url, file }: MetricBlock,
  path: Path,
  problems: Problem[],
): MetricSource | undefined {
  if ((url === undefined) === (file === undefined)) {
    const message = `says ${url === undefined ? 'nowhere' : 'twice'} where its number is`;
    problems.push({ path, message, expected: 'one of `url` and `file`' });
    return undefined;
  }
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      const expected = 'an address that begins with http:// or https://';
      problems.push({ path: [...path, 'url'], message: `${shown(url)} is not asked`, expected });
    }
    return { kind: 'url', url };
  }
  if (file!.startsWith('/') || file!.split('/').includes('..')) {
    const expected = 'a path below the folder that the replicas run in';
    problems.push({
      path: [...path, 'file'],
      message: `${shown(file!)} leads elsewhere`,
      expected,
    });
  }
  return { kind: 'file', path: file! };
}
