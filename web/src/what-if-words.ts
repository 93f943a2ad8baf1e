import type {
  NodeLossDocument,
  WhatIfDocument,
  WhatIfGroup,
  WhatIfJob,
} from '../../src/api/contract/what-if-documents.ts';
import { ago, counted, dollars, duration, listed, moment, UNKNOWN } from './format.ts';

/** A difference, and how it reads; no number where there is none to draw. */
export interface Difference {
  readonly ms: number | undefined;
  readonly text: string;
}

/** What came out, in a sentence: the waits of all, who gains and who pays, the money. */
export function whatIfSentence(answer: WhatIfDocument): string {
  const { total, tenants, mode } = answer;
  if (total.jobs === 0) {
    return mode === 'ahead'
      ? `No job waits, so no wait changes.${moneyPart(total)}${restarts(answer)}`
      : 'Nothing was submitted in that time, so no wait changes.';
  }
  const jobs = counted(total.jobs, 'job');
  const change = waitChange(total);
  const waits =
    change === undefined
      ? `How long ${jobs} would wait is not known`
      : change === 0
        ? `${jobs} would wait as long as ${mode === 'ahead' ? 'now' : 'before'} on average`
        : `${jobs} would wait ${span(change)} ${change < 0 ? 'less' : 'more'} on average`;
  const never = total.never_after - total.never_before;
  const starts =
    never === 0
      ? ''
      : ` ${counted(Math.abs(never), 'job')} ${never > 0 ? `would not start at all` : 'more would start'}.`;
  return `${waits}${parties(tenants)}.${starts}${moneyPart(total)}${restarts(answer)}`;
}

const restarts = ({ node_loss: loss }: WhatIfDocument): string =>
  loss === null || loss.lost_total === 0
    ? ''
    : ` ${counted(loss.lost_total, 'task')} would start again elsewhere, or wait.`;

/** Whom it serves most and whom least. */
function parties(tenants: readonly WhatIfGroup[]): string {
  const changes = tenants
    .map((one) => ({ name: one.name, change: waitChange(one) ?? 0 }))
    .sort((a, b) => a.change - b.change);
  const [first, last] = [changes[0], changes.at(-1)];
  if (changes.length < 2 || first === undefined || last === undefined) return '';
  const said = [
    first.change < 0 && `${first.name} ${span(first.change)} less`,
    last.change > 0 && `${last.name} ${span(last.change)} more`,
  ].filter((part) => part !== false);
  return said.length === 0 ? '' : `: ${said.join(', ')}`;
}

function moneyPart({ charged_before: before, charged_after: after }: WhatIfGroup): string {
  if (before === after) return '';
  return ` It would cost ${dollars(Math.abs(after - before))} ${after > before ? 'more' : 'less'}.`;
}

export const waitChange = ({ wait_before_ms, wait_after_ms }: WhatIfGroup): number | undefined =>
  wait_before_ms === null || wait_after_ms === null ? undefined : wait_after_ms - wait_before_ms;

export function waitDifference(group: WhatIfGroup): Difference {
  const ms = waitChange(group);
  return { ms, text: ms === undefined ? UNKNOWN : words(ms, 'less', 'more') };
}

/** When it starts or ends, against when it would. */
export function jobDifference(job: WhatIfJob): Difference {
  const { before, after, wait_change_ms: wait, end_change_ms: end, runs } = job;
  if (before === null) return { ms: undefined, text: 'new' };
  if (after === null) return { ms: undefined, text: 'not there' };
  if (!runs && wait === null) {
    if (after.started_at !== null) return { ms: undefined, text: 'starts at all' };
    return {
      ms: undefined,
      text: before.started_at === null ? 'starts in neither' : 'does not start',
    };
  }
  if ((runs || wait === 0) && end !== null && end !== 0) {
    return { ms: end, text: `ends ${words(end, 'earlier', 'later')}` };
  }
  return { ms: wait ?? 0, text: words(wait ?? 0, 'earlier', 'later') };
}

export const isChanged = ({ before, after, wait_change_ms, end_change_ms }: WhatIfJob): boolean =>
  (before?.started_at ?? null) !== (after?.started_at ?? null) ||
  (wait_change_ms ?? 0) !== 0 ||
  (end_change_ms ?? 0) !== 0;

