import type { QueueDocument, QueueList, WaitingFor } from '../api/contract/queue-documents.ts';
import { formatBytes, formatCores, formatPercent } from './format.ts';
import { glyph, type Page, paint } from './page.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { grouped, printable, wrap } from './text.ts';

type Amounts = QueueDocument['held'];
type Limits = QueueDocument['limit'];

const BAR_WIDTH = 10;
const RESOURCES = ['gpu_milli', 'cpu_milli', 'memory_bytes'] as const;

const columns: readonly Column[] = [
  { title: 'QUEUE', min: 10 },
  { title: 'USE' },
  { title: 'HELD', min: 8 },
  { title: 'GUARANTEED', drop: 2 },
  { title: 'LIMIT', drop: 1 },
  { title: 'SHARE', align: 'right' },
  { title: 'FAIR', align: 'right', drop: 3 },
  { title: 'RUN', align: 'right' },
  { title: 'WAIT', align: 'right' },
];

/** The tree, a line a queue: what it holds against guarantee and limit. */
export function queueTable(page: Page, { queues, capacity }: QueueList): readonly string[] {
  const least = Math.min(...queues.map(({ depth }) => depth));
  return renderTable(
    page,
    columns,
    queues.map((queue): readonly Cell[] => [
      `${glyph(page, 'rule').repeat(queue.depth - least)} ${lastPart(queue)}`,
      { text: useBar(page, queue, capacity), tone: 'running' },
      amountsText(queue.held, page),
      amountsText(queue.guaranteed, page),
      amountsText(queue.limit, page),
      formatPercent(queue.share_ratio),
      formatPercent(queue.entitled_ratio),
      grouped(queue.running),
      grouped(queue.waiting),
    ]),
  );
}

/** Who waits for what, a line a reason, the one that must change first above. */
export function waitingLines(page: Page, waitingFor: readonly WaitingFor[]): readonly string[] {
  const codes = Math.max(0, ...waitingFor.map(({ code }) => code.length));
  const counts = Math.max(0, ...waitingFor.map(({ tasks }) => grouped(tasks).length));
  return waitingFor.flatMap(({ code, tasks, first }) => {
    const head = `  ${grouped(tasks).padStart(counts)} ${code.padEnd(codes)}  `;
    const lines = wrap(
      first === null
        ? 'work of others'
        : `${printable(first.task ?? first.workload)}: ${printable(first.sentence)}`,
      Math.max(20, page.width - head.length),
    );
    return lines.map((line, i) => {
      return i === 0 ? paint(page, 'waiting', head) + line : ' '.repeat(head.length) + line;
    });
  });
}

/** `4 cpu 8 GiB 1 gpu`: what there is of each; an em dash for nothing, or for no limit. */
export function amountsText(amounts: Amounts | Limits, page: Page): string {
  const { cpu_milli: cpu, memory_bytes: memory, gpu_milli: gpu } = amounts;
  const parts = [
    cpu !== null && cpu > 0 ? `${formatCores(cpu)} cpu` : '',
    memory !== null && memory > 0 ? formatBytes(memory) : '',
    gpu !== null && gpu > 0 ? `${formatCores(gpu)} gpu` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? glyph(page, 'unknown') : parts.join(' ');
}

/**
 * Of the resource of which it holds the largest part: what it holds is filled, what of its guarantee it does
 * not hold is outlined, its limit is a tick; the whole is what the site has.
 */
function useBar(page: Page, queue: QueueDocument, capacity: Amounts): string {
  const of = RESOURCES.reduce((best, resource) => {
    const part = (r: typeof best): number => queue.held[r] / Math.max(1, capacity[r]);
    const guarantee = (r: typeof best): number => queue.guaranteed[r] / Math.max(1, capacity[r]);
    if (part(resource) !== part(best)) return part(resource) > part(best) ? resource : best;
    return guarantee(resource) > guarantee(best) ? resource : best;
  });
  const cells = (amount: number): number =>
    Math.min(BAR_WIDTH, Math.ceil((amount / Math.max(1, capacity[of])) * BAR_WIDTH));
  const held = cells(queue.held[of]);
  const guaranteed = Math.max(held, cells(queue.guaranteed[of]));
  const limit = queue.limit[of];
  const bar = [
    glyph(page, 'full').repeat(held),
    glyph(page, 'empty').repeat(guaranteed - held),
    glyph(page, 'dot').repeat(BAR_WIDTH - guaranteed),
  ].join('');
  const at = limit === null || limit >= capacity[of] ? BAR_WIDTH : Math.max(held, cells(limit));
  return bar.slice(0, at) + glyph(page, 'tick') + bar.slice(at);
}

/** A team is shown below its queue. */
const lastPart = ({ kind, name }: QueueDocument): string =>
  kind === 'team' ? name.slice(name.lastIndexOf('/') + 1) : name;
