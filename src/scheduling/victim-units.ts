import type { TimeMs } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import { evictionCost, progress } from './eviction-cost.ts';
import type { Occupancy, Occupant } from './occupancy.ts';
import type { Candidate } from './scheduler.ts';

/** What is stopped together: one task, or a gang down to the last. */
export interface Unit<T extends Candidate> {
  readonly members: readonly Occupant<T>[];
  readonly gang: string | undefined;
  /** A member beyond what its gang needs: it goes before everybody else. */
  readonly extra: boolean;
  readonly priority: number;
  /** The highest that the classes of service of its members give; absent where none does. */
  readonly classPriority: number | undefined;
  readonly cost: number;
  readonly placedAt: TimeMs;
  readonly progress: number;
}

/** May these be stopped for that task? Asked with everything that would be stopped already. */
export interface EvictionPolicy<T extends Candidate> {
  readonly at: TimeMs;
  /** False also for what is still within its minimum run time. */
  mayStop(occupant: Occupant<T>): boolean;
  /** How many more of this queue's tasks may be stopped in this hour. */
  budget(queue: QueueName): number;
  /** The inequality between the preemptor and this victim, were the others stopped, too. */
  allows(victim: Occupant<T>, alsoStopped: Iterable<Occupant<T>>): boolean;
}

/** The units to which the tasks on one node belong, those that are stopped first before the others. */
export class VictimUnits<T extends Candidate> {
  readonly #occupancy: Occupancy<T>;
  readonly #policy: EvictionPolicy<T>;
  readonly chosen = new Set<Occupant<T>>();
  readonly #byQueue = new Map<QueueName, number>();
  /** Members of each gang that were chosen one by one. */
  readonly #ofGang = new Map<string, number>();
  /** Counts choices that touch a gang: what was found before may not hold any more. */
  gangChoices = 0;

  constructor(occupancy: Occupancy<T>, policy: EvictionPolicy<T>) {
    this.#occupancy = occupancy;
    this.#policy = policy;
  }

  onRow(row: number): Unit<T>[] {
    const units: Unit<T>[] = [];
    const gangs = new Set<string>();
    for (const occupant of this.#occupancy.onRow(row)) {
      if (this.chosen.has(occupant) || !this.#policy.mayStop(occupant)) continue;
      const { gang } = occupant.running.task;
      if (gang === undefined) units.push(this.#unit([occupant], false));
      else if (this.spare(gang) > 0) units.push(this.#unit([occupant], true));
      else if (!gangs.has(gang.key)) {
        gangs.add(gang.key);
        const rest = this.#occupancy.ofGang(gang.key).filter((other) => !this.chosen.has(other));
        const free = rest.filter((other) => !other.stopping);
        if (free.every((other) => this.#policy.mayStop(other)))
          units.push(this.#unit(free, false, gang.key));
      }
    }
    return units;
  }

  /** Whether the unit may be stopped beside `others` and what was chosen. */
  admits(unit: Unit<T>, others: readonly Unit<T>[]): boolean {
    const also = [...this.chosen, ...others.flatMap((other) => other.members)];
    const asked = new Map<QueueName, number>();
    for (const { running } of [...unit.members, ...others.flatMap((other) => other.members)]) {
      asked.set(running.task.queue, (asked.get(running.task.queue) ?? 0) + 1);
    }
    for (const member of unit.members) {
      const { queue } = member.running.task;
      const used = (this.#byQueue.get(queue) ?? 0) + asked.get(queue)!;
      if (used > this.#policy.budget(queue) || !this.#policy.allows(member, also)) return false;
      also.push(member);
    }
    return this.#spares(unit, others);
  }

  choose(unit: Unit<T>): void {
    for (const member of unit.members) this.#count(member, 1);
  }

  unchoose(unit: Unit<T>): void {
    for (const member of unit.members) this.#count(member, -1);
  }

  /** Members that a gang can lose one by one: those beyond its minimum. */
  spare(gang: NonNullable<Candidate['gang']>): number {
    const stopping = this.#occupancy.ofGang(gang.key).filter((one) => one.stopping).length;
    return gang.alive - stopping - gang.min - (this.#ofGang.get(gang.key) ?? 0);
  }

  /** Not more single members of one gang at once than it can lose. */
  #spares(unit: Unit<T>, others: readonly Unit<T>[]): boolean {
    const [first] = unit.members;
    const gang = first?.running.task.gang;
    if (gang === undefined || unit.gang !== undefined) return true;
    const same = others.filter(
      (other) => other.gang === undefined && other.members[0]?.running.task.gang === gang,
    );
    return this.spare(gang) > same.length;
  }

  #unit(members: readonly Occupant<T>[], extra: boolean, gang?: string): Unit<T> {
    const { at } = this.#policy;
    let [priority, cost, done, placedAt] = [Number.NEGATIVE_INFINITY, 0, 0, 0];
    let classPriority: number | undefined;
    for (const { running } of members) {
      priority = Math.max(priority, running.task.priority);
      classPriority = highestClass(classPriority, running.task.stops?.preemptionPriority);
      cost += evictionCost(running, at);
      done = Math.max(done, progress(running, at));
      placedAt = Math.max(placedAt, running.placedAt);
    }
    return {
      members,
      gang,
      extra,
      priority,
      classPriority,
      cost,
      progress: done,
      placedAt: placedAt as TimeMs,
    };
  }

  #count(member: Occupant<T>, sign: 1 | -1): void {
    if (sign === 1) this.chosen.add(member);
    else this.chosen.delete(member);
    const { queue, gang } = member.running.task;
    this.#byQueue.set(queue, (this.#byQueue.get(queue) ?? 0) + sign);
    if (gang === undefined) return;
    this.gangChoices++;
    this.#ofGang.set(gang.key, (this.#ofGang.get(gang.key) ?? 0) + sign);
  }
}

/** Nobody has said anything yet, or this class does not. */
export function highestClass(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

/** More than priorities differ (−1,000 … 1,000): what classes of service give goes before them. */
const CLASS_STEP = 10_000;

/** What `least-cost` spares first: the class of service, then the priority. */
export const weightOfClass = (classPriority: number | undefined, priority: number): number =>
  (classPriority ?? 0) * CLASS_STEP + priority;

/** Total order of units by what a strategy spares: the first is stopped first. Ends in the attempt's id. */
export function byId(a: Unit<Candidate>, b: Unit<Candidate>): number {
  const [x, y] = [a.members[0]!.running, b.members[0]!.running];
  if (x.task.age !== y.task.age) return y.task.age - x.task.age;
  return x.attempt < y.attempt ? -1 : x.attempt > y.attempt ? 1 : 0;
}
