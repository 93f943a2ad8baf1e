import type { WhatIfDocument, WhatIfGroup, WhatIfJob } from '../api/contract/what-if-documents.ts';
import { formatMoment, formatSpan } from './format.ts';
import { renderNodeLoss } from './node-loss-view.ts';
import { glyph, type Page, paint, type Tone } from './page.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { count, printable, wrap } from './text.ts';

const GROUPS_SHOWN = 20;

/** What a what-if came to: the whole, then who waits less and who more, then the jobs that change most. */
export function renderWhatIf(answer: WhatIfDocument, page: Page, jobs: number): readonly string[] {
  const { tenants, queues } = answer;
  return [
    ...head(answer, page),
    '',
    ...totals(answer, page),
    ...(tenants.length > 0 ? ['', ...groups(answer, 'TENANT', tenants, page)] : []),
    ...(queues.length > 1 ? ['', ...groups(answer, 'QUEUE', queues, page)] : []),
    ...nodeLoss(answer, page, jobs),
    ...changed(answer, page, jobs),
    ...caveats(answer, page),
  ];
}

function nodeLoss({ node_loss: loss, now }: WhatIfDocument, page: Page, tasks: number) {
  return loss === null ? [] : ['', ...renderNodeLoss(loss, { page, now, tasks })];
}

function head({ changes, mode, total, from, until, now }: WhatIfDocument, page: Page) {
  const what = changes.map(printable).join(' and ');
  const of =
    mode === 'ahead'
      ? `${count(total.jobs, 'job')} ${total.jobs === 1 ? 'waits' : 'wait'}. Nothing was changed.`
      : `${count(total.jobs, 'job')} of ${formatMoment(from, now)} to ${formatMoment(until, now)}, replayed. Nothing was changed.`;
  const title = what === '' ? 'The past, replayed as it was' : `What if: ${what}`;
  return [paint(page, 'strong', title), of];
}

function totals(answer: WhatIfDocument, page: Page): readonly string[] {
  const { total, happened, mode } = answer;
  const was = mode === 'ahead' ? 'AS IT IS' : 'REPLAYED';
  const columns: Column[] = [
    { title: '' },
    ...(happened === null ? [] : [{ title: 'HAPPENED', align: 'right' as const, drop: 1 }]),
    { title: was, align: 'right' },
    { title: 'THEN', align: 'right' },
    { title: 'CHANGE' },
  ];
  const row = (name: string, real: string | undefined, ...cells: Cell[]): Cell[] => [
    name,
    ...(happened === null ? [] : [real ?? '']),
    ...cells,
  ];
  const done = (at: number | null): string =>
    at === null ? glyph(page, 'unknown') : formatMoment(at, answer.now);
  const rows = [
    row(
      'mean wait',
      happened === null ? undefined : spanOf(happened.wait_after_ms, page),
      spanOf(total.wait_before_ms, page),
      spanOf(total.wait_after_ms, page),
      changeOf(total),
    ),
    ...(answer.done_before === null && answer.done_after === null
      ? []
      : [
          row(
            'all has ended',
            undefined,
            done(answer.done_before),
            done(answer.done_after),
            endChange(answer),
          ),
        ]),
    ...(total.never_before + total.never_after > 0
      ? [row('do not start', undefined, String(total.never_before), String(total.never_after), '')]
      : []),
    ...(total.charged_before + total.charged_after > 0
      ? [
          row(
            'cost',
            undefined,
            dollars(total.charged_before),
            dollars(total.charged_after),
            moreOrLess(total.charged_after - total.charged_before, dollars),
          ),
        ]
      : []),
  ];
  return renderTable(page, columns, rows);
}

function groups(
  answer: WhatIfDocument,
  title: string,
  all: readonly WhatIfGroup[],
  page: Page,
): readonly string[] {
  const shown = all.slice(0, GROUPS_SHOWN);
  const hasMoney = all.some((one) => one.charged_before + one.charged_after > 0);
  const arrow = page.unicode ? '→' : '->';
  const columns: readonly Column[] = [
    { title, min: 6 },
    { title: 'JOBS', align: 'right' },
    { title: answer.mode === 'ahead' ? 'WAIT NOW' : 'WAIT', align: 'right' },
    { title: 'THEN', align: 'right' },
    { title: 'CHANGE' },
    { title: 'SOONER', align: 'right', drop: 2 },
    { title: 'LATER', align: 'right', drop: 3 },
    { title: 'SHARE', align: 'right', drop: 1 },
    ...(hasMoney ? [{ title: 'COST', align: 'right' as const, drop: 4 }] : []),
  ];
  const rows = shown.map((one): Cell[] => [
    printable(one.name),
    String(one.jobs),
    spanOf(one.wait_before_ms, page),
    spanOf(one.wait_after_ms, page),
    changeOf(one),
    String(one.sooner),
    String(one.later),
    `${percent(one.share_before)} ${arrow} ${percent(one.share_after)}`,
    ...(hasMoney ? [moreOrLess(one.charged_after - one.charged_before, dollars)] : []),
  ]);
  const more = all.length - shown.length;
  const rest = more > 0 ? [paint(page, 'faint', `  ${count(more, 'more')} with --json`)] : [];
  return [...renderTable(page, columns, rows), ...rest];
}

