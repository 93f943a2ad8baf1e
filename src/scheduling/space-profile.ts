import type { SpacePhase } from '../model/constraints.ts';

/** Space that is held from a time on, until the next of them. In order of time; the last one lasts. */
export interface Step {
  readonly at: number;
  readonly bytes: number;
}

/** Who holds space from its start on, as its phases say. After the last of them it holds what that one held. */
export interface SpaceHolder {
  readonly from: number;
  readonly phases: readonly SpacePhase[];
}

export const peakOf = (phases: readonly SpacePhase[]): number =>
  phases.reduce((most, { bytes }) => Math.max(most, bytes), 0);

/** What one holds who starts at `from`: a step for each phase. */
function stepsOf({ from, phases }: SpaceHolder): readonly Step[] {
  let at = from;
  return phases.map(({ bytes, forMs }) => {
    const step = { at, bytes };
    at += forMs ?? 0;
    return step;
  });
}

/** What all of them hold together from `at` on, if nobody ends before his last phase. */
export function loadFrom(at: number, holders: Iterable<SpaceHolder>): readonly Step[] {
  const changes: { at: number; more: number }[] = [];
  for (const holder of holders) {
    let before = 0;
    for (const step of stepsOf(holder)) {
      changes.push({ at: Math.max(at, step.at), more: step.bytes - before });
      before = step.bytes;
    }
  }
  changes.sort((a, b) => a.at - b.at);
  const load: Step[] = [{ at, bytes: 0 }];
  for (const change of changes) {
    const last = load.at(-1)!;
    const bytes = last.bytes + change.more;
    if (change.at === last.at) load[load.length - 1] = { at: last.at, bytes };
    else load.push({ at: change.at, bytes });
  }
  return load;
}

/** The most that is held at any time if one more starts at `at`, which is not before the load. */
export function peakWith(load: readonly Step[], phases: readonly SpacePhase[], at: number): number {
  const own = stepsOf({ from: at, phases });
  let most = 0;
  let i = 0;
  let j = 0;
  while (i < load.length - 1 && load[i + 1]!.at <= at) i++;
  for (;;) {
    while (j < own.length - 1 && own[j + 1]!.at <= own[j]!.at) j++;
    most = Math.max(most, load[i]!.bytes + own[j]!.bytes);
    const nextLoad = load[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const nextOwn = own[j + 1]?.at ?? Number.POSITIVE_INFINITY;
    if (nextLoad === nextOwn && nextLoad === Number.POSITIVE_INFINITY) return most;
    if (nextLoad <= nextOwn) i++;
    if (nextOwn <= nextLoad) j++;
  }
}

/**
 * The first time, not before `at`, at which one more can start and never is more held than there is, if
 * nobody ends early and nobody else starts; undefined: never. A phase j that lasts from o to p after the start s
 * meets what is too full from a to b where a − p < s < b − o: the first s in none of these.
 */
export function firstFit(
  load: readonly Step[],
  phases: readonly SpacePhase[],
  at: number,
  capacity: number,
): number | undefined {
  const forbidden: { after: number; before: number }[] = [];
  const own = stepsOf({ from: 0, phases });
  own.forEach((phase, j) => {
    const until = own[j + 1]?.at ?? Number.POSITIVE_INFINITY;
    if (until <= phase.at) return;
    load.forEach((step, i) => {
      if (step.bytes + phase.bytes <= capacity) return;
      const end = load[i + 1]?.at ?? Number.POSITIVE_INFINITY;
      forbidden.push({ after: step.at - until, before: end - phase.at });
    });
  });
  forbidden.sort((a, b) => a.after - b.after);
  let start = at;
  for (const { after, before } of forbidden) {
    if (after >= start) break;
    if (before > start) start = before;
  }
  return Number.isFinite(start) ? start : undefined;
}
