import type { AttemptDocument, StepDocument, WorkloadDocument } from '../api/contract/documents.ts';
import { taskBar } from './bar.ts';
import { estimateRemaining, stepEstimate } from './estimate.ts';
import { formatBytesOf, formatCores, formatSpan } from './format.ts';
import { glyph, type Page, paint } from './page.ts';
import { hasEnded, stateLook } from './status-word.ts';
import { count, displayWidth, grouped, padEnd, padStart, printable, truncate } from './text.ts';

const NAME_MAX = 20;
const WIDE_PAGE = 100;

/** The live view of one workload: a sentence, then a line per step, at most `rows` lines in all. */
export function renderProgress(
  document: WorkloadDocument,
  options: { readonly page: Page; readonly now: number; readonly rows: number },
): readonly string[] {
  const { page, now, rows } = options;
  const shown = selectSteps(document.steps, Math.max(1, rows - 2));
  const nameWidth = Math.min(
    NAME_MAX,
    Math.max(...shown.map((step) => displayWidth(printable(step.id)))),
  );
  const countWidth = Math.max(...shown.map((step) => countText(step).length));
  const lines = [
    truncateHeader(page, header(document, now, page)),
    ...shown.map((step) => stepLine(step, { page, now, nameWidth, countWidth })),
  ];
  const hidden = document.steps.length - shown.length;
  if (hidden > 0) lines.push(paint(page, 'faint', `  ${count(hidden, 'more step')}`));
  return lines;
}

/** `train (12) running 42s · 3 of 9 tasks done · about 35s left`. */
function header(document: WorkloadDocument, now: number, page: Page): string {
  const { workload, status, steps, id } = document;
  const total = steps.reduce((sum, step) => sum + step.tasks.total, 0);
  const done = steps.reduce((sum, step) => sum + step.tasks.succeeded, 0);
  const since = workload.started_at ?? workload.submitted_at;
  const parts = [
    `${printable(workload.name)} (${id}) ${stateLook(status).word} ${formatSpan((workload.ended_at ?? now) - since)}`,
    `${grouped(done)} of ${count(total, 'task')} done`,
  ];
  const left = hasEnded(status) ? undefined : estimateRemaining(document, now);
  if (left !== undefined) parts.push(`about ${formatSpan(left)} left`);
  return parts.join(` ${glyph(page, 'dot')} `);
}

const truncateHeader = (page: Page, text: string): string =>
  paint(page, 'strong', truncate(page, text, page.width));

function stepLine(
  step: StepDocument,
  at: {
    readonly page: Page;
    readonly now: number;
    readonly nameWidth: number;
    readonly countWidth: number;
  },
): string {
  const { page, now, nameWidth, countWidth } = at;
  const look = stateLook(step.state);
  const barWidth = page.width >= WIDE_PAGE ? 20 : 12;
  const spent =
    step.started_at === null ? '' : formatSpan((step.ended_at ?? now) - step.started_at);
  const lead = [
    paint(page, look.tone, glyph(page, look.glyph)),
    padEnd(truncate(page, printable(step.id), nameWidth), nameWidth),
    taskBar(page, step.tasks, barWidth),
    padStart(countText(step), countWidth),
    padStart(spent, 6),
  ].join(' ');
  const room = page.width - displayWidth(lead) - 2;
  const remark = truncate(page, remarkOn(step, now, page), room);
  return `${lead}  ${step.state === 'failed' ? paint(page, 'failed', remark) : remark}`.trimEnd();
}

const countText = (step: StepDocument): string => `${step.tasks.succeeded}/${step.tasks.total}`;

function remarkOn(step: StepDocument, now: number, page: Page): string {
  const parts = [];
  const last = lastAttempt(step);
  switch (step.state) {
    case 'waiting':
      parts.push(whyWaiting(step));
      break;
    case 'running': {
      if (step.tasks.total > 1) parts.push(`${step.tasks.running} running`);
      const left = stepEstimate(step, now);
      if (left !== undefined) parts.push(`~${formatSpan(left)} left`);
      if (step.tasks.running === 0) parts.push(whyWaiting(step));
      parts.push(retryRemark(step));
      break;
    }
    case 'failed':
      parts.push(last?.cause ?? 'failed');
      break;
    case 'succeeded':
      parts.push(retryRemark(step));
      break;
    case 'cancelled':
    case 'skipped':
      parts.push(step.state);
      break;
  }
  if (last !== undefined) parts.push(...usedBy(last, page));
  return parts.filter((part) => part !== '').join(` ${glyph(page, 'dot')} `);
}

function whyWaiting(step: StepDocument): string {
  const [reason] = step.waiting_for;
  if (reason !== undefined) return printable(reason.sentence).replace(/\.$/, '');
  return step.needs.length > 0 ? `waits for ${printable(step.needs.join(', '))}` : 'waits';
}

/** `try 2 after oom-killed`, about the newest attempt that is not the first of its task. */
function retryRemark(step: StepDocument): string {
  const last = lastAttempt(step);
  if (last === undefined || last.number === 1) return '';
  const before = step.attempts.findLast(
    (attempt) => attempt.task === last.task && attempt.number === last.number - 1,
  );
  const after = before?.cause == null ? '' : ` after ${before.cause}`;
  return `try ${last.number}${after}`;
}

/** CPU in cores over its wall time, and memory at its peak against the limit, where they are known. */
function usedBy(attempt: AttemptDocument, page: Page): readonly string[] {
  const parts = [];
  if (attempt.cpu_ms !== null && attempt.wall_ms !== null && attempt.wall_ms > 0) {
    parts.push(`cpu ${formatCores((attempt.cpu_ms / attempt.wall_ms) * 1_000)}`);
  }
  if (attempt.memory_peak_bytes !== null) {
    const unknown = glyph(page, 'unknown');
    parts.push(
      `mem ${formatBytesOf(attempt.memory_peak_bytes, attempt.memory_limit_bytes, unknown)}`,
    );
  }
  return parts;
}

function lastAttempt(step: StepDocument): AttemptDocument | undefined {
  return step.attempts.findLast((attempt) => attempt.state !== 'ended') ?? step.attempts.at(-1);
}

/** In document order, all if they fit; else first what moves, then what failed, then the rest. */
function selectSteps(steps: readonly StepDocument[], max: number): readonly StepDocument[] {
  if (steps.length <= max) return steps;
  const rank = {
    running: 0,
    failed: 1,
    waiting: 2,
    cancelled: 3,
    skipped: 3,
    succeeded: 4,
  } as const;
  const kept = new Set(
    steps
      .map((step, i) => ({ step, i }))
      .sort((a, b) => rank[a.step.state] - rank[b.step.state] || a.i - b.i)
      .slice(0, max - 1)
      .map(({ step }) => step),
  );
  return steps.filter((step) => kept.has(step));
}
