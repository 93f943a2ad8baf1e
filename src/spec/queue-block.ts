import { z } from 'zod';
import { type BasisPoints, UNLIMITED } from '../base/units.ts';
import {
  NO_AMOUNTS,
  type OrderConfig,
  type OverflowPolicy,
  type QueueConfig,
  queueConfig,
  type TeamConfig,
  UNLIMITED_AMOUNTS,
} from '../model/scheduling-config.ts';
import type { WrittenSubmissionLimit } from '../model/site-config.ts';
import { either, oneOf, quantity, wholeNumber } from './fields.ts';
import type { Path } from './issue.ts';
import { orderSchema, policyText, readOrder } from './order-block.ts';
import { parseSpan } from './quantities.ts';
import { childOrderSchema } from './scheduling-block.ts';
import {
  amounts,
  count,
  later,
  limitAmounts,
  queueName,
  spanForm,
  toAmounts,
  WEIGHTS_EXPECTED,
  WEIGHTS_MESSAGE,
  weight,
  wholeWeights,
} from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';
import {
  oversubscriptionSchema,
  type TenantsBlock,
  teamsOf,
  teamsSchema,
  tenantsOf,
  tenantsSchema,
} from './tenancy-block.ts';

const QUEUES_MAX = 1_000;
const ROOT = 'root';

const laterKeys = ['sla_latency_ms'] as const;

const reclaim = (description: string) =>
  oneOf(['enabled', 'disabled', 'always'] as const, { description, default: 'enabled' });

const below = z
  .record(queueName, z.unknown())
  .meta({ description: 'The queues below, by name, each with these same keys.' });

export const queueSchema = z
  .strictObject({
    weight: weight('Its part beside its siblings that want something, too.').optional(),
    priority: wholeNumber(-1_000_000, 1_000_000, {
      description: 'Higher first, where `child_order` of the queue above is `priority`.',
      default: 0,
    }).optional(),
    children: below.optional(),
    queues: below.meta({ description: 'Another name of `children`.' }).optional(),
    child_order: childOrderSchema.optional(),
    guaranteed: amounts(
      'Goes before siblings until it holds this; what it does not use, it lends.',
    ).optional(),
    dedicated_resources: amounts(
      'A guarantee that is not lent: kept for it, idle if need be.',
    ).optional(),
    limit: limitAmounts('It never holds more.').optional(),
    max_resources: limitAmounts('Another name of `limit`.').optional(),
    borrowing_limit: limitAmounts('It never holds more than its guarantee and this.').optional(),
    lending_limit: limitAmounts('Of its unused guarantee, siblings may use this.').optional(),
    reclaim: reclaim(
      '`enabled`: takes back what it lent and gives back what it borrowed; `disabled`: neither; `always`: all that it holds may be taken. Acted on where `scheduling.preemption` is on.',
    ).optional(),
    preemption: reclaim('Another name of `reclaim`.').optional(),
    order: either(policyText, orderSchema, 'name of an order, or a map with policy', {
      description: 'Who goes first in it and below. As in `scheduling`, when not given.',
    }).optional(),
    fifo: oneOf(['strict', 'best-effort'] as const, {
      description: '`strict`: while its first task cannot start, none of this queue does.',
      default: 'best-effort',
    }).optional(),
    max_running: count('Tasks that run at once, in it and below.').optional(),
    max_active: count('Tasks of workloads that have not ended, in it and below.').optional(),
    max_size: count('Another name of `max_active`.').optional(),
    concurrent_pipelines: count(
      'Workloads that have not ended, in it and below; leases are not counted.',
    ).optional(),
    oversubscription_ratio: oversubscriptionSchema.optional(),
    tenants: tenantsSchema.optional(),
    teams: teamsSchema.optional(),
    overflow_policy: oneOf(['reject', 'spill-to-disk', 'compress'] as const, {
      description:
        'What happens to a submission to a full queue. `reject`: it is refused; `spill_to_disk`: it is accepted, waits on disk and is let in, in order, once there is room; `compress`: the same, and what waits is kept compressed. As the queue above, when not given.',
      default: 'reject',
    }).optional(),
    sla_latency_ms: later('Latency to keep.').optional(),
    guaranteed_processing: z
      .boolean()
      .meta({
        description:
          '`true`: what it accepts Berth never gives up. A full queue spills to disk instead of refusing, and a task of which an attempt was lost is tried again without using up a retry. As the queue above, when not given.',
        default: false,
      })
      .optional(),
    batch_size: count(
      'Tasks that start in one batch at most, in it and below: those that are ready when it begins, each as soon as there is room. All of them, when not given.',
      1,
    ).optional(),
    processing_interval: quantity(parseSpan, {
      description:
        'Its tasks start in batches: one begins when there is something to start and the last began so long ago. Second tries, replicas and leases start at any time.',
      form: spanForm,
      positive: true,
      finite: true,
    }).optional(),
  })
  .meta({ description: 'A queue.' });

