import assert from 'node:assert/strict';
import type { SchedulingDescription } from '../../src/engine/describe-scheduling.ts';
import type { EvictionRule } from '../../src/model/preemption.ts';
import type {
  QueueConfig,
  QuotaConfig,
  SchedulingConfig,
} from '../../src/model/scheduling-config.ts';
import type { Eligible } from './books.ts';
import type { NodeBook } from './node-book.ts';

interface Held {
  readonly leaf: string;
  readonly tenant: string;
  readonly queue: string;
  readonly cpu: number;
  readonly placedAt: number;
  readonly runMaxMs: number;
  endedAt: number | undefined;
}

/** Orders in which the tasks of one tenant and shape go by priority, then age. */
const byPriority = ['fair-share', 'drf', 'weighted-drf', 'lottery', 'stride'];

/**
 * What a tree of queues and its quotas allow, added up anew from all attempts whenever it is asked. Of
 * resources it knows CPU, which is what drawn trees limit.
 */
export class QueueBook {
  readonly #config: SchedulingConfig;
  readonly #attempts = new Map<string, Held>();
  readonly #paths = new Map<string, readonly QueueConfig[]>();

  constructor(config: SchedulingConfig) {
    this.#config = config;
    const visit = (queue: QueueConfig, above: readonly QueueConfig[]): void => {
      const path = [queue, ...above];
      this.#paths.set(queue.name, path);
      for (const child of queue.children) visit(child, path);
    };
    visit(config.root, []);
  }