function changed(answer: WhatIfDocument, page: Page, most: number): readonly string[] {
  const all = answer.jobs.filter(isChanged);
  const shown = all.slice(0, most);
  if (shown.length === 0) return most === 0 ? [] : ['', 'No job starts or ends at another time.'];
  const columns: readonly Column[] = [
    { title: 'JOB', align: 'right' },
    { title: 'NAME', min: 8 },
    { title: 'TENANT', min: 6, drop: 3 },
    { title: 'QUEUE', min: 6, drop: 4 },
    { title: answer.mode === 'ahead' ? 'STARTS NOW' : 'STARTED', align: 'right' },
    { title: 'THEN', align: 'right' },
    { title: 'CHANGE' },
    { title: 'RUN TIME', drop: 2 },
  ];
  const rows = shown.map((job): Cell[] => [
    job.id,
    printable(job.name),
    printable(job.tenant),
    printable(job.queue),
    startOf(job.before, answer, page),
    startOf(job.after, answer, page),
    jobChange(job),
    runTimes[job.run_time],
  ]);
  const more = answer.jobs_total > answer.jobs.length ? 'at least ' : '';
  const rest = all.length - shown.length;
  return [
    '',
    ...renderTable(page, columns, rows),
    ...(rest > 0
      ? [paint(page, 'faint', `${more}${count(rest, 'more job')} change; --jobs N`)]
      : []),
  ];
}

const runTimes: Record<WhatIfJob['run_time'], string> = {
  true: 'as it was',
  estimate: 'its own',
  history: 'as before',
  limit: 'its limit',
  assumed: 'guessed',
};

const isChanged = ({ before, after, wait_change_ms, end_change_ms }: WhatIfJob): boolean =>
  (before?.started_at ?? null) !== (after?.started_at ?? null) ||
  (wait_change_ms ?? 0) !== 0 ||
  (end_change_ms ?? 0) !== 0;

function startOf(future: WhatIfJob['before'], { now }: WhatIfDocument, page: Page): string {
  if (future === null) return glyph(page, 'unknown');
  return future.started_at === null ? 'never' : formatMoment(future.started_at, now);
}

function jobChange({ before, after, wait_change_ms, end_change_ms, runs }: WhatIfJob): Cell {
  if (before === null) return 'new';
  if (runs && (end_change_ms ?? 0) !== 0) {
    const later = end_change_ms! > 0;
    return toned(
      `ends ${formatSpan(Math.abs(end_change_ms!))} ${later ? 'later' : 'sooner'}`,
      later,
    );
  }
  if (wait_change_ms === null) {
    if (after === null || after.started_at === null) return toned('does not start', true);
    return toned('starts at all', false);
  }
  return waitChange(wait_change_ms);
}

function changeOf({ wait_before_ms, wait_after_ms }: WhatIfGroup): Cell {
  if (wait_before_ms === null || wait_after_ms === null) return '';
  return waitChange(wait_after_ms - wait_before_ms);
}

const waitChange = (ms: number): Cell =>
  ms === 0 ? 'same' : toned(`${formatSpan(Math.abs(ms))} ${ms > 0 ? 'more' : 'less'}`, ms > 0);

function endChange({ done_before, done_after }: WhatIfDocument): Cell {
  if (done_before === null || done_after === null) return '';
  const ms = done_after - done_before;
  if (ms === 0) return 'same';
  return toned(`${formatSpan(Math.abs(ms))} ${ms > 0 ? 'later' : 'sooner'}`, ms > 0);
}

function moreOrLess(change: number, format: (amount: number) => string): Cell {
  if (change === 0) return 'same';
  return toned(`${format(Math.abs(change))} ${change > 0 ? 'more' : 'less'}`, change > 0);
}

const toned = (text: string, isWorse: boolean): Cell => ({
  text,
  tone: (isWorse ? 'failed' : 'done') satisfies Tone,
});

function caveats(answer: WhatIfDocument, page: Page): readonly string[] {
  const { run_times, sensitivity, cut, warnings, mode } = answer;
  const lines: string[] = [];
  if (run_times.guessed > 0) {
    const guess =
      run_times.assumed_ms === null
        ? ''
        : `; where nothing is known, ${formatSpan(run_times.assumed_ms)}`;
    lines.push(
      `Run times of ${count(run_times.guessed, 'task')} are guessed, of ${run_times.known} known${guess}.`,
    );
  }
  for (const { factor, wait_before_ms, wait_after_ms } of sensitivity) {
    if (wait_before_ms === null || wait_after_ms === null) continue;
    const ms = wait_after_ms - wait_before_ms;
    const change =
      ms === 0 ? 'the same' : `${formatSpan(Math.abs(ms))} ${ms > 0 ? 'more' : 'less'}`;
    lines.push(`If those take ${factor === 0.5 ? 'half' : 'twice'} as long: mean wait ${change}.`);
  }
  if (cut === 'horizon')
    lines.push('Some has not ended within 30 days, and was not looked at further.');
  if (cut === 'events')
    lines.push('It was too much to play to its end; what comes late is not known.');
  lines.push(...warnings.map((one) => `${one}.`));
  if (mode === 'ahead') lines.push('Submissions that are still to come are not in it.');
  const width = Math.min(page.width, 100);
  return [
    '',
    ...lines.flatMap((line) => wrap(line, width)).map((line) => paint(page, 'faint', line)),
  ];
}

const spanOf = (ms: number | null, page: Page): string =>
  ms === null ? glyph(page, 'unknown') : formatSpan(ms);

const percent = (share: number): string => `${Math.round(share * 100)}%`;

const dollars = (micro: number): string => `$${(micro / 1_000_000).toFixed(2)}`;
