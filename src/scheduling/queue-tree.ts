import { assert } from '../base/assert.ts';
import { nearest } from '../base/nearest.ts';
import { scaleAmount, UNLIMITED } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import {
  type Amounts,
  NO_AMOUNTS,
  type QueueConfig,
  queueConfig,
  type TeamConfig,
} from '../model/scheduling-config.ts';
import { type Vector, vectorOf } from './usage-account.ts';

export const RESOURCE_NAMES = ['cpu', 'memory', 'gpu'] as const;
const MIB = 1024 ** 2;

/** What keeps a request out of its queue now, and the queue whose next end may let it in. */
export interface QueueCap {
  readonly at: QueueNode;
  readonly refusal: Refusal;
}

/** One queue: what it may hold, and what it holds with all below it. */
export class QueueNode {
  readonly config: QueueConfig;
  readonly parent: QueueNode | undefined;
  readonly children: QueueNode[] = [];
  /** Place in the tree, parents first: ends every tie. */
  readonly index: number;
  readonly guaranteed: Vector;
  /** The smaller of its limit and of its guarantee with what it may borrow. */
  readonly limit: Vector;
  /** Kept for it even while it does not use it: its guarantee less what it lends. */
  readonly keep: Vector;
  readonly held: [number, number, number] = [0, 0, 0];
  /** Of what is kept for it and for those below, the part that they do not hold. */
  readonly unmet: [number, number, number] = [0, 0, 0];
  running = 0;
  waiting = 0;

  constructor(config: QueueConfig, parent: QueueNode | undefined, index: number) {
    assert(Number.isSafeInteger(config.weight) && config.weight > 0, `weight of ${config.name}`);
    this.config = config;
    this.parent = parent;
    this.index = index;
    const scaled = (amounts: Amounts): Vector => {
      const [cpu, memory, gpu] = vectorOf(amounts);
      const by = (n: number): number => scaleAmount(n, config.oversubscription);
      return [by(cpu), by(memory), by(gpu)];
    };
    this.guaranteed = scaled(config.guaranteed);
    const limit = scaled(config.limit);
    const borrowing = scaled(config.borrowingLimit);
    this.limit = mapVector((r) =>
      Math.min(limit[r]!, addTo(this.guaranteed[r]!, borrowing[r]!), UNLIMITED),
    );
    const own = vectorOf(config.guaranteed);
    const lends = vectorOf(config.lendingLimit);
    this.keep = mapVector((r) => Math.max(0, own[r]! - lends[r]!));
    parent?.children.push(this);
  }

  get name(): QueueName {
    return this.config.name;
  }

  /** The name under which people submit to it: that of the queue, when it is a team. */
  get entryName(): QueueName {
    return this.parent !== undefined && this.parent.config.teams.length > 0
      ? this.parent.name
      : this.name;
  }

  /** It holds less than its guarantee of everything that it has a guarantee for. */
  get underGuarantee(): boolean {
    let guaranteed = false;
    for (let r = 0; r < 3; r++) {
      if (this.guaranteed[r] === 0) continue;
      if (this.held[r]! >= this.guaranteed[r]!) return false;
      guaranteed = true;
    }
    return guaranteed;
  }

  /** What is kept for others below the same parent. */
  keptForSiblings(r: number): number {
    if (this.parent === undefined) return 0;
    return childrenUnmet(this.parent, r) - this.unmet[r]!;
  }

  /** After its `held` or a child's `unmet` changed. True when something that was kept for it is all held now. */
  updateUnmet(): boolean {
    let isMet = false;
    for (let r = 0; r < 3; r++) {
      const unmet = Math.max(0, this.keep[r]! - this.held[r]!, childrenUnmet(this, r));
      if (unmet === 0 && this.unmet[r]! > 0) isMet = true;
      this.unmet[r] = unmet;
    }
    return isMet;
  }
}