  /** Before it is entered: nothing forbids it. */
  checkPlaced(task: Eligible, at: number): void {
    assert.equal(this.#forbids(task, 1, at, undefined), undefined, `${task.name} was placed`);
  }

  place(id: string, task: Eligible, at: number): void {
    const { queue, tenant, ask, runMaxMs } = task;
    const held = { leaf: this.#leaf(task), queue, tenant, cpu: ask.cpu, placedAt: at, runMaxMs };
    this.#attempts.set(id, { ...held, endedAt: undefined });
  }

  end(id: string, at: number): void {
    this.#attempts.get(id)!.endedAt = at;
  }

  /** What the scheduler says that its queues hold is what runs in them. */
  checkDescription({ queues }: Pick<SchedulingDescription, 'queues'>): void {
    const running = [...this.#attempts.values()].filter((held) => held.endedAt === undefined);
    for (const { config, isLeaf, entryName, held, running: count } of queues) {
      const mine = running.filter((one) => {
        if (isLeaf) return one.leaf === config.name;
        return this.#paths.get(one.queue)!.some(({ name }) => name === entryName);
      });
      const cpu = mine.reduce((sum, one) => sum + one.cpu, 0);
      assert.deepEqual([count, held.cpu], [mine.length, cpu], `what ${config.name} holds`);
    }
  }

  /** Whether the order tells the two apart as priority and age do. */
  ranks(a: Eligible, b: Eligible): boolean {
    if (a.queue !== b.queue || a.tenant !== b.tenant || a.runMaxMs !== b.runMaxMs) return false;
    const { order } = this.#paths.get(a.queue)![0]!;
    return (
      byPriority.includes(order.name) || (order.name === 'priority' && order.ageingPerHour === 0)
    );
  }

  mayWait(
    task: Eligible,
    eligible: readonly Eligible[],
    at: number,
    nodes: Iterable<NodeBook>,
  ): boolean {
    const [queue] = this.#paths.get(task.queue)!;
    const leaf = this.#leaf(task);
    const draws = queue!.order.name === 'lottery';
    if (queue!.fifo === 'strict' && !draws) {
      if (eligible.some((other) => other !== task && this.#leaf(other) === leaf)) return true;
    }
    let capacity = 0;
    for (const node of nodes) capacity += node.node.cpu;
    return this.#forbids(task, task.needed, at, capacity) !== undefined;
  }

  /** Whether a task and a victim of it are of different queues. */
  isOther(task: Eligible, attempt: string): boolean {
    return this.#attempts.get(attempt)!.leaf !== this.#leaf(task);
  }

  /** Reclaim between queues: strict before and after, and nobody loses its guarantee for it. */
  checkTaken(task: Eligible, victims: readonly string[], rule: EvictionRule): void {
    const others = victims.filter((id) => this.isOther(task, id));
    if (others.length === 0) {
      assert.equal(rule.kind, 'priority', 'within a queue priority decides');
      return;
    }
    if (rule.kind === 'share') {
      assert.ok(rule.takerAfter < rule.giverBefore, 'the taker stays the poorer one');
      assert.ok(rule.takerAfter <= rule.giverAfter, 'and is not the richer one after');
    } else assert.ok(rule.preemptor > rule.victim, 'its queue comes first');
    const running = [...this.#attempts].filter(([, held]) => held.endedAt === undefined);
    const own = this.#paths.get(task.queue)!;
    for (const id of others) {
      const { queue } = this.#attempts.get(id)!;
      const path = this.#paths.get(queue)!.filter((q) => !own.includes(q));
      for (const { name, reclaim, guaranteed, oversubscription } of path) {
        assert.notEqual(reclaim, 'disabled', `${name} gives nothing`);
        if (reclaim === 'always') continue;
        const below = running.filter(([, held]) =>
          this.#paths.get(held.queue)!.some((q) => q.name === name),
        );
        const left = below.filter(([other]) => !victims.includes(other));
        const holds = left.reduce((sum, [, { cpu }]) => sum + cpu, 0);
        const lost = below.length > left.length && this.#attempts.get(id)!.cpu > 0;
        const own = Math.ceil((guaranteed.cpu / 10_000) * oversubscription);
        assert.ok(!lost || holds >= own, `${name} keeps its guarantee`);
      }
    }
  }

  #forbids(
    task: Eligible,
    count: number,
    at: number,
    capacity: number | undefined,
  ): string | undefined {
    const asked = task.ask.cpu * count;
    const running = [...this.#attempts.values()].filter((held) => held.endedAt === undefined);
    const path = this.#paths.get(task.queue)!;
    const leaf = this.#leaf(task);
    const mine = running.filter((held) => held.leaf === leaf && held.tenant === task.tenant);
    if (mine.length + count > path[0]!.tenants.byDefault.runningMax) return 'the cap of its tenant';
    let kept = 0;
    for (const [i, queue] of path.entries()) {
      const below = running.filter((held) => this.#isBelow(held.queue, queue));
      const held = below.reduce((sum, one) => sum + one.cpu, 0);
      if (below.length + count > queue.runningMax) return `the cap of ${queue.name}`;
      const limit = Math.ceil((queue.limit.cpu / 10_000) * queue.oversubscription);
      if (task.ask.cpu === 0) continue;
      if (held + asked > limit) return `the limit of ${queue.name}`;
      const most = i === path.length - 1 ? (capacity ?? Number.MAX_SAFE_INTEGER) : limit;
      if (held + asked + kept > most) return `what is kept below ${queue.name}`;
      for (const sibling of path[i + 1]?.children ?? []) {
        if (sibling !== queue) kept += this.#unmet(sibling, running);
      }
    }
    return this.#config.quotas.find((quota) =>
      this.#exhausted(quota, task, count, at, capacity === undefined ? 1 : -1),
    )?.name;
  }

  #unmet(queue: QueueConfig, running: readonly Held[]): number {
    const keep = Math.max(0, queue.guaranteed.cpu - queue.lendingLimit.cpu);
    const held = running.filter((one) => this.#isBelow(one.queue, queue));
    const own = keep - held.reduce((sum, one) => sum + one.cpu, 0);
    const below = queue.children.reduce((sum, child) => sum + this.#unmet(child, running), 0);
    return Math.max(0, own, below);
  }

  #exhausted(
    quota: QuotaConfig,
    task: Eligible,
    count: number,
    at: number,
    lenient: 1 | -1,
  ): boolean {
    if (task.ask.cpu === 0 || !this.#counts(quota, task)) return false;
    const from = windowStart(quota, at);
    let taken = 0;
    for (const held of this.#attempts.values()) {
      if (!this.#counts(quota, held)) continue;
      if (quota.each && held.tenant !== task.tenant) continue;
      const bound = held.placedAt + held.runMaxMs;
      const until = held.endedAt ?? (bound === Number.POSITIVE_INFINITY ? at : bound);
      const span = until - Math.max(from, held.placedAt);
      if (span > 0) taken += (held.cpu * span) / 1000;
    }
    const { runMaxMs } = task;
    const own =
      runMaxMs === Number.POSITIVE_INFINITY ? 0 : (task.ask.cpu * count * runMaxMs) / 1000;
    // Parts of a unit are rounded up for each attempt.
    const slack = this.#attempts.size + 1;
    return taken + own > quota.limit.cpu + lenient * slack;
  }

  #counts(quota: QuotaConfig, of: { queue: string; tenant: string }): boolean {
    if (quota.queue === undefined) return true;
    return this.#paths.get(of.queue)!.some((queue) => queue.name === quota.queue);
  }

  #isBelow(queue: string, ancestor: QueueConfig): boolean {
    return this.#paths.get(queue)!.includes(ancestor);
  }

  #leaf({ queue, tenant }: { queue: string; tenant: string }): string {
    const { teams } = this.#paths.get(queue)![0]!;
    if (teams.length === 0) return queue;
    const team = teams.find(({ members }) => members.some((member) => member === tenant));
    return `${queue}/${team?.name ?? 'others'}`;
  }
}

function windowStart({ window }: QuotaConfig, at: number): number {
  if (window.kind === 'periods') return window.starts.findLast((start) => start <= at) ?? 0;
  const slice = Math.ceil(window.lengthMs / 24);
  return Math.floor(at / slice) * slice - 23 * slice;
}
