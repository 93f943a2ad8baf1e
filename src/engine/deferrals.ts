import { Heap } from '../base/heap.ts';
import type { TimeMs } from '../base/units.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { DailyHours } from '../model/reservation.ts';
import type { GatherTerms } from '../model/workload.ts';
import { isOpen, nextChange } from '../scheduling/calendar.ts';
import type { Deferral, DeferredGroup } from '../scheduling/scheduler.ts';
import {
  attemptsOf,
  readySince,
  type StepRecord,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';

/** Tasks of alike steps that wait for more of them. */
interface Gathering {
  readonly key: string;
  readonly max: number;
  /** Sooner, when it is full. */
  startsAt: TimeMs;
  ready: number;
  /** Of each step, the first of its tasks that gather here; those before it were let go. */
  readonly members: Map<StepRecord, number>;
}

/** Keeps its own time: one that fills up starts sooner. */
interface GatheringEnd {
  readonly at: TimeMs;
  readonly gathering: Gathering;
}

export interface SavedGathering extends Pick<Gathering, 'key' | 'max' | 'startsAt' | 'ready'> {
  readonly members: readonly (readonly [workload: WorkloadId, step: number, from: number])[];
}

/**
 * What makes tasks wait on purpose before they queue: the hours that their workload prefers, and others like them
 * with which they start together. A task waits before its first attempt only. Derived from what was submitted and
 * when steps opened.
 */
export class Deferrals implements Deferral<TaskRecord> {
  readonly #offPeak: DailyHours;
  /** By what makes steps alike, those that are neither full nor over as of the last step that opened. */
  readonly #open = new Map<string, Gathering>();
  readonly #ends = new Heap<GatheringEnd>((a, b) =>
    a.at === b.at ? a.gathering.key < b.gathering.key : a.at < b.at,
  );
  readonly #gatheringOf = new Map<StepRecord, Gathering>();
  readonly #groups = new WeakMap<StepRecord, Map<Gathering | undefined, StepGroup>>();
  #changed: DeferredGroup[] = [];

  constructor(offPeak: DailyHours) {
    this.#offPeak = offPeak;
  }

  /** Whether anything may ever defer tasks of the step. */
  static mayDefer({ spec, workload }: Pick<StepRecord, 'spec' | 'workload'>): boolean {
    return workload.spec.preferred !== undefined || spec.gather !== undefined;
  }

  /** Its tasks are ready, and gather with those that are alike. */
  opened(step: StepRecord, at: TimeMs): void {
    const { gather, count, gangMin } = step.spec;
    if (gather === undefined || count === 0) return;
    this.#endBefore(at);
    const key = keyOf(step, gather);
    const { max } = gather;
    const open = this.#open.get(key);
    const ready = (open?.ready ?? 0) + count;
    // A gang starts as one, however many gather.
    const left = gangMin === undefined ? ready % max : ready >= max ? 0 : ready;
    if (open !== undefined && ready < max) {
      open.ready = ready;
      this.#join(open, step, 0);
      return;
    }
    if (open !== undefined) this.#fill(open, at);
    if (left === 0) return;
    const startsAt = (at + gather.waitMs) as TimeMs;
    const next: Gathering = { key, max, startsAt, ready: left, members: new Map() };
    this.#begin(next);
    this.#join(next, step, count - left);
  }

  groupOf(task: TaskRecord): DeferredGroup | undefined {
    const { step } = task;
    if (!Deferrals.mayDefer(step) || attemptsOf(task) > 0) return undefined;
    const gathering = this.#gatheringOf.get(step);
    const gathers = gathering !== undefined && task.index >= gathering.members.get(step)!;
    if (!gathers && step.workload.spec.preferred === undefined) return undefined;
    return this.#groupFor(step, gathers ? gathering : undefined);
  }

  takeChanged(): readonly DeferredGroup[] {
    const changed = this.#changed;
    if (changed.length > 0) this.#changed = [];
    return changed;
  }

  save(): SavedGathering[] {
    return [...this.#open.values()].map(({ members, key, max, startsAt, ready }) => {
      const alive = [...members].filter(([step]) => step.endedAt === undefined);
      const saved = alive.map(([step, from]) => [step.workload.id, step.index, from] as const);
      return { key, max, startsAt, ready, members: saved };
    });
  }

  restore(
    saved: readonly SavedGathering[],
    workload: (id: WorkloadId) => WorkloadRecord | undefined,
  ): void {
    for (const { members, ...rest } of saved) {
      const gathering: Gathering = { ...rest, members: new Map() };
      this.#begin(gathering);
      for (const [id, index, from] of members) {
        const step = workload(id)?.steps[index];
        if (step !== undefined) this.#join(gathering, step, from);
      }
    }
  }

  #begin(gathering: Gathering): void {
    this.#open.set(gathering.key, gathering);
    this.#ends.push({ at: gathering.startsAt, gathering });
  }

  #join(gathering: Gathering, step: StepRecord, from: number): void {
    gathering.members.set(step, from);
    this.#gatheringOf.set(step, gathering);
  }

  #fill(gathering: Gathering, at: TimeMs): void {
    gathering.startsAt = at;
    this.#open.delete(gathering.key);
    for (const step of gathering.members.keys())
      this.#changed.push(this.#groupFor(step, gathering));
    this.#forget(gathering);
  }

  #endBefore(at: TimeMs): void {
    for (let end = this.#ends.peek(); end !== undefined && end.at <= at; end = this.#ends.peek()) {
      const { gathering } = this.#ends.pop();
      if (this.#open.get(gathering.key) === gathering) this.#open.delete(gathering.key);
      this.#forget(gathering);
    }
  }

  #forget(gathering: Gathering): void {
    for (const step of gathering.members.keys()) {
      if (this.#gatheringOf.get(step) === gathering) this.#gatheringOf.delete(step);
    }
  }

  #groupFor(step: StepRecord, gathering: Gathering | undefined): StepGroup {
    const groups = this.#groups.get(step) ?? new Map<Gathering | undefined, StepGroup>();
    this.#groups.set(step, groups);
    const group = groups.get(gathering) ?? new StepGroup(step, this.#offPeak, gathering);
    groups.set(gathering, group);
    return group;
  }
}

