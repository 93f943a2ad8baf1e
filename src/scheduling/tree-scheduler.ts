import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import { describeTree, leafNameOf } from './describe-tree.ts';
import { dominantShare, weightedShare } from './fair-shares.ts';
import { type Bucket, LeafQueue, type TenantLine, type Ticket, uncap, wake } from './leaf-queue.ts';
import type { NodeIndex } from './node-table.ts';
import { BY_SIZE, type OrderRule } from './order.ts';
import { STRIDE } from './orders/stride.ts';
import { whyNot } from './place.ts';
import { PlacementIndex } from './placement-index.ts';
import type { SchedulerDescription } from './queue-description.ts';
import { isStrict, precedence, withAncestors } from './queue-rank.ts';
import { queueRules } from './queue-rules.ts';
import { type QueueNode, QueueTree } from './queue-tree.ts';
import { QueueReclaim } from './reclaim.ts';
import { type SavedMemory, savedMemory } from './saved-memory.ts';
import {
  byAge,
  type Candidate,
  type Choice,
  type OrderedScheduler,
  type QueueRules,
  type Running,
  type SchedulerDeps,
  type Together,
} from './scheduler.ts';
import type { Scorer } from './scorer.ts';
import type { ShapeIndex } from './shape.ts';
import { siteCapacity } from './site-capacity.ts';
import { SleepingShapes } from './sleeping-shapes.ts';
import { restoreLeaf, saveLeaf } from './tree-memory.ts';
import { type Vector, vectorOf } from './usage-account.ts';

interface Offer<T> {
  readonly bucket: Bucket<T>;
  readonly task: T;
  readonly row: NodeIndex;
}

/**
 * Walks a tree of queues: at each inner queue to the child that is due, in the leaf to the task that its
 * order puts first, then to the best node. What cannot start sleeps: a shape that fits nowhere until a node
 * that fits it is freed; what a limit keeps out until something ends below the queue that has the limit.
 * Sleeping only saves work: what is chosen follows from what waits, holds and was used, so that an engine
 * that was just restored chooses the same.
 */
