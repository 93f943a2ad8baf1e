import {
  type NodeLossDocument,
  WHAT_IF_JOBS_MAX,
  type WhatIfDocument,
  type WhatIfGroup,
  type WhatIfJob,
} from '../api/contract/what-if-documents.ts';
import { refusalSentence } from '../api/views/sentences.ts';
import type { TimeMs } from '../base/units.ts';
import type { State } from '../engine/state.ts';
import type { GroupDifference, JobDifference } from '../simulation/what-if/difference.ts';
import type { RunTimeOrigin } from '../simulation/what-if/expected-times.ts';
import type { WhatIfAnswer, WindowAnswer } from '../simulation/what-if/what-if.ts';
import type { Question } from './what-if-question.ts';

interface Around {
  readonly question: Question;
  readonly state: State;
  readonly nodeLoss: NodeLossDocument | null;
  readonly tookMs: number;
}

/** What a what-if came to, as the API and the CLI have it. */
export function whatIfDocument(answer: WhatIfAnswer, around: Around): WhatIfDocument {
  const { at, before, after } = answer;
  const origins = sumOf(before.origins, after.origins);
  return {
    now: at,
    mode: 'ahead',
    from: at,
    until: Math.max(before.until, after.until),
    changes: [...around.question.sentences],
    warnings: warningsOf(answer, around),
    ...comparison(answer),
    run_times: {
      known: origins.estimate + origins.history,
      guessed: origins.limit + origins.assumed,
      assumed_ms: origins.assumed === 0 ? null : answer.assumedMs,
    },
    sensitivity: answer.sensitivity.map(({ factor, waitBefore, waitAfter }) => ({
      factor,
      wait_before_ms: waitBefore ?? null,
      wait_after_ms: waitAfter ?? null,
    })),
    happened: null,
    node_loss: around.nodeLoss,
    took_ms: around.tookMs,
  };
}

/** The same of a past. */
export function windowDocument(
  answer: WindowAnswer,
  around: {
    readonly question: Question;
    /** The journal goes back to its first event. */
    readonly isWhole: boolean;
    readonly now: TimeMs;
    readonly tookMs: number;
  },
): WhatIfDocument {
  const { window, before, after, happened } = answer;
  const { question, isWhole, now } = around;
  const { true: known, ...guesses } = sumOf(before.origins, after.origins);
  const guessed = Object.values(guesses).reduce((sum, count) => sum + count, 0);
  return {
    now,
    mode: 'window',
    from: window.from,
    until: window.to,
    changes: [...question.sentences],
    warnings: [
      ...refusals(answer, question, window.from),
      ...(isWhole
        ? []
        : ['the journal no longer has its beginning: what ran before it is not known']),
      ...leasesOf(window),
    ],
    ...comparison(answer),
    cut: null,
    run_times: { known, guessed, assumed_ms: null },
    sensitivity: [],
    happened: groupOf(happened.total),
    node_loss: null,
    took_ms: around.tookMs,
  };
}

function comparison(answer: WhatIfAnswer | WindowAnswer) {
  const { before, after, jobs } = answer;
  return {
    cut: before.cut ?? after.cut ?? null,
    total: groupOf(answer.total),
    tenants: answer.tenants.map(groupOf),
    queues: answer.queues.map(groupOf),
    done_before: answer.doneBefore ?? null,
    done_after: answer.doneAfter ?? null,
    jobs: [...jobs].sort(byChange).slice(0, WHAT_IF_JOBS_MAX).map(jobOf),
    jobs_total: jobs.length,
  };
}

function leasesOf({ events }: WindowAnswer['window']): string[] {
  const count = events.filter((event) => {
    return event.kind === 'workload-submitted' && event.spec.kind === 'lease';
  }).length;
  return count === 0 ? [] : [`${counted(count, 'lease')}: not asked for again`];
}

type Origins = Readonly<Record<RunTimeOrigin, number>>;

/** Of the two futures, whichever runs more of each. */
const sumOf = (a: Origins, b: Origins): Origins => ({
  true: Math.max(a.true, b.true),
  estimate: Math.max(a.estimate, b.estimate),
  history: Math.max(a.history, b.history),
  limit: Math.max(a.limit, b.limit),
  assumed: Math.max(a.assumed, b.assumed),
});

function warningsOf(answer: WhatIfAnswer, { question, state }: Around): string[] {
  const { at, jobs } = answer;
  const byResults = jobs.filter(({ goesByResults }) => goesByResults).length;
  const lasting = jobs.filter(({ kind }) => kind === 'service' || kind === 'lease').length;
  const spilled = state.spilled.size;
  return [
    ...refusals(answer, question, at),
    ...(byResults > 0
      ? [
          `${counted(byResults, 'job')} with steps that go by results: which of them run is not known`,
        ]
      : []),
    ...(lasting > 0
      ? [`${counted(lasting, 'service or lease', 'services and leases')}: run on`]
      : []),
    ...(spilled > 0 ? [`${counted(spilled, 'submission')} waiting on disk: not looked at`] : []),
  ];
}

const refusals = (
  { after }: WhatIfAnswer | WindowAnswer,
  { sentences, places }: Question,
  at: TimeMs,
): string[] =>
  after.refused.map(({ change, refusal }) => {
    return `${sentences[places[change]!]}: refused, ${refusalSentence(refusal, at)}`;
  });

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** The largest change first; who starts in one future only before all. */
function byChange(a: JobDifference, b: JobDifference): number {
  return sizeOf(b) - sizeOf(a) || Number(a.id) - Number(b.id);
}

function sizeOf({ before, after, waitChange, endChange }: JobDifference): number {
  const starts = (future: JobDifference['before']): boolean => future?.startAt !== undefined;
  if (starts(before) !== starts(after)) return Number.MAX_SAFE_INTEGER;
  return Math.max(Math.abs(waitChange ?? 0), Math.abs(endChange ?? 0));
}

function jobOf(job: JobDifference): WhatIfJob {
  const { id, name, kind, tenant, queue, submittedAt, ran, before, after, origin } = job;
  const future = (one: JobDifference['before']) =>
    one === undefined ? null : { started_at: one.startAt ?? null, ended_at: one.endAt ?? null };
  return {
    id,
    name,
    kind,
    tenant,
    queue,
    submitted_at: submittedAt,
    runs: ran,
    before: future(before),
    after: future(after),
    wait_change_ms: job.waitChange ?? null,
    end_change_ms: job.endChange ?? null,
    run_time: origin,
    goes_by_results: job.goesByResults,
  };
}

function groupOf(group: GroupDifference): WhatIfGroup {
  return {
    name: group.name,
    jobs: group.jobs,
    wait_before_ms: group.waitBefore ?? null,
    wait_after_ms: group.waitAfter ?? null,
    sooner: group.sooner,
    later: group.later,
    never_before: group.neverBefore,
    never_after: group.neverAfter,
    share_before: rounded(group.shareBefore),
    share_after: rounded(group.shareAfter),
    charged_before: group.chargedBefore,
    charged_after: group.chargedAfter,
  };
}

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