/** Tasks of one step, of which all gather or none does. */
class StepGroup implements DeferredGroup {
  readonly #hours: DailyHours | undefined;
  /** When it has waited long enough for its hours. */
  readonly #latest: TimeMs;
  readonly #gathering: Gathering | undefined;

  constructor(step: StepRecord, offPeak: DailyHours, gathering: Gathering | undefined) {
    const { preferred } = step.workload.spec;
    this.#hours = preferred?.hours === 'off-peak' ? offPeak : preferred?.hours;
    this.#latest = (readySince(step) + (preferred?.maxWaitMs ?? 0)) as TimeMs;
    this.#gathering = gathering;
  }

  refusal(at: TimeMs): Refusal | undefined {
    const hours = this.#hours;
    if (hours !== undefined && at < this.#latest && !isOpen(hours, at)) {
      const opensAt = nextChange(hours, at)!;
      return {
        code: 'preferred-hours',
        hours: `${clockTime(hours.startMs)}-${clockTime(hours.endMs)}`,
        zone: hours.zone.name,
        opensAt,
        until: Math.min(opensAt, this.#latest),
      };
    }
    if (this.#gathering === undefined || at >= this.#gathering.startsAt) return undefined;
    const { ready, max, startsAt } = this.#gathering;
    return { code: 'batch-gathers', ready, max, until: startsAt };
  }

  nextChange(at: TimeMs): TimeMs | undefined {
    const { startsAt = 0 } = this.#gathering ?? {};
    const gathered = startsAt > at ? (startsAt as TimeMs) : undefined;
    if (this.#hours === undefined || at >= this.#latest) return gathered;
    const change = Math.min(nextChange(this.#hours, at) ?? this.#latest, this.#latest) as TimeMs;
    return gathered !== undefined && gathered < change ? gathered : change;
  }
}

const keyOf = ({ workload }: StepRecord, { alike, waitMs, max }: GatherTerms): string =>
  JSON.stringify([workload.tenant, workload.spec.queue, waitMs, max, alike]);

/** `22:00`, of milliseconds after midnight. */
function clockTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
