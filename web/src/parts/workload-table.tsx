import type { WorkloadSummary } from '../../../src/api/contract/documents.ts';
import { UNKNOWN } from '../format.ts';
import { workloadHref } from '../router.ts';
import { Mark } from './mark.tsx';
import { Ago, Lasting, StartInterval } from './moments.tsx';
import { type Column, RowTable } from './row-table.tsx';
import { TaskProgress } from './task-progress.tsx';

const name: Column<WorkloadSummary> = {
  head: 'Workload',
  class: 'col-name',
  cell: ({ id, name, status }) => (
    <span class="workload-name">
      <Mark state={status} />
      <span class="name">{name}</span>
      <span class="id">#{id}</span>
    </span>
  ),
};

const state: Column<WorkloadSummary> = {
  head: 'State',
  class: 'col-state wide',
  cell: ({ status }) => (
    <span class={`state-word ${status}`}>{status === 'succeeded' ? 'done' : status}</span>
  ),
};

const tasks: Column<WorkloadSummary> = {
  head: 'Tasks',
  class: 'col-tasks',
  cell: ({ tasks }) => <TaskProgress tasks={tasks} />,
};

const reason: Column<WorkloadSummary> = {
  head: 'Reason',
  class: 'col-reason',
  cell: ({ reason }) => <span title={reason ?? ''}>{reason ?? ''}</span>,
};

const owner: Column<WorkloadSummary> = {
  head: 'Queue',
  class: 'col-owner wide',
  cell: ({ queue, tenant }) => (queue === tenant ? queue : `${queue} · ${tenant}`),
};

const priority: Column<WorkloadSummary> = {
  head: 'Priority',
  class: 'col-priority wide number',
  cell: ({ priority }) => priority,
};

const ran: Column<WorkloadSummary> = {
  head: 'Ran',
  class: 'col-time number',
  cell: ({ started_at, ended_at }) => <Lasting from={started_at} to={ended_at} />,
};

const waited: Column<WorkloadSummary> = {
  head: 'Waits',
  class: 'col-time number',
  cell: ({ submitted_at, started_at }) => <Lasting from={submitted_at} to={started_at} />,
};

const starts: Column<WorkloadSummary> = {
  head: 'Starts',
  class: 'col-start wide',
  cell: ({ starts }) => (starts === undefined ? UNKNOWN : <StartInterval start={starts} />),
};

const ended: Column<WorkloadSummary> = {
  head: 'Ended',
  class: 'col-time number',
  cell: ({ ended_at }) => (ended_at === null ? UNKNOWN : <Ago at={ended_at} />),
};

const submitted: Column<WorkloadSummary> = {
  head: 'Submitted',
  class: 'col-time number',
  cell: ({ submitted_at }) => <Ago at={submitted_at} />,
};

const layouts = {
  running: [name, state, tasks, reason, ran],
  waiting: [name, state, tasks, reason, waited],
  ended: [name, state, tasks, reason, ended],
  queued: [name, priority, tasks, owner, starts, waited],
  begun: [name, priority, tasks, reason, submitted],
  all: [name, state, tasks, reason, owner, submitted, ran],
} as const satisfies Record<string, readonly Column<WorkloadSummary>[]>;

interface WorkloadTableProps {
  readonly label: string;
  readonly layout: keyof typeof layouts;
  readonly workloads: readonly WorkloadSummary[];
}

export function WorkloadTable({ label, layout, workloads }: WorkloadTableProps) {
  return (
    <RowTable
      label={label}
      columns={layouts[layout]}
      rows={workloads}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => workloadHref(id)}
    />
  );
}
