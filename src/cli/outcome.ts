import type { AttemptDocument, StepDocument, WorkloadDocument } from '../api/contract/documents.ts';
import { formatBytesOf, formatCores, formatSpan } from './format.ts';
import { glyph, type Page, paint } from './page.ts';
import { causeCell, stateLook } from './status-word.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { count, enumerate, printable, wrap } from './text.ts';

/** Of one step: all that did not succeed, and this many of those that did. */
const SUCCEEDED_ROWS_MAX = 12;
const OTHER_ROWS_MAX = 40;
const MESSAGES_MAX = 8;

const columns: readonly Column[] = [
  { title: 'STEP', min: 8 },
  { title: 'TRY', align: 'right' },
  { title: 'CAUSE' },
  { title: 'EXIT', align: 'right' },
  { title: 'WALL', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'CPU/LIMIT', align: 'right' },
  { title: 'MEMORY/LIMIT', align: 'right' },
  { title: 'ENFORCED BY', drop: 1 },
];

/** What each attempt used and why it ended; what `run` and `wait` print at the end. */
export function renderOutcome(document: WorkloadDocument, page: Page): readonly string[] {
  const rows = document.steps.flatMap((step) => stepRows(page, step));
  const attempts = document.steps.flatMap((step) => step.attempts);
  return [
    ...wrap(outcomeSentence(document, page), page.width),
    '',
    ...(rows.length > 0 ? renderTable(page, columns, rows) : ['  Nothing was started.']),
    ...hiddenLines(document.steps, page),
    '',
    ...enforcementLines(attempts, page),
    ...messageLines(attempts, page),
    ...noteLines(document, page),
    ...nextLines(document, page),
  ];
}

/** A limit that the whole came to, and what steps came to that started nothing. */
function noteLines({ steps, limit_reached }: WorkloadDocument, page: Page): string[] {
  const notes = steps.flatMap(({ id, note }) => (note === undefined ? [] : [`${id}: ${note}`]));
  const lines = [...(limit_reached === undefined ? [] : [limit_reached.message]), ...notes];
  return lines.slice(0, MESSAGES_MAX).flatMap((line) => wrap(printable(line), page.width));
}

/** `✓ train (12) is done after 1m 02s: 5 steps, 9 tasks, 11 attempts.` */
function outcomeSentence(document: WorkloadDocument, page: Page): string {
  const { workload, steps, status, id } = document;
  const look = stateLook(status);
  const tasks = steps.reduce((sum, step) => sum + step.tasks.total, 0);
  const attempts = steps.reduce((sum, step) => sum + step.attempts.length, 0);
  const spent =
    workload.ended_at === null
      ? ''
      : ` after ${formatSpan(workload.ended_at - workload.submitted_at)}`;
  const mark = paint(page, look.tone, glyph(page, look.glyph));
  const verb =
    status === 'succeeded' ? 'is done' : status === 'failed' ? 'failed' : `is ${look.word}`;
  const counts = `${count(steps.length, 'step')}, ${count(tasks, 'task')}, ${count(attempts, 'attempt')}`;
  return `${mark} ${printable(workload.name)} (${id}) ${verb}${spent}: ${counts}.`;
}

function stepRows(page: Page, step: StepDocument): readonly (readonly Cell[])[] {
  return shownAttempts(step).map((attempt) => attemptRow(page, step, attempt));
}

function shownAttempts(step: StepDocument): readonly AttemptDocument[] {
  let succeeded = 0;
  let others = 0;
  return step.attempts.filter((attempt) =>
    attempt.cause === 'succeeded' ? ++succeeded <= SUCCEEDED_ROWS_MAX : ++others <= OTHER_ROWS_MAX,
  );
}