/** The queues of a site, and what they hold. Leaves are where tasks wait. */
export class QueueTree {
  readonly root: QueueNode;
  readonly leaves: QueueNode[] = [];
  readonly #byName = new Map<QueueName, QueueNode>();
  /** Per queue that is cut into teams: the leaf of each tenant. */
  readonly #teamLeaves = new Map<QueueNode, ReadonlyMap<TenantId, QueueNode>>();
  readonly #keeps: boolean;
  #count = 0;

  constructor(root: QueueConfig) {
    this.root = this.#build(root, undefined);
    this.#keeps = RESOURCE_NAMES.some((_, r) => this.root.unmet[r]! > 0);
  }

  /** Where a tenant's tasks wait that were submitted to this queue; undefined when nobody may submit there. */
  leafOf(queue: QueueName, tenant: TenantId): QueueNode | undefined {
    const node = this.#byName.get(queue);
    if (node === undefined) return undefined;
    if (node.children.length === 0) return node;
    const teams = this.#teamLeaves.get(node);
    return teams && (teams.get(tenant) ?? node.children.at(-1));
  }

  /** Names to which workloads may be submitted. */
  names(): QueueName[] {
    return [...this.#byName.values()]
      .filter((node) => node.children.length === 0 || this.#teamLeaves.has(node))
      .map((node) => node.name);
  }

  node(name: QueueName): QueueNode | undefined {
    return this.#byName.get(name);
  }

  unknown(queue: QueueName): Refusal {
    const names = this.names();
    const near = nearest(queue, names);
    return { code: 'no-such-queue', queue, near, queues: names.slice(0, 10) };
  }

  /** True when something is kept for some queue no more, so that others there are not kept out by it. */
  hold(leaf: QueueNode, amounts: Vector, sign: 1 | -1): boolean {
    let isMet = false;
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
      q.running += sign;
      for (let r = 0; r < 3; r++) q.held[r]! += sign * amounts[r]!;
      if (this.#keeps && q.updateUnmet()) isMet = true;
    }
    return isMet;
  }

  waits(leaf: QueueNode, sign: 1 | -1): void {
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) q.waiting += sign;
  }

  /**
   * The first limit, from the leaf up, that a task would break: a cap of tasks, a limit of its own, or
   * what is kept for others. `capacity` is what all nodes have; `count` tasks ask for `ask` together.
   */
  capOf(leaf: QueueNode, ask: Vector, capacity: Vector, count = 1): QueueCap | undefined {
    let keptCpu = 0;
    let keptMemory = 0;
    let keptGpu = 0;
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
      const max = q.config.runningMax;
      if (q.running + count > max) {
        const facts = { queue: q.name, count: q.running, asked: count, max } as const;
        return { at: q, refusal: { code: 'queue-cap', what: 'running', ...facts } };
      }
      const short =
        limited(q, 0, ask, keptCpu, capacity) ??
        limited(q, 1, ask, keptMemory, capacity) ??
        limited(q, 2, ask, keptGpu, capacity);
      if (short !== undefined) return short;
      if (!this.#keeps) continue;
      keptCpu += q.keptForSiblings(0);
      keptMemory += q.keptForSiblings(1);
      keptGpu += q.keptForSiblings(2);
    }
    return undefined;
  }

  /** The most that one task of this queue may hold, whatever else runs. */
  most(leaf: QueueNode): Amounts {
    const most: [number, number, number] = [UNLIMITED, UNLIMITED, UNLIMITED];
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
      for (let r = 0; r < 3; r++) most[r] = Math.min(most[r]!, q.limit[r]!);
    }
    return amountsOf(most);
  }

  #build(config: QueueConfig, parent: QueueNode | undefined): QueueNode {
    const node = new QueueNode(config, parent, this.#count++);
    assert(!this.#byName.has(config.name), `two queues are called ${config.name}`);
    this.#byName.set(config.name, node);
    for (const child of config.children) this.#build(child, node);
    if (config.teams.length > 0) this.#buildTeams(node);
    if (node.children.length === 0) this.leaves.push(node);
    node.updateUnmet();
    return node;
  }

  /** Teams are leaves below the queue, which only their members' tasks reach. */
  #buildTeams(node: QueueNode): void {
    const { config } = node;
    assert(config.children.length === 0, `${config.name} has teams or children`);
    const leafOf = new Map<TenantId, QueueNode>();
    const others = { name: 'others', weight: 1, members: [] };
    for (const team of [...config.teams, others]) {
      const leaf = this.#build(teamQueue(config, team), node);
      this.#byName.delete(leaf.name);
      for (const member of team.members) leafOf.set(member, leaf);
    }
    this.#teamLeaves.set(node, leafOf);
  }
}

