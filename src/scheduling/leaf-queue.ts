import { Heap } from '../base/heap.ts';
import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { TenantConfig } from '../model/scheduling-config.ts';
import { dominantShare, shareOf } from './fair-shares.ts';
import type { OrderRule, QueueFacts, TenantFacts } from './order.ts';
import { limitRefusal, type QueueNode } from './queue-tree.ts';
import { byAge, type Candidate, type GateKind, type Together } from './scheduler.ts';
import type { ShapeIndex } from './shape.ts';
import { UsageAccount, type Vector, vectorOf } from './usage-account.ts';

/** One stay in the queue. A dead one is dropped when it comes up: a heap has no cheap removal. */
export interface Ticket<T> {
  readonly task: T;
  bucket: Bucket<T>;
  live: boolean;
  /** Of the task when it came: a dead one keeps its place in the heap, whatever its task has become since. */
  rank: number;
}

/** What decides in which bucket a task stands. */
interface Placing<T> {
  readonly line: TenantLine<T>;
  readonly task: T;
  readonly gateKind: GateKind;
  readonly together: Together | undefined;
  readonly at: TimeMs;
}

/** Waiting tasks of one tenant, shape and class: only the head is ever looked at. */
export interface Bucket<T> {
  readonly line: TenantLine<T>;
  readonly shape: ShapeIndex;
  readonly ask: Vector;
  readonly taskClass: number;
  /** Of the gate; 0 where there is none. */
  readonly gateKind: GateKind;
  /** Its one task stands for these. */
  readonly together: Together | undefined;
  readonly heap: Heap<Ticket<T>>;
  live: number;
  /** Those that it stands for found no place since something was freed last. */
  rests: boolean;
  /** A limit of its queue, its tenant or a quota keeps it out until something there changes. */
  capped: boolean;
}

const LINES_KEPT = 64;

/** What the leaves of one tree share. */
export interface LeafContext {
  /** Of all nodes. */
  capacity(): Vector;
  request(shape: ShapeIndex): {
    readonly cpu: number;
    readonly memory: number;
    readonly gpu: number;
  };
  /** Fits on no node, as far as is known. */
  sleeps(shape: ShapeIndex): boolean;
  /** Which buckets there are of each shape. */
  opened(bucket: AnyBucket): void;
  closed(bucket: AnyBucket): void;
  /** A tenant of whom nothing is left to know. */
  dropped(line: object): void;
}

export type AnyBucket = Pick<Bucket<never>, 'shape'>;

/** The tasks of one tenant in one queue, and what the tenant holds and used there. */
export class TenantLine<T> implements TenantFacts {
  readonly tenant: TenantId;
  readonly config: TenantConfig;
  readonly leaf: LeafQueue<T & Candidate>;
  readonly limit: Vector;
  readonly held: [number, number, number] = [0, 0, 0];
  readonly account: UsageAccount;
  readonly buckets: Bucket<T>[] = [];
  /** Whether a quota counts what it holds. */
  readonly gated: boolean;
  running = 0;
  waiting = 0;
  pass = 0;
  /** Of the buckets that do not sleep, the one whose head goes first; kept while orders do not change by themselves. */
  best: Bucket<T> | undefined;
  bestKnown = false;

  constructor(tenant: TenantId, leaf: LeafQueue<T & Candidate>, gated: boolean) {
    const { tenants, order } = leaf.node.config;
    this.tenant = tenant;
    this.leaf = leaf;
    this.gated = gated;
    this.config = tenants.byName[tenant] ?? tenants.byDefault;
    this.limit = vectorOf(this.config.limit);
    this.account = new UsageAccount(order.halfLifeMs);
  }

  get weight(): number {
    return this.config.weight;
  }

  dominantShare(): number {
    return dominantShare(this.held, this.leaf.capacity());
  }

  usage(at: TimeMs): number {
    const used = this.account.read(at);
    const [cpu, memory, gpu] = this.leaf.capacity();
    return Math.max(shareOf(used.cpu, cpu), shareOf(used.memory, memory), shareOf(used.gpu, gpu));
  }

  /** It holds or used something that still counted when something was last placed or ended in its leaf. */
  get remembered(): boolean {
    return this.running > 0 || !this.account.fadedBy(this.leaf.lastAt);
  }

  /** Nothing is known of it that one made anew would not have. */
  get isBlank(): boolean {
    return this.waiting === 0 && !this.remembered && this.pass <= this.leaf.virtualTime;
  }

  /** Why so many tasks that ask for this together may not start. */
  capOf(ask: Vector, count: number): Refusal | undefined {
    const queue = this.leaf.node.name;
    const { runningMax: max } = this.config;
    if (this.running + count > max) {
      const facts = { what: 'running', count: this.running, asked: count, max } as const;
      return { code: 'queue-cap', queue, tenant: this.tenant, ...facts };
    }
    for (const r of [0, 1, 2] as const) {
      const [held, asked, limit] = [this.held[r], ask[r], this.limit[r]];
      if (asked > 0 && limit !== UNLIMITED && held + asked > limit) {
        return limitRefusal(queue, this.tenant, r, held, asked, limit);
      }
    }
    return undefined;
  }

