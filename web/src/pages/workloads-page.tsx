import { signal } from '@preact/signals';
import type { WorkloadList } from '../../../src/api/contract/documents.ts';
import { whole } from '../format.ts';
import { Choice } from '../parts/choice.tsx';
import { EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { WorkloadTable } from '../parts/workload-table.tsx';
import { anyWorkload, useDocument } from '../use-document.ts';

const LIMIT = 1_000;
const states = ['all', 'active', 'ended'] as const;
/** Kept while the page is open, so that coming back shows what was looked at. */
const chosen = signal<(typeof states)[number]>('all');
const page = signal(0);
const filter = signal('');

export function WorkloadsPage() {
  const path = `/api/v1/workloads?state=${chosen.value}&limit=${LIMIT}&offset=${page.value * LIMIT}`;
  const { value, problem } = useDocument<WorkloadList>(path, {
    when: anyWorkload,
    everyMs: 1_000,
  }).value;
  const wanted = filter.value.trim().toLowerCase();
  const shown = (value?.workloads ?? []).filter(
    ({ id, name, queue, tenant, reason }) =>
      wanted === '' ||
      `#${id} ${name} ${queue} ${tenant} ${reason ?? ''}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <h1 class="lead">{value === undefined ? '\u00a0' : sentence(value.total, chosen.value)}</h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <div class="toolbar">
        <Choice
          label="Which workloads"
          options={states}
          chosen={chosen.value}
          onChoose={(state) => {
            chosen.value = state;
            page.value = 0;
          }}
        />
        <input
          type="search"
          placeholder="Filter by name, id, queue or reason"
          aria-label="Filter"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
        />
        {value !== undefined && value.total > LIMIT && <Pages total={value.total} />}
      </div>
      {value?.total === 0 && (
        <EmptyNote command="berth run examples/quickstart.yaml">
          There are none. Submit one:
        </EmptyNote>
      )}
      {value !== undefined && value.total > 0 && shown.length === 0 && (
        <p class="muted quiet">
          None of these {whole(value.workloads.length)} matches “{filter.value}”.
        </p>
      )}
      {shown.length > 0 && <WorkloadTable label="Workloads" layout="all" workloads={shown} />}
    </>
  );
}

function Pages({ total }: { readonly total: number }) {
  const last = Math.ceil(total / LIMIT) - 1;
  const move = (by: number) => () => {
    page.value = Math.max(0, Math.min(last, page.value + by));
  };
  return (
    <fieldset class="choice" aria-label="Page">
      <button type="button" onClick={move(-1)} disabled={page.value === 0}>
        newer
      </button>
      <span class="number muted">
        {whole(page.value * LIMIT + 1)}–{whole(Math.min(total, (page.value + 1) * LIMIT))} of{' '}
        {whole(total)}
      </span>
      <button type="button" onClick={move(1)} disabled={page.value === last}>
        older
      </button>
    </fieldset>
  );
}

function sentence(total: number, state: (typeof states)[number]): string {
  const of = { all: '', active: ' that wait or run', ended: ' that have ended' }[state];
  return total === 0
    ? `No workloads${of}.`
    : `${whole(total)} ${total === 1 ? 'workload' : 'workloads'}${of}.`;
}
