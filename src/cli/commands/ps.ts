import type { WorkloadList } from '../../api/contract/documents.ts';
import type { TenantId } from '../../model/ids.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { glyph, type Page, paint } from '../page.ts';
import { calibrationLine } from '../start-times.ts';
import { renderTable } from '../table.ts';
import { count, printable } from '../text.ts';
import { startColumns, startRow, workloadColumns, workloadRow } from '../workload-table.ts';

const LIMIT_DEFAULT = 50;

export const ps = defineCommand({
  name: 'ps',
  group: 'Work',
  summary: 'List what runs and waits, and why it waits',
  options: {
    all: { kind: 'flag', short: 'a', summary: 'what has ended, too' },
    start: { kind: 'flag', summary: 'when what waits is likely to start, and between which times' },
    queue: { kind: 'text', value: 'name', summary: 'only of this queue and those below it' },
    tenant: { kind: 'text', value: 'name', summary: 'only of this user or program' },
    limit: {
      kind: 'count',
      value: 'n',
      min: 1,
      max: 1_000,
      summary: `how many at most, newest first (${LIMIT_DEFAULT})`,
    },
  },
  json: 'WorkloadList: {workloads, total}; with --start calibration, too',
  async run({ options }, world) {
    const client = await world.daemons.connect();
    const list = await client.workloads({
      state: options.all ? 'all' : 'active',
      limit: options.limit ?? LIMIT_DEFAULT,
      offset: 0,
      queue: options.queue,
      tenant: options.tenant as TenantId | undefined,
      starts: options.start,
    });
    const now = world.now();
    return {
      document: list,
      view: (page) => renderWorkloads(list, { page, now, all: options.all, queue: options.queue }),
      exit: EXIT.ok,
    };
  },
});

export function renderWorkloads(
  list: WorkloadList,
  options: {
    readonly page: Page;
    readonly now: number;
    readonly all: boolean;
    readonly queue?: string | undefined;
  },
): readonly string[] {
  const { page, now, all, queue } = options;
  if (list.workloads.length === 0 && queue !== undefined) {
    return [`Nothing ${all ? 'was submitted to' : 'runs or waits in'} queue ${printable(queue)}.`];
  }
  if (list.workloads.length === 0) {
    return [
      all
        ? 'Nothing was submitted yet: `berth run FILE`.'
        : 'Nothing runs or waits: `berth run FILE`, or `berth ps --all` for what has ended.',
    ];
  }
  const hidden = list.total - list.workloads.length;
  return [
    ...renderTable(
      page,
      list.calibration === undefined ? workloadColumns : startColumns,
      list.workloads.map((workload) =>
        list.calibration === undefined
          ? workloadRow(workload, page, now)
          : startRow(workload, page, now),
      ),
    ),
    ...(list.calibration === undefined
      ? []
      : [paint(page, 'faint', calibrationLine(list.calibration))]),
    ...(hidden > 0
      ? [
          paint(
            page,
            'faint',
            `${glyph(page, 'ellipsis')} and ${count(hidden, 'more', 'more')}: --limit`,
          ),
        ]
      : []),
  ];
}