  hold(amounts: Vector, sign: 1 | -1, at: TimeMs): void {
    this.leaf.lastAt = Math.max(this.leaf.lastAt, at) as TimeMs;
    this.running += sign;
    for (let r = 0; r < 3; r++) this.held[r]! += sign * amounts[r]!;
    this.account.change(amounts, sign, at);
  }
}

/** A leaf of the tree: its waiting tasks in the order that it was given. */
export class LeafQueue<T extends Candidate> implements QueueFacts {
  readonly node: QueueNode;
  rule: OrderRule;
  readonly seed: number;
  readonly lines = new Map<TenantId, TenantLine<T>>();
  placements = 0;
  virtualTime = 0;
  /** Nothing of it can start until something wakes it. */
  exhausted = true;
  /** When something was last placed or ended here. */
  lastAt = 0 as TimeMs;
  /** At so many lines the blank ones are dropped: at most half of all are, or there are few. */
  #sweepAt = LINES_KEPT;
  readonly #context: LeafContext;

  constructor(node: QueueNode, rule: OrderRule, seed: number, context: LeafContext) {
    this.node = node;
    this.rule = rule;
    this.seed = seed;
    this.#context = context;
  }

  /** All of it is looked at again. */
  wake(): void {
    this.exhausted = false;
    for (const line of this.lines.values()) line.bestKnown = false;
  }

  capacity(): Vector {
    return this.#context.capacity();
  }

  get weightSum(): number {
    let sum = 0;
    for (const line of this.lines.values()) {
      if (line.waiting > 0 || line.remembered) sum += line.weight;
    }
    return sum;
  }

  usageSum(at: TimeMs): number {
    let sum = 0;
    for (const line of this.lines.values()) sum += line.usage(at);
    return sum;
  }

  sizeOf(task: Candidate): number {
    return dominantShare(vectorOf(this.#context.request(task.shape)), this.capacity());
  }

  line(tenant: TenantId, gated: () => boolean): TenantLine<T> {
    let line = this.lines.get(tenant);
    if (line === undefined) {
      if (this.lines.size >= this.#sweepAt) this.#sweep();
      line = new TenantLine<T>(tenant, this, gated());
      this.lines.set(tenant, line);
    }
    return line;
  }

  #sweep(): void {
    for (const [tenant, line] of this.lines) {
      if (!line.isBlank) continue;
      this.lines.delete(tenant);
      this.#context.dropped(line);
    }
    this.#sweepAt = Math.max(LINES_KEPT, 2 * this.lines.size);
  }

  add(line: TenantLine<T>, task: T, gateKind: GateKind, together: Together | undefined): Ticket<T> {
    // As of a moment that a replay knows, too; what has sunk since then is moved when it comes up.
    const at = task.waitingSince;
    const bucket = this.#bucketFor({ line, task, gateKind, together, at });
    const ticket: Ticket<T> = { task, bucket, live: true, rank: 0 };
    this.#push(ticket, bucket);
    return ticket;
  }

  remove(ticket: Ticket<T>): void {
    ticket.live = false;
    ticket.bucket.line.bestKnown = false;
    this.#leave(ticket.bucket);
  }

  /** Goes on under another rule, with all that waits. */
  follow(rule: OrderRule): void {
    this.rule = rule;
    this.exhausted = false;
    for (const line of this.lines.values()) {
      line.best = undefined;
      line.bestKnown = false;
      for (const bucket of line.buckets.splice(0)) {
        this.#context.closed(bucket);
        const tickets = Array.from({ length: bucket.heap.size }, () => bucket.heap.pop());
        for (const ticket of tickets) {
          if (!ticket.live) continue;
          const { task } = ticket;
          const { gateKind, together, rests } = bucket;
          const at = task.waitingSince;
          const next = this.#bucketFor({ line, task, gateKind, together, at });
          if (together !== undefined) next.rests = rests;
          this.#push(ticket, next);
        }
      }
    }
  }

  #push(ticket: Ticket<T>, bucket: Bucket<T>): void {
    ticket.bucket = bucket;
    ticket.rank = this.rule.heapRank(ticket.task);
    bucket.heap.push(ticket);
    bucket.live++;
    bucket.line.bestKnown = false;
    if (!bucket.capped) this.exhausted = false;
  }

  #leave(bucket: Bucket<T>): void {
    bucket.live--;
    if (bucket.live > 0) return;
    const { buckets } = bucket.line;
    buckets.splice(buckets.indexOf(bucket), 1);
    this.#context.closed(bucket);
  }