type QueueBlock = z.output<typeof queueSchema>;

/** What is said further out, and holds where a queue says nothing. */
export interface Outer {
  readonly order: OrderConfig;
  readonly childOrder: QueueConfig['childOrder'];
  readonly fifo: QueueConfig['fifo'];
  readonly oversubscription: BasisPoints;
  /** Undefined where nobody said. */
  readonly overflow?: OverflowPolicy | undefined;
  readonly guaranteedProcessing?: boolean;
  readonly tenants: readonly TenantsBlock[];
  /** Of every queue that has none of its own. */
  readonly teams: readonly TeamConfig[];
}

export interface QueueDeps {
  readonly orders: readonly string[];
}

/** A site without `queues`: all wait in one. */
export function singleQueue(reading: SiteReading, outer: Outer): QueueConfig {
  const only = queueConfig('default', {
    ...saidFurtherOut(outer),
    tenants: tenantsOf(reading, outer.tenants, ['multi_tenancy']),
    teams: outer.teams,
  });
  return queueConfig(ROOT, { children: [only] });
}

export interface ReadQueues {
  readonly root: QueueConfig;
  readonly paths: ReadonlyMap<string, Path>;
  readonly submissions: readonly WrittenSubmissionLimit[];
}

/** The queues of a document, which may be those of a `root` or of a `configuration`. */
export function readQueues(reading: SiteReading, deps: QueueDeps, outer: Outer): ReadQueues {
  const reader = new QueueReader(reading, deps);
  const root = reader.root(['queues'], outer);
  if (!reader.paths.has('default') && root.children.length > 0) {
    reading.warn(['queues'], 'no queue is called `default`: a workload that names none is refused');
  }
  return { root, paths: reader.paths, submissions: reader.submissions };
}

class QueueReader {
  readonly paths = new Map<string, Path>();
  readonly submissions: WrittenSubmissionLimit[] = [];
  readonly #reading: SiteReading;
  readonly #deps: QueueDeps;

  constructor(reading: SiteReading, deps: QueueDeps) {
    this.#reading = reading;
    this.#deps = deps;
  }

  root(path: Path, outer: Outer): QueueConfig {
    const reading = this.#reading;
    const keys = reading.keys(path);
    const [only] = keys;
    if (keys.length === 1 && only === 'configuration') return this.root([...path, only], outer);
    if (keys.length === 1 && only === ROOT) {
      const at = [...path, ROOT];
      this.paths.set(ROOT, at);
      const { config } = this.#queue(ROOT, at, outer);
      if (config.children.length === 0) {
        const expected = 'at least one in its `children`';
        reading.error(at, 'there is no queue', { expected, at: 'key' });
      }
      return config;
    }
    this.paths.set(ROOT, path);
    const named = reading.read(below, path);
    if (named !== undefined && keys.length === 0) {
      reading.error(path, 'there is no queue', { expected: 'at least one' });
    }
    const children = this.#children(path, outer);
    const reserved = keys.find((key) => key === ROOT);
    if (reserved !== undefined) {
      const message = '`root` is what all queues are in';
      reading.error([...path, ROOT], message, {
        expected: 'another name, or no other beside it',
        at: 'key',
      });
    }
    const root = queueConfig(ROOT, { childOrder: outer.childOrder, children });
    this.#warnOfChildren(root, path);
    return root;
  }

