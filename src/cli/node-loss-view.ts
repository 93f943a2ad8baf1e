import type { NodeLossDocument } from '../api/contract/what-if-documents.ts';
import { formatMoment, formatSpan } from './format.ts';
import { type Page, paint } from './page.ts';
import { renderTable } from './table.ts';
import { count, printable } from './text.ts';

interface Around {
  readonly page: Page;
  readonly now: number;
  /** So many are shown. */
  readonly tasks: number;
}

/** What becomes of what runs on a node that is lost. */
export function renderNodeLoss(
  loss: NodeLossDocument,
  { page, now, tasks }: Around,
): readonly string[] {
  const { lost, lost_total: all, deadlines_missed: missed, delayed } = loss;
  if (all === 0) return [`Nothing runs on ${printable(loss.node)}.`];
  const rows = lost
    .slice(0, tasks)
    .map(({ task, name, redone_ms: redone, again_at: at, again_on: on, why }) => [
      task,
      printable(name),
      redone === 0 ? '' : formatSpan(redone),
      at === null ? 'never' : formatMoment(at, now),
      at === null ? printable(why ?? '') : printable(on ?? ''),
    ]);
  const columns = [
    { title: 'LOST' },
    { title: 'NAME', min: 6 },
    { title: 'DONE AGAIN', align: 'right' as const },
    { title: 'AGAIN' },
    { title: 'ON', min: 6 },
  ];
  const more = all - rows.length;
  const back =
    loss.recovered_at === null
      ? 'Some of them never have a place again.'
      : `All have a place again after ${formatSpan(loss.recovered_at - now)}.`;
  return [
    ...renderTable(page, columns, rows),
    ...(more > 0 ? [paint(page, 'faint', `  ${count(more, 'more')} with --json`)] : []),
    [
      back,
      ...(delayed > 0
        ? [`${count(delayed, 'other job')} ${delayed === 1 ? 'is' : 'are'} later.`]
        : []),
      ...(missed.length > 0 ? [`Late by it: ${missed.join(', ')}.`] : []),
    ].join(' '),
    ...loss.services.map(
      ({ name, replicas_lost: gone, replicas_left: left, short_ms: short }) =>
        `${printable(name)} loses ${gone} of ${gone + left} replicas ${short === null ? 'for good' : `for ${formatSpan(short)}`}.`,
    ),
  ];
}
