import type {
  NodeList,
  Status,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadList,
} from '../../api/contract/documents.ts';
import type { AlertList } from '../../api/contract/telemetry-documents.ts';
import { resourceBar } from '../bar.ts';
import { formatBytes, formatBytesOf, formatCores, formatPercent, formatSpan } from '../format.ts';
import { glyph, type Page, paint, type Tone } from '../page.ts';
import { renderProgress } from '../progress.ts';
import { type Cell, type Column, renderTable } from '../table.ts';
import { displayWidth, grouped, padEnd, printable, truncate, wrap } from '../text.ts';
import { workloadColumns, workloadRow } from '../workload-table.ts';
import type { WorkloadUse } from './task-use.ts';
import { type TopState, visibleWorkloads } from './top-state.ts';

/** What is shown, as of `at`. */
export interface TopData {
  readonly at: number;
  readonly status: Status;
  readonly nodes: NodeList;
  readonly usage: Usage;
  readonly list: WorkloadList;
  /** Of the selected workload, while its page is open. */
  readonly detail: { readonly document: WorkloadDocument; readonly why: Why } | undefined;
  /** Undefined where the daemon has none. */
  readonly alerts: AlertList | undefined;
  /** By workload; undefined where the daemon does not measure. */
  readonly use: ReadonlyMap<string, WorkloadUse> | undefined;
  /** Why nothing newer could be had; undefined while it is live. */
  readonly trouble: string | undefined;
}

interface FrameOptions {
  readonly page: Page;
  readonly rows: number;
  readonly now: number;
}

/** One screen: exactly `rows` lines, none wider than the page. */
export function renderTop(
  data: TopData,
  state: TopState,
  options: FrameOptions,
): readonly string[] {
  const { page, rows } = options;
  const head = headLines(data, options);
  const foot = footLine(state, page);
  const room = rows - head.length - 1;
  const body = bodyLines(data, state, { ...options, rows: room }).slice(0, room);
  const filler = Array.from({ length: Math.max(0, room - body.length) }, () => '');
  return [...head, ...body, ...filler, foot].slice(0, rows);
}

function bodyLines(data: TopData, state: TopState, options: FrameOptions): readonly string[] {
  if (state.view === 'help') return helpLines(options.page);
  if (state.view === 'detail') return detailLines(data, options);
  return listLines(data, state, options);
}

function headLines(data: TopData, { page, now }: FrameOptions): readonly string[] {
  const { status, trouble } = data;
  const age = Math.max(0, now - data.at);
  const fresh =
    trouble === undefined
      ? paint(page, 'done', `${glyph(page, 'live')} live`)
      : paint(page, 'failed', `no answer for ${formatSpan(age)}`);
  const title = truncate(
    page,
    `Berth on ${printable(status.host)}, up ${formatSpan(status.now - status.started_at)}`,
    page.width - displayWidth(fresh) - 2,
  );
  const gap = page.width - displayWidth(title) - displayWidth(fresh);
  return [
    `${paint(page, 'strong', title)}${' '.repeat(Math.max(1, gap))}${fresh}`,
    truncate(page, sentence(data), page.width),
    ...needsYouLine(data, page),
    ...meterLines(data, page),
    '',
  ];
}

/** `2 running, 1 waiting, 40 ended. eval-13b waits: asks 2 GPUs; lab-3 has 1 free.` */
function sentence({ status, list, trouble }: TopData): string {
  if (trouble !== undefined) return printable(trouble);
  const { running, waiting, ended } = status.counts;
  const counts = `${grouped(running)} running, ${grouped(waiting)} waiting, ${grouped(ended)} ended.`;
  if (status.journal.stalled !== null) return `${printable(status.journal.stalled)} ${counts}`;
  const first = list.workloads.findLast(
    (workload) => workload.status === 'waiting' && workload.reason !== null,
  );
  if (first === undefined) return counts;
  return `${counts} ${printable(first.name)} waits: ${printable(first.reason!)}`;
}

