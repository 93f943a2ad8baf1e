import { useSignal } from '@preact/signals';
import type { AttemptDocument, WorkloadDocument } from '../../../src/api/contract/documents.ts';
import { AttemptTable } from '../parts/attempt-table.tsx';
import { AttemptTimeline } from '../parts/attempt-timeline.tsx';
import { CancelButton } from '../parts/cancel-button.tsx';
import { HeldBy } from '../parts/held-by.tsx';
import { LogView } from '../parts/log-view.tsx';
import { MarkedWord } from '../parts/mark.tsx';
import { Ago } from '../parts/moments.tsx';
import { Command, ProblemNote } from '../parts/notes.tsx';
import { SourceView } from '../parts/source-view.tsx';
import { StepGraph } from '../parts/step-graph.tsx';
import { TaskUse } from '../parts/task-use.tsx';
import { now } from '../server-time.ts';
import { thisWorkload, useDocument } from '../use-document.ts';
import { attemptSentence, enforcementSentence, workloadSentence } from '../words.ts';

interface WorkloadPageProps {
  readonly id: string;
  readonly attempt: string | undefined;
}

/** What is my job doing: in a sentence, as a graph, over time, attempt by attempt, and in its own words. */
export function WorkloadPage({ id, attempt }: WorkloadPageProps) {
  const path = `/api/v1/workloads/${encodeURIComponent(id)}`;
  const { value, problem } = useDocument<WorkloadDocument>(path, {
    when: thisWorkload(id),
    everyMs: 1_000,
  }).value;
  if (problem?.status === 404) {
    return (
      <>
        <h1 class="lead">There is no workload {id}.</h1>
        <p>
          It may have been retired from the daemon's memory. <Command text="berth ps --all" />
        </p>
      </>
    );
  }
  if (value === undefined)
    return problem === undefined ? <h1 class="lead">&nbsp;</h1> : <ProblemNote problem={problem} />;
  return (
    <>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <Head document={value} />
      <Body key={value.id} document={value} attempt={attempt} />
    </>
  );
}

function Head({ document }: { readonly document: WorkloadDocument }) {
  const { id, status, workload } = document;
  const labels = Object.entries(workload.labels).map(([name, value]) => `${name}=${value}`);
  const over = workload.ended_at !== null;
  return (
    <header class="workload-head">
      <div class="title-line">
        <h1>
          <MarkedWord state={status} word={workload.name} /> <span class="id">#{id}</span>
        </h1>
        {!over && <CancelButton document={document} />}
      </div>
      <p class="lead" data-testid="sentence">
        {workloadSentence(document, now.value)}
      </p>
      <p class="facts muted">
        <span>
          {workload.kind} submitted <Ago at={workload.submitted_at} />
        </span>
        <span>queue {workload.queue}</span>
        <span>tenant {workload.tenant}</span>
        <span>priority {workload.priority}</span>
        {labels.map((label) => (
          <code key={label}>{label}</code>
        ))}
        <Command
          text={
            status === 'waiting' ? `berth why ${id}` : `berth logs ${id}${over ? '' : ' --follow'}`
          }
        />
      </p>
    </header>
  );
}

function Body({
  document,
  attempt: wanted,
}: {
  readonly document: WorkloadDocument;
  readonly attempt: string | undefined;
}) {
  const step = useSignal<string | undefined>(undefined);
  const attempts = document.steps.flatMap(({ attempts }) => attempts);
  const shown = attempts.find(({ id }) => id === wanted) ?? mostTelling(attempts);
  // Not twice on one page.
  const told = shown === undefined ? undefined : attemptSentence(shown);
  const sentence = told !== undefined && !workloadSentence(document, 0).includes(told) ? told : '';
  const steps = document.steps.filter(({ id }) => step.value === undefined || id === step.value);
  // The graph shows already which step waits for which.
  const waiting = document.steps.flatMap(({ id, waiting_for }) =>
    waiting_for
      .filter(({ code }) => code !== 'waits-for-steps')
      .map((reason) => ({ id, ...reason })),
  );
  return (
    <div class="workload-body">
      {document.steps.length > 1 && (
        <section class="part" aria-label="Steps">
          <header class="section-head">
            <h2>Steps</h2>
            {step.value !== undefined && (
              <button type="button" class="plain" onClick={() => (step.value = undefined)}>
                only {step.value}: show all
              </button>
            )}
          </header>
          <StepGraph steps={document.steps} chosen={step} />
        </section>
      )}
      {waiting.length > 0 && (
        <section class="part" aria-label="Waiting for">
          <header class="section-head">
            <h2>Waiting for</h2>
          </header>
          <ul class="reasons">
            {waiting.map(({ id, code, sentence, change }) => (
              <li key={`${id}/${code}`}>
                {document.steps.length > 1 && <code>{id}</code>} {sentence}{' '}
                <span class="muted">{change}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {attempts.length > 0 && (
        <>
          <section class="part" aria-label="Timeline">
            <header class="section-head">
              <h2>Timeline</h2>
            </header>
            <AttemptTimeline document={document} steps={steps} selected={shown?.id} />
          </section>
          <section class="part" aria-label="Attempts">
            <header class="section-head">
              <h2>Attempts</h2>
              <span class="muted">{enforcementOf(attempts)}</span>
            </header>
            <AttemptTable workload={document.id} steps={steps} selected={shown?.id} />
          </section>
        </>
      )}
      {shown !== undefined && <TaskUse document={document} attempt={shown} />}
      {shown !== undefined && <HeldBy attempt={shown} />}
      {shown !== undefined && (
        <section class="part log-part" aria-label="Log">
          <header class="section-head">
            <h2>Log</h2>
            <code>{shown.id}</code>
            <span>{sentence}</span>
          </header>
          <LogView key={shown.id} attempt={shown.id} />
        </section>
      )}
      <section class="part" aria-label="File">
        <header class="section-head">
          <h2>File</h2>
          <span class="muted">as it was submitted</span>
        </header>
        <SourceView id={document.id} />
      </section>
    </div>
  );
}

/** Whose log answers the question that brought somebody here: the last failure, else what runs, else the last. */
function mostTelling(attempts: readonly AttemptDocument[]): AttemptDocument | undefined {
  return (
    attempts.findLast(({ state }) => state === 'running' || state === 'stopping') ??
    attempts.findLast(
      ({ cause }) => cause !== null && cause !== 'succeeded' && cause !== 'cancelled',
    ) ??
    attempts.at(-1)
  );
}

function enforcementOf(attempts: readonly AttemptDocument[]): string {
  const kinds = new Map(attempts.map(({ enforced }) => [JSON.stringify(enforced), enforced]));
  const told = [...kinds.values()].flatMap((one) => (one === null ? [] : enforcementSentence(one)));
  return [...new Set(told)].join(' ');
}
