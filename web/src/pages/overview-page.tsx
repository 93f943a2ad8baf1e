import type { ComponentChildren } from 'preact';
import type { Status, WorkloadList, WorkloadSummary } from '../../../src/api/contract/documents.ts';
import type { AlertList } from '../../../src/api/contract/telemetry-documents.ts';
import { isFiring } from '../alert-words.ts';
import { clock, counted, whole } from '../format.ts';
import { liveState } from '../live.ts';
import { NeedsYou } from '../parts/needs-you.tsx';
import { EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { UsagePlots } from '../parts/usage-plots.tsx';
import { WorkloadTable } from '../parts/workload-table.tsx';
import { now } from '../server-time.ts';
import { anyWorkload, type Loaded, useDocument } from '../use-document.ts';

const SHOWN = 6;
const HOUR_MS = 3_600_000;

/** Is it healthy, who waits and why, what ended just now: each answered before the first scroll. */
export function OverviewPage({
  status,
  alerts,
}: {
  readonly status: Status | undefined;
  readonly alerts: Loaded<AlertList>;
}) {
  const reread = { when: anyWorkload, everyMs: 1_000 };
  const active = useDocument<WorkloadList>(
    '/api/v1/workloads?state=active&limit=200',
    reread,
  ).value;
  const ended = useDocument<WorkloadList>('/api/v1/workloads?state=ended&limit=50', reread).value;
  const problem = active.problem ?? ended.problem;
  const told = alerts.value !== undefined || alerts.problem !== undefined;
  const known = active.value !== undefined && ended.value !== undefined && told;
  const of = (wanted: string) =>
    active.value?.workloads.filter(({ status }) => status === wanted) ?? [];
  const done = newest(ended.value?.workloads ?? []);
  const running = of('running');
  const waiting = inQueueOrder(of('waiting'));
  const nothing = known && active.value.total + ended.value.total === 0;
  return (
    <>
      <h1 class="lead">
        {status === undefined || !known ? (
          '\u00a0'
        ) : (
          <Health status={status} ended={done} alerts={alerts.value} />
        )}
      </h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <UsagePlots />
      {known && <NeedsYou alerts={alerts} />}
      {/* All sections at once, so that none pushes another away. */}
      {!known ? null : nothing ? (
        <EmptyNote command="berth run examples/quickstart.yaml">
          Nothing was submitted yet. Start with an example:
        </EmptyNote>
      ) : (
        <>
          <Part title="Running" count={status?.counts.running} all="#/workloads">
            {running.length > 0 ? (
              <WorkloadTable label="Running" layout="running" workloads={running.slice(0, SHOWN)} />
            ) : (
              <p class="muted quiet">Nothing runs.</p>
            )}
          </Part>
          <Part title="Waiting" count={status?.counts.waiting} all="#/queue">
            {waiting.length > 0 ? (
              <WorkloadTable label="Waiting" layout="waiting" workloads={waiting.slice(0, SHOWN)} />
            ) : (
              <p class="muted quiet">Nothing waits.</p>
            )}
          </Part>
          <Part title="Just ended" count={status?.counts.ended} all="#/workloads">
            {done.length > 0 ? (
              <WorkloadTable label="Just ended" layout="ended" workloads={done.slice(0, SHOWN)} />
            ) : (
              <p class="muted quiet">Nothing has ended yet.</p>
            )}
          </Part>
        </>
      )}
    </>
  );
}

interface PartProps {
  readonly title: string;
  readonly count: number | undefined;
  readonly all: string;
  readonly children: ComponentChildren;
}

function Part({ title, count, all, children }: PartProps) {
  return (
    <section class="part" aria-label={title}>
      <header class="section-head">
        <h2>{title}</h2>
        <span class="muted number">{count === undefined ? '' : whole(count)}</span>
        {count !== undefined && count > SHOWN && (
          <a class="more" href={all}>
            all {whole(count)}
          </a>
        )}
      </header>
      {children}
    </section>
  );
}

/** What an operator must hear first; then how much runs, waits and failed. */
function Health({
  status,
  ended,
  alerts,
}: {
  readonly alerts: AlertList | undefined;
  readonly status: Status;
  readonly ended: readonly WorkloadSummary[];
}) {
  const { counts, journal, launcher_pid, enforcement } = status;
  const failed = ended.filter(
    ({ status, ended_at }) => status === 'failed' && ended_at! > now.value - HOUR_MS,
  );
  const firing = alerts?.alerts.filter(isFiring).length ?? 0;
  const wrong = [
    journal.stalled !== null && `The journal is stalled: ${journal.stalled}`,
    launcher_pid === null && 'The launcher is not running, so nothing can start.',
    enforcement.cpu === 'none' &&
      enforcement.memory === 'none' &&
      'No limits are enforced on this machine.',
  ].filter((text) => text !== false);
  return (
    <>
      {liveState.value === 'paused' && (
        <span class="muted">Last known, at {clock(status.now)}: </span>
      )}
      {wrong.length > 0 ? (
        <strong class="alarm">{wrong.join(' ')}</strong>
      ) : firing > 0 ? (
        <a href="#/alerts">
          {counted(firing, 'alert')} {firing === 1 ? 'fires' : 'fire'}.
        </a>
      ) : failed.length === 0 ? (
        'All well.'
      ) : (
        'Running normally.'
      )}{' '}
      {counts.running === 0 ? 'Nothing runs' : `${whole(counts.running)} running`},{' '}
      {counts.waiting === 0 ? 'nothing waits' : `${whole(counts.waiting)} waiting`}
      {failed.length > 0 && (
        <>
          , <span class="failed-text">{whole(failed.length)} failed</span> in the last hour
        </>
      )}
      .
    </>
  );
}

const newest = (workloads: readonly WorkloadSummary[]): readonly WorkloadSummary[] =>
  workloads.toSorted(
    (a, b) => (b.ended_at ?? 0) - (a.ended_at ?? 0) || Number(b.id) - Number(a.id),
  );

/** The order in which the scheduler looks at them. */
export const inQueueOrder = (workloads: readonly WorkloadSummary[]): readonly WorkloadSummary[] =>
  workloads.toSorted((a, b) => b.priority - a.priority || Number(a.id) - Number(b.id));
