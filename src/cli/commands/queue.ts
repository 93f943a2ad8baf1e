import type { PreemptionList } from '../../api/contract/preemption-documents.ts';
import type { QueueDocument, QueueList } from '../../api/contract/queue-documents.ts';
import { nearest } from '../../base/nearest.ts';
import { OperationError } from '../../model/errors.ts';
import { classTables } from '../class-table.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes, formatPercent, formatSpan } from '../format.ts';
import { glyph, type Page, paint } from '../page.ts';
import { preemptionLines } from '../preemption-lines.ts';
import { amountsText, queueTable, waitingLines } from '../queue-table.ts';
import { type Column, renderTable } from '../table.ts';
import { count, printable } from '../text.ts';

/** All that a state keeps. */
const PREEMPTIONS_MAX = 1_000;

export const queue = defineCommand({
  name: 'queue',
  group: 'Work',
  summary: 'Show the queues: what each holds against guarantee and limit, and who waits for what',
  details: [
    'Filled: held. Outlined: guaranteed and not held. Tick: the limit. SHARE is the largest part of the site that a queue holds of one resource, FAIR what it may have by weight beside those that want something, too.',
    'Reasons come in order of precedence: what stands above must change before the next one matters. `berth why ID` says more of one workload.',
  ],
  operand: {
    name: 'name',
    summary: 'of a queue: it and all below it, with its rules and tenants',
    required: false,
    many: false,
    complete: 'none',
  },
  options: {
    classes: {
      kind: 'flag',
      summary: 'priority classes and classes of service in place of the tree',
    },
    preemptions: {
      kind: 'flag',
      summary: 'who was stopped for whom in place of the tree, newest first, and why',
    },
  },
  json: 'QueueList: {now, capacity, queues}; PreemptionList with --preemptions; ClassList with --classes',
  examples: [
    'berth queue',
    'berth queue research',
    'berth queue --preemptions',
    'berth queue --classes',
  ],
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    if (options.classes) {
      const classes = await client.classes();
      return {
        document: classes,
        view: (page) => classTables(classes, page),
        exit: EXIT.ok,
      };
    }
    const list = await client.queues();
    const [name] = operands;
    const shown = name === undefined ? list : below(list, name);
    if (options.preemptions) {
      const found = ofQueues(await client.preemptions(PREEMPTIONS_MAX), shown);
      const now = world.now();
      return {
        document: found,
        view: (page) => renderPreemptions(found, page, now),
        exit: EXIT.ok,
      };
    }
    return {
      document: shown,
      view: (page) => renderQueues(shown, page, name !== undefined),
      exit: EXIT.ok,
    };
  },
});

/** Those in which tasks of these queues were stopped; a team's tasks are in its queue. */
function ofQueues(list: PreemptionList, { queues }: QueueList): PreemptionList {
  const names = new Set(queues.map(({ name }) => name));
  const preemptions = list.preemptions.filter(({ victims }) =>
    victims.some(({ queue: of }) => names.has(of)),
  );
  return { preemptions, total: list.total };
}

function renderPreemptions(
  { preemptions }: PreemptionList,
  page: Page,
  now: number,
): readonly string[] {
  if (preemptions.length === 0) return ['Nobody was stopped for others.'];
  return preemptions.flatMap((one) => preemptionLines(one, page, now));
}

function below(list: QueueList, name: string): QueueList {
  const names = new Set([name]);
  for (const { name: own, parent } of list.queues) {
    if (parent !== null && names.has(parent)) names.add(own);
  }
  const queues = list.queues.filter((one) => names.has(one.name));
  if (queues.length > 0) return { ...list, queues };
  const near = nearest(
    name,
    list.queues.map((one) => one.name),
  );
  throw new OperationError('NOT_FOUND', `There is no queue ${printable(name)}.`, {
    hint: near === undefined ? 'See `berth queue`.' : `Did you mean ${near}?`,
  });
}