/** `✕ Needs you: /scratch has 3.1 GiB free, less than 5 GiB. (1 more: berth alerts)`, while something fires. */
function needsYouLine({ alerts }: TopData, page: Page): readonly string[] {
  const firing = (alerts?.alerts ?? []).filter(
    ({ state, muted_by }) => state === 'firing' && muted_by === null,
  );
  const [worst] = firing;
  if (worst === undefined) return [];
  const more = firing.length === 1 ? '' : ` (${firing.length - 1} more: berth alerts)`;
  const lead = `${glyph(page, 'failed')} Needs you: `;
  const room = page.width - displayWidth(lead) - displayWidth(more);
  const told = `${truncate(page, printable(worst.sentence), Math.max(0, room))}${more}`;
  const tone = worst.severity === 'critical' ? 'failed' : 'waiting';
  return [paint(page, tone, truncate(page, `${lead}${told}`, page.width))];
}

function meterLines(data: TopData, page: Page): readonly string[] {
  const { nodes, usage } = data;
  const sum = (of: (node: NodeList['nodes'][number]) => number): number =>
    nodes.nodes.reduce((total, node) => total + of(node), 0);
  const cores = sum((node) => node.allocatable.cpu_milli);
  const heldCores = sum((node) => node.held.cpu_milli);
  const memory = usage.memory_total_bytes ?? sum((node) => node.allocatable.memory_bytes);
  const heldMemory = sum((node) => node.held.memory_bytes);
  const gpus = sum((node) => node.allocatable.gpu_milli);
  const heldGpus = sum((node) => node.gpus.reduce((held, gpu) => held + gpu.held_milli, 0));
  const busy = latest(usage.cpu_ratio);
  const usedMemory = latest(usage.memory_used_bytes);
  const unknown = glyph(page, 'unknown');
  const width = page.width >= 100 ? 40 : 24;
  const meter = (
    name: string,
    tone: Tone,
    amounts: Parameters<typeof resourceBar>[2],
    text: string,
  ): string =>
    truncateAfter(page, `${padEnd(name, 4)}${resourceBar(page, tone, amounts, width)} `, text);
  const lines = [
    meter(
      'cpu',
      'cpu',
      { used: busy === null ? null : busy * cores, held: heldCores, total: cores },
      `${busy === null ? unknown : formatPercent(busy)} used, ${formatCores(heldCores)} of ${formatCores(cores)} cores given out`,
    ),
    meter(
      'mem',
      'memory',
      { used: usedMemory, held: heldMemory, total: memory },
      `${formatBytesOf(usedMemory, memory, unknown)} used, ${formatBytesOf(heldMemory, memory, unknown)} given out`,
    ),
  ];
  if (gpus > 0) {
    const amounts = { used: null, held: heldGpus, total: gpus };
    lines.push(
      meter(
        'gpu',
        'gpu',
        amounts,
        `${formatCores(heldGpus)} of ${formatCores(gpus)} GPUs given out`,
      ),
    );
  }
  return [...lines, pressureLine(usage, page)];
}

/** Share of the last interval in which something had to wait for the resource (PSI some). */
function pressureLine(usage: Usage, page: Page): string {
  const unknown = glyph(page, 'unknown');
  const part = (name: string, values: readonly (number | null)[]): string => {
    const value = latest(values);
    return `${name} ${value === null ? unknown : `${(value * 100).toFixed(1)}%`}`;
  };
  const parts = [
    part('cpu', usage.cpu_pressure_ratio),
    part('memory', usage.memory_pressure_ratio),
    part('io', usage.io_pressure_ratio),
  ];
  return paint(page, 'faint', truncate(page, `waits for ${parts.join(', ')}`, page.width));
}

const latest = (values: readonly (number | null)[]): number | null => values.at(-1) ?? null;

const truncateAfter = (page: Page, lead: string, text: string): string =>
  lead + truncate(page, text, Math.max(0, page.width - displayWidth(lead)));