export class TreeScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly queues: QueueRules;
  readonly #deps: SchedulerDeps<T>;
  readonly #index: PlacementIndex;
  readonly #tree: QueueTree;
  readonly #leaves = new Map<QueueNode, LeafQueue<T>>();
  readonly #fallback: QueueNode;
  readonly #tickets = new Map<T, Ticket<T>>();
  readonly #sleeping: SleepingShapes<T>;
  readonly #cappedAt = new Map<QueueNode | TenantLine<T> | 'gate', Set<Bucket<T>>>();
  /** Those that stand for others which found no place. */
  readonly #resting = new Set<T>();
  #capacity: Vector | undefined;
  #gatedWaiting = 0;
  #lastAt = 0 as TimeMs;

  constructor(
    deps: SchedulerDeps<T>,
    scorer: Scorer,
    config: Pick<SchedulingConfig, 'root' | 'seed'>,
    ruleOf: (node: QueueNode) => OrderRule,
  ) {
    this.#deps = deps;
    this.#index = new PlacementIndex(deps.table, scorer);
    this.#tree = new QueueTree(config.root);
    this.#sleeping = new SleepingShapes(deps);
    this.queues = queueRules(this.#tree);
    const context = {
      capacity: () => this.#siteCapacity(),
      request: (shape: ShapeIndex) => deps.shapes.request(shape),
      sleeps: (shape: ShapeIndex) => this.#sleeping.has(shape),
      opened: (bucket: Bucket<T>) => this.#sleeping.opened(bucket),
      closed: (bucket: Bucket<T>) => this.#sleeping.closed(bucket),
      dropped: (line: TenantLine<T>) => this.#cappedAt.delete(line),
    };
    for (const node of this.#tree.leaves) {
      const seed = Math.imul(config.seed, 0x85ebca6b) ^ node.index;
      this.#leaves.set(node, new LeafQueue<T>(node, ruleOf(node), seed, context));
    }
    // Tasks of a queue that a newer configuration no longer has must run somewhere.
    this.#fallback =
      this.#tree.leafOf('default' as QueueName, '' as TenantId) ?? this.#tree.leaves[0]!;
  }

  get tree(): QueueTree {
    return this.#tree;
  }

  expect(task: T): void {
    this.#index.expect(this.#deps.shapes.ask(task.shape));
  }

  enqueue(task: T, learnt = false, together?: Together): void {
    if (!learnt) this.expect(task);
    const { leaf, line } = this.#place(task);
    const gateKind = line.gated ? this.#deps.gate!.kindOf(task) : 0;
    this.#tickets.set(task, leaf.add(line, task, gateKind, together));
    this.#count(leaf, line, 1);
  }

  rest(task: T, rests: boolean): void {
    const { bucket } = this.#tickets.get(task)!;
    bucket.rests = rests;
    if (rests) this.#resting.add(task);
    else this.#resting.delete(task);
    wake(bucket);
  }

  withdraw(task: T): void {
    const ticket = this.#tickets.get(task);
    if (ticket === undefined) return;
    this.#tickets.delete(task);
    this.#resting.delete(task);
    const { line } = ticket.bucket;
    const { leaf } = line;
    leaf.remove(ticket);
    this.#count(leaf, line, -1);
    // A strict queue may have a new head.
    leaf.exhausted = false;
  }

  placed(running: Running<T>): void {
    const { task } = running;
    this.withdraw(task);
    this.#sleeping.moved();
    const { leaf, line } = this.#hold(running, 1, running.placedAt);
    leaf.placements++;
    leaf.virtualTime = Math.max(leaf.virtualTime, line.pass);
    line.pass = leaf.virtualTime + Math.floor(STRIDE / line.weight);
  }

  ended(running: Running<T>, at: TimeMs): void {
    const { leaf, line } = this.#hold(running, -1, at);
    // A tenant who holds less may be first of a strict queue now.
    if (isStrict(leaf)) leaf.exhausted = false;
    this.#sleeping.freed(running.row);
    this.#sleeping.moved();
    this.#wakeCapped(line);
    if (line.gated) this.#wakeCapped('gate');
    this.#wakeAbove(leaf.node);
  }

  resized(before: Running<T>, after: Running<T>, at: TimeMs): void {
    this.ended(before, at);
    this.#hold(after, 1, at);
  }

  nodesChanged(): void {
    this.#capacity = undefined;
    this.#sleeping.clear();
    for (const buckets of this.#cappedAt.values()) for (const b of buckets) b.capped = false;
    this.#cappedAt.clear();
    for (const leaf of this.#leaves.values()) leaf.wake();
  }

  next(at: TimeMs): Choice<T> | undefined {
    if (at !== this.#lastAt) this.#timePassed(at);
    let offer = this.#offer(this.#tree.root, at);
    // Asking a site's own order may have been its end.
    while (this.#replaceRules()) offer = this.#offer(this.#tree.root, at);
    if (offer === undefined) return undefined;
    const { task, row } = offer;
    return { task, row, gpus: this.devices(task, row) };
  }

  nextTimer(): TimeMs | undefined {
    const { gate, shapes } = this.#deps;
    if (gate === undefined || this.#gatedWaiting === 0) return undefined;
    const at = this.#lastAt;
    for (const leaf of this.#leaves.values()) {
      for (const line of leaf.lines.values()) {
        if (!line.gated || line.waiting === 0) continue;
        for (const bucket of line.buckets) {
          const task = leaf.head(bucket, at);
          const request = bucket.together?.request ?? shapes.request(bucket.shape);
          const waits = task && gate.refusal(task, request, at);
          if (waits !== undefined) return gate.nextChange(at);
        }
      }
    }
    return undefined;
  }

  /** Quota before limits, limits before the turn in a strict queue, and that before room on a node. */
  refusal(task: T): Refusal | undefined {
    const ticket = this.#tickets.get(task);
    if (ticket === undefined) return undefined;
    const { bucket } = ticket;
    const cap = this.#capOf(bucket, task, this.#lastAt);
    if (cap !== undefined) return cap.refusal;
    const { leaf } = bucket.line;
    if (isStrict(leaf)) {
      const first = leaf.head(leaf.first(this.#lastAt, true)!, this.#lastAt)!;
      if (first !== task) return { code: 'behind', task: first.id, queue: leaf.node.name };
    }
    const ask = this.#deps.shapes.ask(task.shape);
    if (this.#index.best(task.shape, ask) !== undefined) return undefined;
    const refusal = whyNot(this.#deps.table, ask);
    return refusal.code === 'no-nodes' && this.#deps.table.rows > 0 ? undefined : refusal;
  }

  /** No limit keeps these out, only room. Of a strict queue only its first. */
  passedOver(): readonly T[] {
    const heads = new Set<T>();
    for (const shape of this.#sleeping) {
      for (const bucket of this.#sleeping.bucketsOf(shape)) this.#passOver(bucket, heads);
    }
    for (const task of this.#resting) this.#passOver(this.#tickets.get(task)!.bucket, heads);
    return [...heads].sort((a, b) => b.priority - a.priority || byAge(a, b));
  }

  foremost(tasks: ReadonlySet<T>, at: TimeMs): T | undefined {
    const withSome = withAncestors([...tasks].map((task) => this.#place(task).leaf.node));
    let node = this.#tree.root;
    while (node.children.length > 0) node = this.#due(node, at, (q) => withSome.has(q))!;
    const leaf = this.#leaves.get(node)!;
    const bucket = leaf.first(at, true, tasks);
    return bucket && leaf.head(bucket, at);
  }

  #passOver(bucket: Bucket<T>, heads: Set<T>): void {
    const { leaf } = bucket.line;
    const head = leaf.head(bucket, this.#lastAt);
    if (head === undefined || this.#capOf(bucket, head, this.#lastAt) !== undefined) return;
    if (!isStrict(leaf) || leaf.head(leaf.first(this.#lastAt, true)!, this.#lastAt) === head) {
      heads.add(head);
    }
  }

  admits(task: T, { count, request }: Pick<Together, 'count' | 'request'>, at: TimeMs) {
    const { leaf, line } = this.#place(task);
    const waits = line.gated ? this.#deps.gate!.refusal(task, request, at) : undefined;
    const ask = vectorOf(request);
    return (
      waits ??
      line.capOf(ask, count) ??
      this.#tree.capOf(leaf.node, ask, this.#siteCapacity(), count)?.refusal
    );
  }

  reclaim(task: T, asked: Resources): QueueReclaim<T> {
    const leafOf = (other: T): QueueNode => this.#place(other).leaf.node;
    return new QueueReclaim(task, vectorOf(asked), leafOf, this.#siteCapacity());
  }

  devices(task: T, row: NodeIndex): readonly string[] {
    return this.#index.devices(row, this.#deps.shapes.ask(task.shape));
  }

  describe(at: TimeMs): SchedulerDescription {
    return {
      queues: describeTree(this.#tree, this.#leaves, this.#siteCapacity(), at),
      leafOf: leafNameOf(this.#tree, this.#fallback),
      reservations: [],
    };
  }

  startsWith(task: T, request: Resources, at: TimeMs): boolean {
    const { leaf } = this.#place(task);
    if (this.admits(task, { count: 1, request }, at) !== undefined) return false;
    if (!isStrict(leaf)) return true;
    // An order by size may put another task first once this one asks for less.
    return (
      !BY_SIZE.has(leaf.node.config.order.name) &&
      leaf.head(leaf.first(at, true)!, at)?.id === task.id
    );
  }

  save(): SavedMemory {
    return { leaves: [...this.#leaves.values()].map(saveLeaf), demand: this.#index.save() };
  }

  restore(saved: unknown): void {
    const { leaves, demand } = savedMemory(saved);
    this.#index.restore(demand);
    for (const leaf of leaves) {
      const node = this.#tree.leaves.find(({ name }) => name === leaf.queue);
      const known = node && this.#leaves.get(node);
      if (known !== undefined) restoreLeaf(known, leaf, (tenant) => this.#line(known, tenant));
    }
  }

  /** The first task of this queue and below that may start and has room, without what sleeps. */
  #offer(node: QueueNode, at: TimeMs): Offer<T> | undefined {
    if (node.waiting === 0) return undefined;
    if (node.children.length === 0) return this.#offerOfLeaf(this.#leaves.get(node)!, at);
    for (;;) {
      const due = this.#due(node, at);
      const offer = due && this.#offer(due, at);
      // A child without an offer may offer nothing from now on: it is not due again.
      if (due === undefined || offer !== undefined) return offer;
    }
  }

  /** The child that is due, of those that may offer something. */
  #due(
    { children, config }: QueueNode,
    at: TimeMs,
    isOpen = (child: QueueNode): boolean => this.#mayOffer(child),
  ): QueueNode | undefined {
    let due: QueueNode | undefined;
    let share: number | undefined;
    for (const child of children) {
      if (!isOpen(child)) continue;
      const precedes = due === undefined ? -1 : precedence(child, due, config.childOrder);
      if (precedes > 0) continue;
      if (precedes < 0) {
        due = child;
        share = undefined;
        continue;
      }
      share ??= this.#shareOf(due!, at);
      const other = this.#shareOf(child, at);
      if (other >= share) continue;
      due = child;
      share = other;
    }
    return due;
  }

  #mayOffer(node: QueueNode): boolean {
    if (node.waiting === 0) return false;
    const leaf = this.#leaves.get(node);
    return leaf === undefined
      ? node.children.some((child) => this.#mayOffer(child))
      : !leaf.exhausted;
  }

  /** Of children with equal guarantee and priority, the one with the least is due; of equals, the first. */
  #shareOf(node: QueueNode, at: TimeMs): number {
    if (node.parent!.config.childOrder === 'usage') return this.#usage(node, at);
    if (node.children.length === 0) {
      return dominantShare(node.held, this.#siteCapacity()) / node.config.weight;
    }
    const canStart = (leaf: QueueNode): boolean => this.#offer(leaf, at) !== undefined;
    return weightedShare(node, this.#siteCapacity(), canStart);
  }

  #usage(node: QueueNode, at: TimeMs): number {
    const usageOf = (queue: QueueNode): number =>
      this.#leaves.get(queue)?.usageSum(at) ??
      queue.children.reduce((sum, child) => sum + usageOf(child), 0);
    return Math.floor(usageOf(node) / node.config.weight);
  }

  #offerOfLeaf(leaf: LeafQueue<T>, at: TimeMs): Offer<T> | undefined {
    if (leaf.exhausted) return undefined;
    const { draw } = leaf.rule;
    const strict = leaf.node.config.fifo === 'strict';
    if (draw !== undefined) {
      const offer = this.#drawn(leaf, draw, at);
      if (offer === undefined) leaf.exhausted = true;
      return offer;
    }
    for (;;) {
      const bucket = leaf.first(at, strict);
      const offer = bucket && this.#try(leaf, bucket, at);
      if (offer !== undefined) return offer;
      if (bucket === undefined || strict) {
        leaf.exhausted = true;
        return undefined;
      }
    }
  }

  /** Every tenant offers its first task that can start; then one of them is drawn. */
  #drawn(
    leaf: LeafQueue<T>,
    draw: NonNullable<OrderRule['draw']>,
    at: TimeMs,
  ): Offer<T> | undefined {
    const offers = new Map<TenantLine<T>, Offer<T>>();
    for (const line of leaf.lines.values()) {
      if (line.waiting === 0) continue;
      for (;;) {
        const bucket = leaf.firstOf(line, at, false);
        if (bucket === undefined) break;
        const offer = this.#try(leaf, bucket, at);
        if (offer === undefined) continue;
        offers.set(line, offer);
        break;
      }
    }
    if (offers.size === 0) return undefined;
    const able = [...offers.keys()].sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
    const winner = draw(able, leaf);
    return offers.get(able.find((line) => line === winner)!);
  }

  /** Whether the head of a bucket can start; if not, the bucket or its shape sleeps. */
  #try(leaf: LeafQueue<T>, bucket: Bucket<T>, at: TimeMs): Offer<T> | undefined {
    const task = leaf.head(bucket, at)!;
    const { shape } = task;
    if (bucket.capped || bucket.rests || this.#sleeping.has(shape)) return undefined;
    const cap = this.#capOf(bucket, task, at);
    if (cap !== undefined) {
      bucket.capped = true;
      const sleepers = this.#cappedAt.get(cap.at) ?? new Set();
      this.#cappedAt.set(cap.at, sleepers.add(bucket));
      bucket.line.bestKnown = false;
      return undefined;
    }
    const row = this.#index.best(shape, this.#deps.shapes.ask(shape));
    if (row !== undefined) return { bucket, task, row };
    this.#sleeping.add(shape);
    return undefined;
  }

  #capOf(
    bucket: Bucket<T>,
    task: T,
    at: TimeMs,
  ): { at: QueueNode | TenantLine<T> | 'gate'; refusal: Refusal } | undefined {
    const { line, together } = bucket;
    if (line.gated) {
      const request = together?.request ?? this.#deps.shapes.request(task.shape);
      const refusal = this.#deps.gate!.refusal(task, request, at);
      if (refusal !== undefined) return { at: 'gate', refusal };
    }
    const count = together?.count ?? 1;
    const refusal = line.capOf(bucket.ask, count);
    if (refusal !== undefined) return { at: line, refusal };
    return this.#tree.capOf(line.leaf.node, bucket.ask, this.#siteCapacity(), count);
  }

  #hold({ task, held }: Running<T>, sign: 1 | -1, at: TimeMs) {
    const place = this.#place(task);
    if (this.#tree.hold(place.leaf.node, vectorOf(held), sign)) this.#wakeAbove(place.leaf.node);
    place.line.hold(vectorOf(held), sign, at);
    return place;
  }

  #replaceRules(): boolean {
    let replaced = false;
    for (const leaf of this.#leaves.values()) {
      const rule = leaf.rule.instead?.();
      if (rule === undefined) continue;
      leaf.follow(rule);
      replaced = true;
    }
    return replaced;
  }

  #timePassed(at: TimeMs): void {
    // Asked only now: what started in the last pass may have brought it nearer.
    const gateChangesAt = this.#deps.gate?.nextChange(this.#lastAt);
    if (gateChangesAt !== undefined && at >= gateChangesAt) this.#wakeCapped('gate');
    this.#lastAt = at;
    for (const leaf of this.#leaves.values()) {
      // Another task may be the first of a strict queue by now.
      if (leaf.node.config.fifo === 'strict') leaf.exhausted = false;
    }
  }

  #wakeAbove(leaf: QueueNode): void {
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) this.#wakeCapped(q);
  }

  #wakeCapped(at: QueueNode | TenantLine<T> | 'gate'): void {
    const sleepers = this.#cappedAt.get(at);
    if (sleepers === undefined) return;
    this.#cappedAt.delete(at);
    for (const bucket of sleepers) uncap(bucket);
  }

  #place(task: T): { leaf: LeafQueue<T>; line: TenantLine<T> } {
    const node = this.#tree.leafOf(task.queue, task.tenant) ?? this.#fallback;
    const leaf = this.#leaves.get(node)!;
    return { leaf, line: this.#line(leaf, task.tenant) };
  }

  #line(leaf: LeafQueue<T>, tenant: TenantId): TenantLine<T> {
    return leaf.line(tenant, () => {
      return this.#deps.gate?.governs(leaf.node.entryName, tenant) ?? false;
    });
  }

  #count(leaf: LeafQueue<T>, line: TenantLine<T>, sign: 1 | -1): void {
    line.waiting += sign;
    if (line.gated) this.#gatedWaiting += sign;
    this.#tree.waits(leaf.node, sign);
    assert(line.waiting >= 0, 'as many leave a queue as came');
  }

  #siteCapacity(): Vector {
    this.#capacity ??= siteCapacity(this.#deps.table);
    return this.#capacity;
  }
}