  /** A task that stands for others has one for itself. */
  #bucketFor({ line, task, gateKind, together, at }: Placing<T>): Bucket<T> {
    const taskClass = this.rule.taskClass(task, at);
    const { shape } = task;
    const own = together !== undefined;
    let bucket = own
      ? undefined
      : line.buckets.find(
          (b) =>
            b.shape === shape &&
            b.taskClass === taskClass &&
            b.gateKind === gateKind &&
            b.together === undefined,
        );
    if (bucket === undefined) {
      const ask = vectorOf(together?.request ?? this.#context.request(shape));
      const heap = new Heap<Ticket<T>>((x, y) => before(x.rank, x.task, y.rank, y.task));
      const facts = { line, shape, ask, taskClass, gateKind, together };
      bucket = { ...facts, heap, live: 0, rests: false, capped: false };
      line.buckets.push(bucket);
      this.#context.opened(bucket);
    }
    return bucket;
  }

  /** The first live task of a bucket; undefined when there is none left. */
  head(bucket: Bucket<T>, at: TimeMs): T | undefined {
    for (;;) {
      const ticket = bucket.heap.peek();
      if (ticket === undefined) return undefined;
      if (!ticket.live) bucket.heap.pop();
      else if (this.rule.classShifts && this.rule.taskClass(ticket.task, at) !== bucket.taskClass) {
        bucket.heap.pop();
        const { line, gateKind, together, rests } = bucket;
        const next = this.#bucketFor({ line, task: ticket.task, gateKind, together, at });
        if (together !== undefined) next.rests = rests;
        this.#push(ticket, next);
        this.#leave(bucket);
      } else return ticket.task;
    }
  }

  /** The bucket whose head goes first; with `asleep`, also of those that cannot start, or `among` these. */
  first(at: TimeMs, asleep: boolean, among?: ReadonlySet<T>): Bucket<T> | undefined {
    const { tenantRank } = this.rule;
    let best: Bucket<T> | undefined;
    let bestLine: TenantLine<T> | undefined;
    let bestRank = 0;
    for (const line of this.lines.values()) {
      if (line.waiting === 0) continue;
      const bucket = this.firstOf(line, at, asleep, among);
      if (bucket === undefined) continue;
      if (tenantRank === undefined) {
        if (best === undefined || this.#headBefore(bucket, best, at)) best = bucket;
        continue;
      }
      const rank = tenantRank(line, at, this);
      if (
        bestLine === undefined ||
        rank < bestRank ||
        (rank === bestRank && line.tenant < bestLine.tenant)
      ) {
        bestLine = line;
        bestRank = rank;
        best = bucket;
      }
    }
    return best;
  }

  firstOf(
    line: TenantLine<T>,
    at: TimeMs,
    asleep: boolean,
    among?: ReadonlySet<T>,
  ): Bucket<T> | undefined {
    const keeps = !asleep && this.rule.headRank === undefined;
    if (keeps && line.bestKnown && (line.best === undefined || this.#awake(line.best))) {
      return line.best;
    }
    let best: Bucket<T> | undefined;
    let first: T | undefined;
    // Looking at a head may move it to another bucket, and leave its own empty.
    if (this.rule.classShifts) for (const bucket of [...line.buckets]) this.head(bucket, at);
    for (const bucket of line.buckets) {
      if (!asleep && !this.#awake(bucket)) continue;
      const head = this.head(bucket, at);
      if (head === undefined || among?.has(head) === false) continue;
      if (first !== undefined && !this.#goesBefore(head, first, line, line, at)) continue;
      best = bucket;
      first = head;
    }
    if (keeps) {
      line.best = best;
      line.bestKnown = true;
    }
    return best;
  }

  #awake(bucket: Bucket<T>): boolean {
    return !bucket.capped && !bucket.rests && !this.#context.sleeps(bucket.shape);
  }

  #headBefore(a: Bucket<T>, b: Bucket<T>, at: TimeMs): boolean {
    return this.#goesBefore(this.head(a, at)!, this.head(b, at)!, a.line, b.line, at);
  }

  #goesBefore(x: T, y: T, lineX: TenantLine<T>, lineY: TenantLine<T>, at: TimeMs): boolean {
    const { headRank } = this.rule;
    if (headRank === undefined) {
      return before(this.rule.heapRank(x), x, this.rule.heapRank(y), y);
    }
    return before(headRank(x, at, lineX, this), x, headRank(y, at, lineY, this), y);
  }
}

const before = (rankX: number, x: Candidate, rankY: number, y: Candidate): boolean =>
  rankX === rankY ? byAge(x, y) < 0 : rankX < rankY;

/** Its first task may start after all. */
export function wake<T extends Candidate>(bucket: Bucket<T>): void {
  bucket.line.bestKnown = false;
  bucket.line.leaf.exhausted = false;
}

/** No limit keeps it out any more. */
export function uncap<T extends Candidate>(bucket: Bucket<T>): void {
  bucket.capped = false;
  wake(bucket);
}