function listLines(data: TopData, state: TopState, options: FrameOptions): readonly string[] {
  const { page, rows, now } = options;
  const workloads = visibleWorkloads(data.list.workloads, state);
  if (workloads.length === 0) {
    return [
      state.filter === ''
        ? 'Nothing was submitted yet: berth run FILE'
        : `Nothing matches ${printable(state.filter)}.`,
    ];
  }
  const at = Math.max(
    0,
    workloads.findIndex(({ id }) => id === state.selected),
  );
  const height = Math.max(1, rows - 1);
  const from = Math.max(0, Math.min(at - Math.floor(height / 2), workloads.length - height));
  const shown = workloads.slice(from, from + height);
  const inner = { ...page, width: page.width - 2 };
  const [header, ...lines] = renderTable(
    inner,
    columnsOf(data),
    shown.map((workload) => rowOf(workload, data, { page, now })),
  );
  return [
    `  ${header}`,
    ...lines.map((line, i) => {
      const isSelected = from + i === at;
      return isSelected ? `${paint(page, 'strong', glyph(page, 'pointer'))} ${line}` : `  ${line}`;
    }),
  ];
}

/** After which column of workloads its use stands. */
const USE_AFTER = workloadColumns.findIndex(({ title }) => title === 'TASKS') + 1;
const useColumns: readonly Column[] = [
  { title: 'CPUS', align: 'right' },
  { title: 'MEMORY', align: 'right' },
];

/** What tasks use has columns where the daemon measures it. */
const columnsOf = ({ use }: TopData): readonly Column[] =>
  use === undefined ? workloadColumns : workloadColumns.toSpliced(USE_AFTER, 0, ...useColumns);

function rowOf(
  workload: WorkloadList['workloads'][number],
  { use }: TopData,
  { page, now }: Pick<FrameOptions, 'page' | 'now'>,
): readonly Cell[] {
  const row = workloadRow(workload, page, now);
  if (use === undefined) return row;
  const measured = use.get(workload.id);
  // The sum of some of its tasks would be too little.
  const isWhole = measured !== undefined && measured.tasks >= workload.tasks.running;
  const unknown = glyph(page, 'unknown');
  const { cpus, memoryBytes } = isWhole ? measured : {};
  return row.toSpliced(
    USE_AFTER,
    0,
    cpus === undefined ? unknown : cpus.toFixed(2),
    memoryBytes === undefined ? unknown : formatBytes(memoryBytes),
  );
}

function detailLines(data: TopData, options: FrameOptions): readonly string[] {
  const { page, rows, now } = options;
  if (data.detail === undefined) return ['Reading it…'];
  const { document, why } = data.detail;
  const reasons = wrap(printable(why.sentence), page.width).slice(0, 4);
  const commands = `berth logs ${document.id} -f ${glyph(page, 'dot')} berth why ${document.id} ${glyph(page, 'dot')} berth cancel ${document.id}`;
  const room = Math.max(3, rows - reasons.length - 3);
  return [
    ...renderProgress(document, { page, now, rows: room }),
    '',
    ...reasons,
    '',
    paint(page, 'faint', truncate(page, commands, page.width)),
  ];
}

const keyRows: readonly (readonly [string, string])[] = [
  ['j, down', 'next workload'],
  ['k, up', 'previous workload'],
  ['g, G', 'first, last'],
  ['enter', 'open it'],
  ['esc, q', 'back; on the list: clear the filter, end'],
  ['/', 'filter by id, name, state or queue'],
  ['s', 'sort by newest, state, name'],
  ['?', 'these keys'],
];

function helpLines(page: Page): readonly string[] {
  return [
    ...keyRows.map(([keys, meaning]) => `  ${padEnd(keys, 10)}${meaning}`),
    '',
    ...wrap(
      `In bars, ${glyph(page, 'full')} is used, ${glyph(page, 'empty')} is given out to workloads beyond that, and ${glyph(page, 'tick')} is the end of what there is.`,
      page.width,
      '  ',
    ),
  ];
}

function footLine(state: TopState, page: Page): string {
  if (state.isTyping) return truncate(page, `/${state.filter}_`, page.width);
  if (state.view !== 'list') return paint(page, 'faint', truncate(page, 'q back', page.width));
  const filter = state.filter === '' ? '' : `filter ${state.filter} (esc clears)  `;
  const keys = `${filter}sort ${state.sort}  j k move  enter open  / filter  s sort  ? keys  q quit`;
  return paint(page, 'faint', truncate(page, keys, page.width));
}