export function renderQueues(list: QueueList, page: Page, inDetail: boolean): readonly string[] {
  const [top] = list.queues;
  if (top === undefined) return ['There are no queues.'];
  const { waiting, waiting_for: reasons } = top;
  return [
    ...queueTable(page, list),
    '',
    waiting === 0
      ? 'Nothing waits.'
      : `${count(waiting, 'task')} ${waiting === 1 ? 'waits' : 'wait'}:`,
    ...waitingLines(page, reasons),
    ...spilledLines(list),
    ...(inDetail ? ['', ...detailLines(top, page), ...tenantLines(list, page)] : []),
  ];
}

/** What holds for the queue, a line a rule. */
function detailLines(top: QueueDocument, page: Page): readonly string[] {
  const unlimited = 'unlimited';
  const cap = (max: number | null, now: number | null): string =>
    max === null ? unlimited : `${now ?? glyph(page, 'unknown')} of ${max}`;
  const rows: readonly (readonly [string, string])[] = [
    ['order', `${top.order}, ${top.fifo === 'strict' ? 'strictly in turn' : 'best effort'}`],
    ['weight', `${top.weight}, priority ${top.priority}`],
    ['guaranteed', amountsText(top.guaranteed, page)],
    ['borrowed', amountsText(top.borrowed, page)],
    ['limit', amountsText(top.limit, page)],
    ['running', cap(top.running_max, top.running)],
    ['active', cap(top.active_max, top.active)],
    ['when full', whenFull(top)],
    ['reclaim', top.reclaim],
  ];
  return rows.map(([name, value]) => `${paint(page, 'faint', name.padEnd(11))}${value}`);
}

const whenFull = ({ overflow_policy: policy, guaranteed_processing: guaranteed }: QueueDocument) =>
  `${policy}${guaranteed ? '; what it accepts is never given up' : ''}`;

/** Of queues that nothing is below: what waits on disk for each, and how much that takes. */
function spilledLines({ queues, now }: QueueList): readonly string[] {
  const above = new Set(queues.filter(({ kind }) => kind !== 'team').map(({ parent }) => parent));
  return queues.flatMap(({ name, spilled }) => {
    if (spilled.submissions === 0 || above.has(name)) return [];
    const { submissions, bytes, kept_bytes: kept, oldest_at: oldest } = spilled;
    const ratio = kept < bytes ? `, of ${formatBytes(bytes)} uncompressed` : '';
    const since = oldest === null ? '' : `; the first for ${formatSpan(now - oldest)}`;
    const wait = `${count(submissions, 'submission')} ${submissions === 1 ? 'waits' : 'wait'}`;
    return [`${wait} on disk for ${printable(name)}: ${formatBytes(kept)}${ratio}${since}`];
  });
}

const tenantColumns: readonly Column[] = [
  { title: 'TENANT', min: 8 },
  { title: 'QUEUE', min: 8, drop: 1 },
  { title: 'HELD', min: 8 },
  { title: 'SHARE', align: 'right' },
  { title: 'WEIGHT', align: 'right' },
  { title: 'RUN', align: 'right' },
  { title: 'USED', align: 'right' },
];

function tenantLines({ queues }: QueueList, page: Page): readonly string[] {
  const rows = queues.flatMap(({ name, tenants }) =>
    tenants.map((one) => [
      one.tenant,
      name,
      amountsText(one.held, page),
      formatPercent(one.share_ratio),
      String(one.weight),
      one.running_max === null ? String(one.running) : `${one.running}/${one.running_max}`,
      usedText(one.usage, page),
    ]),
  );
  return rows.length === 0 ? [] : ['', ...renderTable(page, tenantColumns, rows)];
}

/** Decayed use as time of one GPU, or of one CPU where no GPU was used. */
function usedText(usage: QueueDocument['tenants'][number]['usage'], page: Page): string {
  const { gpu_milli_seconds: gpu, cpu_milli_seconds: cpu } = usage;
  if (gpu !== null && gpu > 0) return `${formatSpan(gpu)} gpu`;
  return cpu === null ? glyph(page, 'unknown') : `${formatSpan(cpu)} cpu`;
}
