import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { NodeId, TenantId, WorkloadId } from '../../model/ids.ts';
import type { WhatIfChange } from './change.ts';
import { type Difference, differenceOf } from './difference.ts';
import { ExpectedTimes, knownTimes } from './expected-times.ts';
import type { Future } from './future.ts';
import { arrivalsOf, Names, type PastWindow, TrueTimes } from './past-window.ts';
import { runForward } from './run-forward.ts';

export interface WhatIfQuestion {
  readonly at: TimeMs;
  readonly changes: readonly WhatIfChange[];
  /** An empty engine of the changed configuration; absent: it stays as it is. */
  readonly engine?: () => Engine;
  /** Whose jobs are told of; absent: everybody's. */
  readonly only?: TenantId | undefined;
  readonly horizonMs?: SpanMs;
  /** In one future. */
  readonly eventsMax?: number;
  /** With the number of the future, from 0, of so many. */
  readonly onProgress?: (progress: WhatIfProgress) => void;
}

export interface WhatIfProgress {
  readonly future: number;
  readonly futures: number;
  readonly events: number;
}

export interface WhatIfAnswer extends Difference {
  readonly at: TimeMs;
  readonly before: Future;
  readonly after: Future;
  /** Assumed of tasks of which nothing is known, in milliseconds. */
  readonly assumedMs: number;
  /** Mean change of waits where what is not known takes half as long, and twice; absent where all is known. */
  readonly sensitivity: readonly Sensitivity[];
}

export interface Sensitivity {
  /** Of run times that are not known. */
  readonly factor: number;
  /** Mean milliseconds, of jobs that start in both; undefined where none does. */
  readonly waitBefore: number | undefined;
  readonly waitAfter: number | undefined;
}

const DAY_MS = 86_400_000;
const HORIZON_MS = 30 * DAY_MS;
const EVENTS_MAX = 2_000_000;
/** With more events in one future, what is not known is not varied: the answer would take too long. */
const VARIED_EVENTS_MAX = 200_000;
const FACTORS = [0.5, 2];

/**
 * Two futures of a live engine that stands between two passes: as things are, and under the changes. The live one is
 * not touched.
 */
export function whatIf(live: Engine, question: WhatIfQuestion): WhatIfAnswer {
  const { at, changes, engine, only, horizonMs = HORIZON_MS, eventsMax = EVENTS_MAX } = question;
  const known = knownTimes(live.state.workloads());
  let futures = 2;
  let future = 0;
  const play = (copy: Engine, done: readonly WhatIfChange[], factor: number): Future => {
    const number = future++;
    return runForward({
      engine: copy,
      at,
      times: new ExpectedTimes(known, factor),
      changes: done,
      until: (at + horizonMs) as TimeMs,
      eventsMax,
      onProgress: (events) => question.onProgress?.({ future: number, futures, events }),
    });
  };
  const both = (factor: number) => ({
    before: play(live.fork(), [], factor),
    after: play(engine === undefined ? live.fork() : live.forkInto(engine()), changes, factor),
  });
  const { before, after } = both(1);
  const difference = differenceOf(before, after, only);
  const sensitivity: Sensitivity[] = [];
  if (isGuessed(before) || isGuessed(after)) {
    if (before.events + after.events <= VARIED_EVENTS_MAX) futures += 2 * FACTORS.length;
    for (const factor of futures === 2 ? [] : FACTORS) {
      const varied = both(factor);
      const { waitBefore, waitAfter } = differenceOf(varied.before, varied.after, only).total;
      sensitivity.push({ factor, waitBefore, waitAfter });
    }
  }
  const { assumedMs } = new ExpectedTimes(known);
  return { at, before, after, assumedMs, sensitivity, ...difference };
}

export interface WindowAnswer extends Difference {
  readonly window: PastWindow;
  /** The same policy, replayed. */
  readonly before: Future;
  readonly after: Future;
  /** From what is replayed to what really happened. */
  readonly happened: Difference;
}

/**
 * Two pasts: what came from outside in a window, with the run times that were true, under the policy that there was
 * and under the changes; beside what really happened.
 */
export function whatIfInWindow(
  window: PastWindow,
  question: Omit<WhatIfQuestion, 'at' | 'horizonMs'>,
): WindowAnswer {
  const { changes, engine, only, eventsMax = EVENTS_MAX } = question;
  const gone = new Set(changes.flatMap((one) => (one.kind === 'lose-node' ? [one.node] : [])));
  const dropped = new Set(changes.flatMap((one) => (one.kind === 'cancel' ? [one.workload] : [])));
  const play = (copy: Engine, future: number): Future => {
    const isChanged = future === 1;
    const names = new Names();
    const without = isChanged
      ? { nodes: gone, workloads: dropped }
      : { nodes: new Set<NodeId>(), workloads: new Set<WorkloadId>() };
    return runForward({
      engine: copy,
      at: window.from,
      until: window.to,
      times: new TrueTimes(window, names),
      changes: isChanged ? changes.filter((one) => isOfBegin(one, window)) : [],
      arrivals: arrivalsOf(window, names, without),
      nameOf: (id) => names.real(id),
      eventsMax,
      onProgress: (events) => question.onProgress?.({ future, futures: 2, events }),
    });
  };
  const { begin } = window;
  const before = play(begin.fork(), 0);
  const after = play(engine === undefined ? begin.fork() : begin.forkInto(engine()), 1);
  const happened = differenceOf(before, window.real, only);
  return { window, before, after, happened, ...differenceOf(before, after, only) };
}

/** What is cancelled, or lost, may come only within the window, and then does not. */
function isOfBegin(change: WhatIfChange, { begin }: PastWindow): boolean {
  if (change.kind === 'cancel') return begin.state.workload(change.workload)?.state === 'active';
  if (change.kind === 'lose-node') return begin.state.nodes().some(({ id }) => id === change.node);
  return true;
}

const isGuessed = ({ origins }: Future): boolean => origins.limit + origins.assumed > 0;
