import { useSignal } from '@preact/signals';
import type { AttemptDocument, StepDocument } from '../../../src/api/contract/documents.ts';
import { bytes, milli, UNKNOWN, whole } from '../format.ts';
import { attemptHref } from '../router.ts';
import { now } from '../server-time.ts';
import { attemptWord } from '../words.ts';
import { Choice } from './choice.tsx';
import { Mark } from './mark.tsx';
import { Ago, Lasting } from './moments.tsx';
import { ResourceBar } from './resource-bar.tsx';
import { type Column, RowTable } from './row-table.tsx';

interface AttemptRow {
  readonly attempt: AttemptDocument;
  readonly step: StepDocument;
}

const columns: readonly Column<AttemptRow>[] = [
  {
    head: 'Attempt',
    class: 'col-attempt',
    cell: ({ attempt }) => (
      <span class="workload-name">
        <Mark state={attempt.cause ?? attempt.state} />
        <code class="name">{attempt.id}</code>
      </span>
    ),
  },
  {
    head: 'State',
    class: 'col-cause',
    cell: ({ attempt }) => <span title={attempt.message ?? ''}>{attemptWord(attempt)}</span>,
  },
  { head: 'CPU', class: 'col-bar', cell: (row) => <CpuBar {...row} /> },
  {
    head: 'Cores',
    class: 'col-amount wide number',
    cell: ({ attempt }) => <Cores attempt={attempt} />,
  },
  { head: 'Memory, peak', class: 'col-bar', cell: (row) => <MemoryBar {...row} /> },
  {
    head: 'of limit',
    class: 'col-memory wide number',
    cell: ({ attempt }) =>
      `${amount(attempt.memory_peak_bytes)} of ${bytes(attempt.memory_limit_bytes)}`,
  },
  {
    head: 'Node',
    class: 'col-node wide',
    cell: ({ attempt }) =>
      attempt.gpus.length === 0 ? attempt.node : `${attempt.node} · ${attempt.gpus.length} GPU`,
  },
  {
    head: 'Started',
    class: 'col-time wide number',
    cell: ({ attempt }) => <Ago at={attempt.started_at} />,
  },
  {
    head: 'Ran',
    class: 'col-time number',
    cell: ({ attempt }) => <Lasting from={attempt.started_at} to={attempt.ended_at} />,
  },
];

interface AttemptTableProps {
  readonly workload: string;
  readonly steps: readonly StepDocument[];
  readonly selected: string | undefined;
}

/** Below this a glance finds what a filter would. */
const FILTERED_FROM = 12;
const filters = ['all', 'running', 'not done'] as const;

/** Newest first; a row opens the log of its attempt. */
export function AttemptTable({ workload, steps, selected }: AttemptTableProps) {
  const filter = useSignal<(typeof filters)[number]>('all');
  const all = steps
    .flatMap((step) => step.attempts.map((attempt) => ({ attempt, step })))
    .reverse()
    .sort((a, b) => b.attempt.placed_at - a.attempt.placed_at);
  const rows = all.filter(({ attempt: { cause } }) => {
    if (filter.value === 'running') return cause === null;
    return filter.value === 'all' || (cause !== null && cause !== 'succeeded');
  });
  return (
    <>
      {all.length >= FILTERED_FROM && (
        <div class="toolbar">
          <Choice
            label="Which attempts"
            options={filters}
            chosen={filter.value}
            onChoose={(chosen) => {
              filter.value = chosen;
            }}
          />
          <span class="muted number">
            {whole(rows.length)} of {whole(all.length)}
          </span>
        </div>
      )}
      <RowTable
        label="Attempts"
        inner
        columns={columns}
        rows={rows}
        keyOf={({ attempt }) => attempt.id}
        hrefOf={({ attempt }) => attemptHref(workload, attempt.id)}
        selected={selected}
      />
    </>
  );
}

const amount = (n: number | null): string => (n === null ? UNKNOWN : bytes(n));

/** Mean number of cores over the attempt, in thousandths; unknown until the first reading. */
function meanCores({ cpu_ms, wall_ms, started_at, ended_at }: AttemptDocument): number | undefined {
  const wall = wall_ms ?? (started_at === null ? null : (ended_at ?? now.value) - started_at);
  return cpu_ms === null || wall === null || wall <= 0 ? undefined : (cpu_ms / wall) * 1_000;
}

function Cores({ attempt }: { readonly attempt: AttemptDocument }) {
  return <>{milli(meanCores(attempt))}</>;
}

function sourceOf({ enforced }: AttemptDocument): string {
  if (enforced === null) return 'source unknown';
  return enforced.driver.startsWith('cgroup')
    ? `measured by ${enforced.driver}`
    : `measured, ${enforced.driver}`;
}

function CpuBar({ attempt, step }: AttemptRow) {
  const used = meanCores(attempt);
  const { cpu_milli: limit } = step.limits;
  const { cpu_milli: requested } = step.request;
  const label = `CPU: ${used === undefined ? 'use unknown' : `${milli(used)} cores on average (${sourceOf(attempt)})`}, requested ${milli(requested)}, ${limit === null ? 'no limit' : `limit ${milli(limit)}`}`;
  return (
    <ResourceBar resource="cpu" requested={requested} used={used} limit={limit} label={label} />
  );
}

function MemoryBar({ attempt, step }: AttemptRow) {
  const { memory_peak_bytes: used, memory_limit_bytes: limit } = attempt;
  const { memory_bytes: requested } = step.request;
  const label = `Memory: ${used === null ? 'peak unknown' : `peak ${bytes(used)} (${sourceOf(attempt)})`}, requested ${bytes(requested)}, ${limit === null ? 'no limit' : `limit ${bytes(limit)}`}`;
  return (
    <ResourceBar resource="memory" requested={requested} used={used} limit={limit} label={label} />
  );
}
