import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { TenantId } from '../../model/ids.ts';
import type { WhatIfChange } from './change.ts';
import { type Difference, differenceOf } from './difference.ts';
import { ExpectedTimes, knownTimes } from './expected-times.ts';
import { type Future, runForward } from './run-forward.ts';

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

const isGuessed = ({ origins }: Future): boolean => origins.limit + origins.assumed > 0;