/** `12 earlier, 3 later, 1 not at all`. */
export function jobCounts({ jobs, jobs_total: all }: WhatIfDocument): string {
  const changed = jobs.filter(isChanged);
  const changes = changed.map((job) => jobDifference(job).ms ?? 0);
  const never = changed.filter(
    ({ before, after }) => before !== null && (after === null || after.started_at === null),
  ).length;
  const earlier = changes.filter((ms) => ms < 0).length;
  const later = changes.filter((ms) => ms > 0).length;
  return `${earlier} earlier, ${later} later${never > 0 ? `, ${never} not at all` : ''}${all > jobs.length ? `, of the ${jobs.length} that change most` : ''}`;
}

export const runTimeWords: Readonly<Record<WhatIfJob['run_time'], string>> = {
  true: 'as it was',
  estimate: 'its own estimate',
  history: 'as before',
  limit: 'guess: its limit',
  assumed: 'guess',
};

/** Beside the moment itself, which a hover tells. */
export function relative(at: number | null | undefined, now: number): string {
  if (at === undefined) return UNKNOWN;
  if (at === null) return 'never';
  return at > now ? `in ${duration(at - now)}` : ago(now - at);
}

export const absolute = (at: number | null | undefined): string =>
  at === null || at === undefined ? '' : moment(at);

export function words(ms: number, less: string, more: string): string {
  if (ms === 0) return 'same';
  return `${span(ms)} ${ms < 0 ? less : more}`;
}

/** Of a difference that is there, never zero. */
const span = (ms: number): string => (Math.abs(ms) < 50 ? 'under 0.1s' : duration(Math.abs(ms)));

/** What is guessed or was not looked at, as sentences. */
export function caveats(answer: WhatIfDocument): readonly string[] {
  const { run_times: times, sensitivity, cut, warnings, mode } = answer;
  const lines: string[] = [];
  if (times.guessed > 0) {
    const assumed =
      times.assumed_ms === null
        ? ''
        : `; where nothing at all is known, ${duration(times.assumed_ms)} is assumed`;
    lines.push(
      `Run times of ${counted(times.guessed, 'task')} are guessed, of ${times.known} known${assumed}.`,
    );
  }
  for (const { factor, wait_before_ms: before, wait_after_ms: after } of sensitivity) {
    if (before === null || after === null) continue;
    const change =
      after === before ? 'would be the same' : `${words(after - before, 'less', 'more')}`;
    lines.push(
      `If those took ${factor === 0.5 ? 'half' : `${factor} times`} as long: mean wait ${change}.`,
    );
  }
  const decided = answer.jobs.filter((job) => job.goes_by_results).length;
  if (decided > 0) {
    lines.push(
      `${counted(decided, 'job')} here ${decided === 1 ? 'goes' : 'go'} by results that are not known yet.`,
    );
  }
  if (cut === 'horizon') lines.push('Some has not ended within the 30 days that were looked at.');
  if (cut === 'events')
    lines.push('It was too much to play to its end: what comes late is not known.');
  lines.push(...warnings.map((one) => `${one}.`));
  if (mode === 'ahead') lines.push('What others are still to submit is not in it.');
  return lines;
}

/** What becomes of what runs on a node that is lost. */
export function lossSentences(loss: NodeLossDocument, now: number): readonly string[] {
  const { lost_total: all, deadlines_missed: missed, delayed, recovered_at: back } = loss;
  if (all === 0) return [`Nothing runs on ${loss.node}.`];
  return [
    `${counted(all, 'task')} ${all === 1 ? 'runs' : 'run'} on ${loss.node}. ${
      back === null
        ? 'Some never have a place again.'
        : `All have a place again after ${duration(back - now)}.`
    }`,
    ...(delayed > 0
      ? [`${counted(delayed, 'other job')} ${delayed === 1 ? 'is' : 'are'} delayed.`]
      : []),
    ...(missed.length > 0 ? [`Late because of it: ${listed(missed, 8)}.`] : []),
    ...loss.services.map(
      ({ name, replicas_lost: gone, replicas_left: left, short_ms: short }) =>
        `${name} loses ${gone} of ${gone + left} replicas ${short === null ? 'for good' : `for ${duration(short)}`}.`,
    ),
  ];
}
