import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { Why, WorkloadList, WorkloadSummary } from '../../../src/api/contract/documents.ts';
import type { PreemptionList } from '../../../src/api/contract/preemption-documents.ts';
import type { QueueList, QuotaList } from '../../../src/api/contract/queue-documents.ts';
import { counted, whole } from '../format.ts';
import { Command, EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { PreemptionNotes } from '../parts/preemption-list.tsx';
import { QueueTree } from '../parts/queue-tree.tsx';
import { QuotaTable } from '../parts/quota-table.tsx';
import { type Done, UndoNote } from '../parts/undo-note.tsx';
import { WaitingReasons } from '../parts/waiting-reasons.tsx';
import { WorkloadTable } from '../parts/workload-table.tsx';
import { anyWorkload, useDocument } from '../use-document.ts';
import { useReordering } from '../use-reordering.ts';
import { inQueueOrder } from './overview-page.tsx';

/** The counterfactual of each group is one more request; the later groups only show their reason. */
const EXPLAINED_MAX = 12;
const LIMIT = 1_000;
const PREEMPTIONS_SHOWN = 5;
const seldom = { when: anyWorkload, everyMs: 5_000 };

/** The tree of queues; then who waits, for what, and what would change it, in all of them or the chosen one. */
export function QueuePage() {
  const [chosen, choose] = useState<string | undefined>(undefined);
  const of = chosen === undefined ? '' : `&queue=${encodeURIComponent(chosen)}`;
  const { value, problem } = useDocument<WorkloadList>(
    `/api/v1/workloads?state=active&limit=${LIMIT}${of}`,
    { when: anyWorkload, everyMs: 1_000 },
  ).value;
  const { value: foretold } = useDocument<WorkloadList>(
    `/api/v1/workloads?state=active&limit=${LIMIT}${of}&starts=true`,
    seldom,
  ).value;
  const { value: queues } = useDocument<QueueList>('/api/v1/queues', {
    when: anyWorkload,
    everyMs: 1_000,
  }).value;
  const { value: quotas } = useDocument<QuotaList>('/api/v1/quotas', seldom).value;
  const { value: preemptions } = useDocument<PreemptionList>(
    `/api/v1/preemptions?limit=${PREEMPTIONS_SHOWN}`,
    seldom,
  ).value;
  const done = useSignal<Done | undefined>(undefined);
  useReordering(value?.workloads ?? [], done);
  const told = queues?.queues.find(({ name }) => name === chosen) ?? queues?.queues[0];
  const startOf = new Map(foretold?.workloads.map(({ id, starts }) => [id, starts]));
  const waiting = inQueueOrder(
    (value?.workloads ?? [])
      .filter(({ tasks }) => tasks.waiting > 0)
      .map((workload) => withStart(workload, startOf.get(workload.id))),
  );
  // What has begun only waits for its own earlier steps or tasks, and is in nobody's way.
  const begun = waiting.filter(({ status }) => status === 'running');
  const groups = [
    ...Map.groupBy(
      waiting.filter(({ status }) => status === 'waiting'),
      ({ reason }) => reason ?? 'The reason is not known yet.',
    ),
  ];
  return (
    <>
      <h1 class="lead">
        {value === undefined
          ? '\u00a0'
          : leadOf(waiting.length - begun.length, groups.length, begun.length)}
      </h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      {queues !== undefined && <QueueTree list={queues} chosen={chosen} onChoose={choose} />}
      {told !== undefined && <WaitingReasons reasons={told.waiting_for} />}
      {value !== undefined && value.total > LIMIT && (
        <p class="muted">
          The newest {whole(LIMIT)} of {whole(value.total)} are shown; `berth ps` lists all.
        </p>
      )}
      {value !== undefined && waiting.length === 0 && (
        <EmptyNote command="berth run examples/quickstart.yaml">
          Everything that was submitted has started. A workload that cannot start at once shows here
          with its reason.
        </EmptyNote>
      )}
      {foretold?.calibration !== undefined && startOf.size > 0 && groups.length > 0 && (
        <p class="muted">{calibrationWords(foretold.calibration)}</p>
      )}
      {groups.map(([reason, workloads], i) => (
        <section key={reason} class="part" aria-label={reason}>
          <header class="reason">
            <h2>{reason}</h2>
            {i < EXPLAINED_MAX && <Change of={workloads[0]!} />}
          </header>
          <WorkloadTable label={reason} layout="queued" workloads={workloads} />
        </section>
      ))}
      {begun.length > 0 && (
        <section class="part" aria-label="Begun">
          <header class="section-head">
            <h2>Running, with tasks still to start</h2>
          </header>
          <WorkloadTable label="Begun" layout="begun" workloads={begun} />
        </section>
      )}
      {waiting.length > 0 && (
        <p class="muted wide-only">
          <kbd>+</kbd> and <kbd>-</kbd> change the priority of the row that has the focus, and{' '}
          <kbd>j</kbd> <kbd>k</kbd> move it.
        </p>
      )}
      <UndoNote done={done} />
      <QuotaTable list={quotas} />
      <PreemptionNotes list={preemptions} />
    </>
  );
}

const withStart = (
  workload: WorkloadSummary,
  starts: WorkloadSummary['starts'],
): WorkloadSummary => (starts === undefined ? workload : { ...workload, starts });

/** Fewer starts say nothing of how often intervals are right. */
const SHARE_MIN = 10;

function calibrationWords({ inside, of }: NonNullable<WorkloadList['calibration']>): string {
  const meant = 'Eight of ten starts are meant to lie between the times shown';
  return of < SHARE_MIN ? `${meant}.` : `${meant}; of the last ${of} here ${inside} did.`;
}

function leadOf(waiting: number, reasons: number, begun: number): string {
  const more =
    begun === 0
      ? ''
      : `${waiting === 0 ? '' : ' '}${whole(begun)} running with tasks still to start.`;
  if (waiting === 0) return `Nothing waits to begin. ${more}`;
  const of = reasons > 1 ? `, for ${reasons} reasons` : '';
  return `${counted(waiting, 'workload')} ${waiting === 1 ? 'waits' : 'wait'}${of}.${more}`;
}

function Change({ of }: { readonly of: WorkloadSummary }) {
  const { value } = useDocument<Why>(`/api/v1/workloads/${of.id}/why`, {
    when: anyWorkload,
    everyMs: 2_000,
  }).value;
  const change = value?.steps
    .flatMap(({ reasons }) => reasons)
    .find((reason) => reason.change !== null)?.change;
  return (
    <div class="change">
      <span>{change ?? '\u00a0'}</span>
      <Command text={`berth why ${of.id}`} />
    </div>
  );
}
