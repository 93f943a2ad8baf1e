import { useState } from 'preact/hooks';
import type { ReportList } from '../../../src/api/contract/report-documents.ts';
import type { KpiList } from '../../../src/api/contract/telemetry-documents.ts';
import { duration, moment, percent, whole } from '../format.ts';
import {
  burnText,
  intervalText,
  kpisSentence,
  kpiText,
  type Objective,
  roundSpan,
  targetText,
} from '../kpi-words.ts';
import { Choice } from '../parts/choice.tsx';
import { Command, EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { ResourceBar } from '../parts/resource-bar.tsx';
import { StatusMark } from '../parts/status-mark.tsx';
import { now } from '../server-time.ts';
import { anyWorkload, isLacking, useDocument } from '../use-document.ts';

const spans = ['24h', '7d', '30d'] as const;
type Span = (typeof spans)[number];
const EVERY_MS = 10_000;

/** How well it goes: indicators against their targets, objectives with their budgets, and reports to keep. */
export function ReportsPage() {
  const [span, choose] = useState<Span>('30d');
  const { value: list, problem } = useDocument<KpiList>(`/api/v1/kpis?since=${span}`, {
    when: anyWorkload,
    everyMs: EVERY_MS,
    mayLack: true,
  }).value;
  if (isLacking(problem) && list === undefined) {
    return (
      <>
        <h1 class="lead">Indicators and reports are not available in this daemon.</h1>
        <p class="sub">It is older than this page.</p>
      </>
    );
  }
  return (
    <>
      <h1 class="lead">{list === undefined ? '\u00a0' : kpisSentence(list)}</h1>
      {problem !== undefined && !isLacking(problem) && <ProblemNote problem={problem} />}
      <div class="toolbar">
        <a class="button" href={`/api/v1/report?since=${span}&format=html`} download>
          Report of {span} as a page
        </a>
        <span class="spring" />
        <Choice<Span> label="Since" options={spans} chosen={span} onChoose={choose} />
        <Command text={`berth report --since ${span}`} />
      </div>
      {list !== undefined && (
        <>
          <Indicators list={list} />
          <Objectives objectives={list.objectives} />
          <Kept />
        </>
      )}
    </>
  );
}

function Indicators({ list: { kpis } }: { readonly list: KpiList }) {
  return (
    <section class="part" aria-label="Indicators">
      <header class="section-head">
        <h2>Indicators</h2>
        <Command text="berth kpi" />
      </header>
      {kpis.length === 0 ? (
        <EmptyNote command="berth run examples/quickstart.yaml">
          Indicators are told from what ran. Nothing did in this time.
        </EmptyNote>
      ) : (
        <table class="plain-table kpis" aria-label="Indicators">
          <thead>
            <tr>
              <th scope="col">Indicator</th>
              <th scope="col" class="number col-when">
                Is
              </th>
              <th scope="col" class="number col-when">
                Target
              </th>
              <th scope="col" class="col-status">
                Status
              </th>
              <th scope="col" class="wide-only" title="In which it lies with 90% certainty">
                Between
              </th>
              <th scope="col" class="number wide-only col-when" title="What it is told from">
                Samples
              </th>
              <th scope="col" class="wide-only col-budget">
                So
              </th>
            </tr>
          </thead>
          <tbody>
            {kpis.map((kpi) => (
              <tr key={kpi.name} data-kpi={kpi.name}>
                <th scope="row" class="words" title={kpi.name}>
                  {kpi.title}
                </th>
                <td class="number">{kpiText(kpi, kpi.value)}</td>
                <td class="number" title={`critical: ${kpiText(kpi, kpi.critical)}`}>
                  {targetText(kpi)}
                </td>
                <td>
                  <StatusMark status={kpi.status} />
                </td>
                <td class="wide-only">{intervalText(kpi)}</td>
                <td class="number wide-only">{whole(kpi.samples)}</td>
                <td class="words wide-only muted">{kpi.sentence}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Objectives({ objectives }: { readonly objectives: readonly Objective[] }) {
  if (objectives.length === 0) return null;
  return (
    <section class="part" aria-label="Objectives">
      <header class="section-head">
        <h2>Objectives</h2>
        <span class="muted">filled: what is left of what may go wrong</span>
      </header>
      <table class="plain-table" aria-label="Objectives">
        <thead>
          <tr>
            <th scope="col">Objective</th>
            <th scope="col" class="number wide-only col-when">
              Good
            </th>
            <th scope="col" class="number wide-only col-when">
              Bad
            </th>
            <th scope="col" class="col-budget">
              Budget left
            </th>
            <th scope="col" class="number col-when" aria-label="Share left" />
            <th scope="col">Used up so fast</th>
          </tr>
        </thead>
        <tbody>
          {objectives.map(({ name, objective, period_ms, good, bad, budget_left, windows }) => (
            <tr key={name}>
              <th scope="row" class="words">
                {name}{' '}
                <span class="muted">
                  {Number((objective * 100).toFixed(3))}% over {roundSpan(period_ms)}
                </span>
              </th>
              <td class="number wide-only">{whole(good)}</td>
              <td class="number wide-only">{whole(bad)}</td>
              <td>
                <ResourceBar
                  resource="custom"
                  used={budget_left === null ? null : Math.max(0, budget_left)}
                  whole={1}
                  label={`${percent(budget_left)} of the budget of ${name} is left`}
                />
              </td>
              <td class="number">{percent(budget_left)}</td>
              <td class="words">
                <ul class="burns">
                  {windows.map((window) => (
                    <li key={window.long_ms} class={window.fires ? 'fires' : 'muted'}>
                      {burnText(window)}
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Kept() {
  const { value } = useDocument<ReportList>('/api/v1/reports', {
    when: anyWorkload,
    everyMs: EVERY_MS,
    mayLack: true,
  }).value;
  if (value === undefined) return null;
  const { reports, schedules } = value;
  return (
    <section class="part" aria-label="Kept reports">
      <header class="section-head">
        <h2>Kept reports</h2>
        <span class="muted">
          {schedules
            .map(
              ({ every, next_at, problem }) =>
                problem ?? `${every}: next in ${duration(next_at - now.value)}`,
            )
            .join('; ')}
        </span>
        <Command text="berth report list" />
      </header>
      {reports.length === 0 ? (
        <p class="muted quiet">None yet: schedules in the site file make them.</p>
      ) : (
        <table class="plain-table" aria-label="Kept reports">
          <thead>
            <tr>
              <th scope="col">Report</th>
              <th scope="col">Of</th>
              <th scope="col" class="col-status">
                State
              </th>
            </tr>
          </thead>
          <tbody>
            {reports.map(({ id, every, from, to, state }) => (
              <tr key={id}>
                <td>
                  <a href={`/api/v1/reports/${encodeURIComponent(id)}?format=html`} download>
                    {every}
                  </a>{' '}
                  <code class="muted">{id}</code>
                </td>
                <td class="words">
                  {moment(from).slice(0, 10)} – {moment(to).slice(0, 10)}
                </td>
                <td>
                  <StatusMark status={state} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