/** What is said of the queue holds for its teams. */
function teamQueue(whole: QueueConfig, team: TeamConfig): QueueConfig {
  const { name, order, fifo, tenants, overflow, guaranteedProcessing } = whole;
  const { weight, dedicated, limit, runningMax } = team;
  return queueConfig(`${name}/${team.name}`, {
    weight,
    order,
    fifo,
    tenants,
    overflow,
    guaranteedProcessing,
    ...(dedicated && { guaranteed: dedicated, lendingLimit: NO_AMOUNTS }),
    ...(limit && { limit }),
    ...(runningMax !== undefined && { runningMax }),
  });
}

/** What a queue holds above its guarantee, and may have to give back to one that is entitled to more. */
export function overGuarantee(queue: QueueNode): Amounts {
  if (queue.config.reclaim === 'disabled') return amountsOf([0, 0, 0]);
  if (queue.config.reclaim === 'always') return amountsOf(queue.held);
  return amountsOf(mapVector((r) => Math.max(0, queue.held[r]! - queue.guaranteed[r]!)));
}

/** Queues that may take back what they lent: something waits there, and they hold less than their guarantee. */
export function entitled(tree: QueueTree): QueueNode[] {
  return tree.leaves.filter((leaf) => {
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
      if (q.underGuarantee && q.config.reclaim === 'enabled') return leaf.waiting > 0;
    }
    return false;
  });
}

function limited(
  q: QueueNode,
  r: 0 | 1 | 2,
  ask: Vector,
  kept: number,
  capacity: Vector,
): QueueCap | undefined {
  const asked = ask[r];
  if (asked === 0) return undefined;
  const limit = q.limit[r];
  const held = q.held[r];
  if (limit !== UNLIMITED && held + asked > limit) {
    return { at: q, refusal: limitRefusal(q.name, undefined, r, held, asked, limit) };
  }
  if (kept === 0) return undefined;
  const most = Math.min(limit, q.parent === undefined ? capacity[r] : UNLIMITED);
  if (held + asked + kept <= most) return undefined;
  const resource = RESOURCE_NAMES[r];
  const unit = resource === 'memory' ? MIB : 1;
  return {
    at: q,
    refusal: {
      code: 'kept-for-others',
      queue: q.name,
      resource,
      asked: asked * unit,
      free: Math.max(0, most - held) * unit,
      kept: kept * unit,
    },
  };
}

export function limitRefusal(
  queue: QueueName,
  tenant: TenantId | undefined,
  r: 0 | 1 | 2,
  held: number,
  asked: number,
  limit: number,
): Refusal {
  const resource = RESOURCE_NAMES[r];
  const unit = resource === 'memory' ? MIB : 1;
  return {
    code: 'queue-limit',
    queue,
    tenant,
    resource,
    held: held * unit,
    asked: asked * unit,
    limit: limit * unit,
  };
}

export function amountsOf(vector: Vector): Amounts {
  const memory = vector[1] === UNLIMITED ? UNLIMITED : vector[1] * MIB;
  return {
    cpu: vector[0] as Resources['cpu'],
    memory: memory as Resources['memory'],
    gpu: vector[2] as Resources['gpu'],
  };
}

export function mapVector(of: (r: number) => number): Vector {
  return [of(0), of(1), of(2)];
}

const addTo = (a: number, b: number): number => Math.min(UNLIMITED, a + b);

function childrenUnmet(node: QueueNode, r: number): number {
  let sum = 0;
  for (const child of node.children) sum += child.unmet[r]!;
  return sum;
}