  #children(path: Path, outer: Outer): QueueConfig[] {
    const reading = this.#reading;
    const drafts = reading.keys(path).map((name) => {
      const at = [...path, name];
      const first = this.paths.get(name);
      if (first === undefined) this.paths.set(name, at);
      else if (name !== ROOT) {
        const message = `the queue in line ${reading.line(first)} has this name, too`;
        reading.error(at, message, { expected: 'a name once in all the tree', at: 'key' });
      }
      if (this.paths.size === QUEUES_MAX + 1) {
        reading.error(at, 'there are too many queues', {
          expected: `at most ${QUEUES_MAX}`,
          at: 'key',
        });
      }
      return this.#queue(name, at, outer);
    });
    const weights = wholeWeights(drafts.map((draft) => draft.weight));
    if (weights === undefined) {
      reading.error(path, WEIGHTS_MESSAGE, { expected: WEIGHTS_EXPECTED, at: 'key' });
    }
    return drafts.map(({ config }, i) => ({ ...config, weight: weights?.[i] ?? 1 }));
  }

  #queue(
    name: string,
    path: Path,
    outer: Outer,
  ): { readonly config: QueueConfig; readonly weight: BasisPoints | undefined } {
    const reading = this.#reading;
    // `research:` alone is a queue, too.
    const isBare = reading.value(path) === null;
    const block = isBare ? {} : reading.readPart(queueSchema, path);
    const childKey = reading.oneKey(path, ['children', 'queues']);
    const inner = this.#inner(block ?? {}, path, outer);
    // Of a queue that is wrong, those below are looked at all the same.
    const children = childKey === undefined ? [] : this.#children([...path, childKey], inner);
    if (block === undefined) return { config: queueConfig(name, { children }), weight: undefined };
    reading.later(path, laterKeys);
    const { weight: written, priority = 0, child_order, max_running } = block;
    const reclaimKey = reading.oneKey(path, ['reclaim', 'preemption']);
    const activeKey = reading.oneKey(path, ['max_active', 'max_size']);
    const config = queueConfig(name, {
      ...saidFurtherOut(inner),
      ...this.#holdings(block, path),
      priority,
      children,
      childOrder: child_order ?? outer.childOrder,
      reclaim: (reclaimKey && block[reclaimKey]) ?? 'enabled',
      runningMax: max_running ?? UNLIMITED,
      activeMax: (activeKey && block[activeKey]) ?? UNLIMITED,
      ...this.#whenFull(block, path, inner),
      ...this.#batch(block, path),
      tenants: tenantsOf(reading, inner.tenants, [...path, 'tenants']),
      teams: this.#teams(block, path, children, outer),
    });
    if (childKey !== undefined) this.#warnOfChildren(config, [...path, childKey]);
    if (block.concurrent_pipelines !== undefined) {
      this.submissions.push({
        name: `queue ${name}`,
        queues: leaves(config).map((leaf) => leaf.name),
        each: false,
        active: block.concurrent_pipelines,
      });
    }
    return { config, weight: written };
  }

  #batch(
    { batch_size: size, processing_interval: intervalMs }: QueueBlock,
    path: Path,
  ): Pick<QueueConfig, 'batch'> {
    if (intervalMs !== undefined) return { batch: { size: size ?? UNLIMITED, intervalMs } };
    if (size === undefined || this.#reading.value([...path, 'processing_interval']) !== undefined) {
      return {};
    }
    const message = 'nothing says how often a batch begins';
    const expected = '`processing_interval` beside it';
    this.#reading.error([...path, 'batch_size'], message, { expected, at: 'key' });
    return {};
  }

  #inner(block: QueueBlock, path: Path, outer: Outer): Outer {
    const { order, fifo, oversubscription_ratio, tenants, child_order } = block;
    const at = [...path, 'order'];
    const said =
      typeof order === 'string'
        ? { block: { policy: order }, path: at, namePath: at }
        : { block: order ?? {}, path: at, namePath: [...at, 'policy'] };
    return {
      ...outer,
      order: readOrder(this.#reading, this.#deps.orders, said, outer.order),
      childOrder: child_order ?? outer.childOrder,
      fifo: fifo ?? outer.fifo,
      oversubscription: oversubscription_ratio ?? outer.oversubscription,
      overflow: block.overflow_policy ?? outer.overflow,
      guaranteedProcessing: block.guaranteed_processing ?? outer.guaranteedProcessing ?? false,
      tenants: tenants === undefined ? outer.tenants : [...outer.tenants, tenants],
    };
  }

  /** What is guaranteed is never refused for want of room: it spills, where nothing else is said. */
  #whenFull(
    block: QueueBlock,
    path: Path,
    { overflow = 'reject', guaranteedProcessing = false }: Outer,
  ): Pick<QueueConfig, 'overflow' | 'guaranteedProcessing'> {
    if (guaranteedProcessing && block.overflow_policy === 'reject') {
      const message = 'the queue guarantees to process what it is given, and this refuses it';
      const expected = 'spill_to_disk, compress, or `guaranteed_processing: false`';
      this.#reading.error([...path, 'overflow_policy'], message, { expected });
    }
    const spills = guaranteedProcessing && overflow === 'reject' ? 'spill-to-disk' : overflow;
    return { overflow: spills, guaranteedProcessing };
  }

  #holdings(
    block: QueueBlock,
    path: Path,
  ): Pick<QueueConfig, 'guaranteed' | 'limit' | 'borrowingLimit' | 'lendingLimit'> {
    const reading = this.#reading;
    const ownKey = reading.oneKey(path, ['guaranteed', 'dedicated_resources']) ?? 'guaranteed';
    const limitKey = reading.oneKey(path, ['limit', 'max_resources']) ?? 'limit';
    const guaranteed = toAmounts(block[ownKey], NO_AMOUNTS);
    const limit = toAmounts(block[limitKey], UNLIMITED_AMOUNTS);
    for (const name of ['cpu', 'memory', 'gpu'] as const) {
      if (guaranteed[name] === UNLIMITED) {
        const message = 'nobody can be guaranteed everything';
        reading.error([...path, ownKey, name], message, { expected: 'a finite amount' });
      } else if (guaranteed[name] > limit[name]) {
        const where = `\`${limitKey}\` in line ${reading.line([...path, limitKey, name])}`;
        reading.error([...path, ownKey, name], `the guarantee is above the ${where}`);
      }
    }
    const isDedicated = ownKey === 'dedicated_resources';
    if (isDedicated && block.lending_limit !== undefined) {
      const message = 'what is dedicated is not lent';
      reading.error([...path, 'lending_limit'], message, {
        at: 'key',
        expected: '`guaranteed` with it',
      });
    }
    return {
      guaranteed,
      limit,
      borrowingLimit: toAmounts(block.borrowing_limit, UNLIMITED_AMOUNTS),
      lendingLimit: isDedicated ? NO_AMOUNTS : toAmounts(block.lending_limit, UNLIMITED_AMOUNTS),
    };
  }

  #teams(
    block: QueueBlock,
    path: Path,
    children: readonly QueueConfig[],
    outer: Outer,
  ): readonly TeamConfig[] {
    const reading = this.#reading;
    const at = [...path, 'teams'];
    if (children.length > 0) {
      if (block.teams === undefined) return [];
      const message = `teams share a queue in which work waits, and this one has others below`;
      reading.error(at, message, { expected: 'teams in those below', at: 'key' });
      return [];
    }
    if (block.teams !== undefined) return teamsOf(reading, block.teams, at);
    return outer.teams;
  }

  #warnOfChildren({ children, childOrder, limit }: QueueConfig, path: Path): void {
    if (childOrder !== 'priority' && children.some(({ priority }) => priority !== 0)) {
      this.#reading.warn(
        path,
        '`priority` of these queues counts only with `child_order: priority` above them',
      );
    }
    for (const name of ['cpu', 'memory', 'gpu'] as const) {
      const sum = children.reduce((all, { guaranteed }) => all + guaranteed[name], 0);
      if (sum <= limit[name]) continue;
      this.#reading.warn(path, `the guarantees of ${name} are above the limit of all`);
    }
  }
}

function saidFurtherOut({ order, fifo, oversubscription }: Outer): Partial<QueueConfig> {
  return { order, fifo, oversubscription };
}

/** The queues that work can be submitted to, at and below one. */
export function leavesBelow(root: QueueConfig, name: string): readonly QueueConfig[] {
  const found = find(root, name);
  return found === undefined ? [] : leaves(found);
}

function find(queue: QueueConfig, name: string): QueueConfig | undefined {
  if (queue.name === name) return queue;
  for (const child of queue.children) {
    const found = find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

const leaves = (queue: QueueConfig): QueueConfig[] =>
  queue.children.length === 0 ? [queue] : queue.children.flatMap(leaves);