function attemptRow(page: Page, step: StepDocument, attempt: AttemptDocument): readonly Cell[] {
  const unknown = glyph(page, 'unknown');
  const index = attempt.task.slice(attempt.task.lastIndexOf('.') + 1);
  const { wall_ms: wall, cpu_ms: cpu } = attempt;
  return [
    step.tasks.total > 1 ? `${step.id}.${index}` : step.id,
    String(attempt.number),
    causeCell(page, attempt),
    exitText(attempt, unknown),
    wall === null ? unknown : formatSpan(wall),
    cpu === null ? unknown : formatSpan(cpu),
    cpuOfLimit(step, attempt, unknown),
    formatBytesOf(attempt.memory_peak_bytes, attempt.memory_limit_bytes, unknown),
    attempt.enforced?.driver ?? unknown,
  ];
}

/** The exit code, or the signal without its SIG. */
function exitText(attempt: AttemptDocument, unknown: string): string {
  if (attempt.exit_code !== null) return String(attempt.exit_code);
  return attempt.signal === null ? unknown : attempt.signal.replace(/^SIG/, '');
}

/** Cores used on average over the wall time, of those that it may use: `0.49/0.5`. */
function cpuOfLimit(step: StepDocument, attempt: AttemptDocument, unknown: string): string {
  const { wall_ms: wall, cpu_ms: cpu } = attempt;
  const used =
    wall === null || cpu === null || wall === 0 ? unknown : formatCores((cpu / wall) * 1_000);
  return step.limits.cpu_milli === null ? used : `${used}/${formatCores(step.limits.cpu_milli)}`;
}

function hiddenLines(steps: readonly StepDocument[], page: Page): readonly string[] {
  return steps.flatMap((step) => {
    const shown = new Set(shownAttempts(step));
    const hidden = step.attempts.filter((attempt) => !shown.has(attempt));
    if (hidden.length === 0) return [];
    const longest = Math.max(...hidden.map((attempt) => attempt.wall_ms ?? 0));
    const text = `${glyph(page, 'ellipsis')} and ${count(hidden.length, 'more attempt')} of ${printable(step.id)}, the longest ${formatSpan(longest)}`;
    return [paint(page, 'faint', text)];
  });
}

/** What really held the attempts to their limits, in one sentence per way. */
function enforcementLines(attempts: readonly AttemptDocument[], page: Page): readonly string[] {
  const ways = new Map<string, number>();
  const notes = new Set<string>();
  for (const { enforced } of attempts) {
    if (enforced === null) continue;
    const { driver, cpu, memory, pids } = enforced;
    const way = `${driver} (cpu: ${cpu}, memory: ${memory}, processes: ${pids})`;
    ways.set(way, (ways.get(way) ?? 0) + 1);
    for (const note of enforced.notes) notes.add(printable(note));
    for (const { term, by, note } of enforced.terms ?? []) {
      if (by === 'none') notes.add(printable(`${term} was not enforced: ${note}`));
    }
  }
  if (ways.size === 0) return [];
  const known = [...ways.values()].reduce((a, b) => a + b, 0);
  const described = [...ways].map(([way, n]) => (n === known ? way : `${way} for ${n}`));
  return [
    ...wrap(`Limits were enforced by ${enumerate(described)}.`, page.width),
    ...[...notes].slice(0, MESSAGES_MAX).flatMap((note) => wrap(note, page.width, '  ')),
  ];
}

function messageLines(attempts: readonly AttemptDocument[], page: Page): readonly string[] {
  const told = attempts.filter((attempt) => attempt.message !== null);
  return told
    .slice(0, MESSAGES_MAX)
    .flatMap((attempt) => wrap(`${attempt.id}: ${printable(attempt.message!)}`, page.width));
}

function nextLines(document: WorkloadDocument, page: Page): readonly string[] {
  if (document.status !== 'failed') return [];
  const failed = document.steps.find((step) => step.state === 'failed');
  if (failed === undefined) return [];
  const logs = failed.attempts.length > 0 ? `berth logs ${document.id}.${failed.id} --stderr` : '';
  const commands = [logs, `berth why ${document.id}`].filter((command) => command !== '');
  return wrap(`Look closer: ${commands.join(` ${glyph(page, 'dot')} `)}`, page.width);
}
