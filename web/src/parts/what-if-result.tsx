import type {
  NodeLossDocument,
  WhatIfDocument,
  WhatIfGroup,
} from '../../../src/api/contract/what-if-documents.ts';
import { dollars, duration, percent, UNKNOWN, whole } from '../format.ts';
import { workloadHref } from '../router.ts';
import {
  absolute,
  caveats,
  type Difference,
  isChanged,
  jobCounts,
  jobDifference,
  lossSentences,
  relative,
  runTimeWords,
  waitDifference,
  words,
} from '../what-if-words.ts';

/** More rows are not read; the command lists them. */
const ROWS_MAX = 50;

/** The differences, the whole first; then who gains and who pays, and the jobs that change most. */
export function WhatIfResult({ answer }: { readonly answer: WhatIfDocument }) {
  const { tenants, queues, node_loss: loss } = answer;
  return (
    <>
      <Totals answer={answer} />
      {tenants.length > 0 && <Groups name="Tenants" rows={tenants} />}
      {queues.length > 1 && <Groups name="Queues" rows={queues} />}
      {loss !== null && <Loss loss={loss} now={answer.now} />}
      <Jobs answer={answer} />
      <section class="part" aria-label="Not known">
        <header class="section-head">
          <h2>Not known, or guessed</h2>
        </header>
        <ul class="findings plain">
          {caveats(answer).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Totals({ answer }: { readonly answer: WhatIfDocument }) {
  const { total, happened, mode, now, done_before: before, done_after: after } = answer;
  const wait = waitDifference(total);
  const charge = total.charged_after - total.charged_before;
  return (
    <section class="part" aria-label="All together">
      <table class="plain-table what-if" aria-label="All together">
        <thead>
          <tr>
            <th scope="col">All together</th>
            {happened !== null && (
              <th scope="col" class="number">
                Happened
              </th>
            )}
            <th scope="col" class="number">
              {mode === 'ahead' ? 'As it is' : 'Replayed'}
            </th>
            <th scope="col" class="number">
              Then
            </th>
            <th scope="col" class="number">
              Change
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Mean wait</th>
            {happened !== null && <td class="number">{duration(happened.wait_after_ms)}</td>}
            <td class="number">{duration(total.wait_before_ms)}</td>
            <td class="number">{duration(total.wait_after_ms)}</td>
            <Change of={wait} />
          </tr>
          {(before !== null || after !== null) && (
            <tr>
              <th scope="row">All has ended</th>
              {happened !== null && <td />}
              <Moment at={before} now={now} />
              <Moment at={after} now={now} />
              <Change
                of={
                  before === null || after === null
                    ? { ms: undefined, text: UNKNOWN }
                    : { ms: after - before, text: words(after - before, 'earlier', 'later') }
                }
              />
            </tr>
          )}
          {total.never_before + total.never_after > 0 && (
            <tr>
              <th scope="row">Jobs that do not start</th>
              {happened !== null && <td />}
              <td class="number">{whole(total.never_before)}</td>
              <td class="number">{whole(total.never_after)}</td>
              <td />
            </tr>
          )}
          {total.charged_before + total.charged_after > 0 && (
            <tr>
              <th scope="row">Cost</th>
              {happened !== null && <td class="number">{dollars(happened.charged_after)}</td>}
              <td class="number">{dollars(total.charged_before)}</td>
              <td class="number">{dollars(total.charged_after)}</td>
              <Change of={{ ms: charge, text: moneyWords(charge) }} />
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

const moneyWords = (change: number): string =>
  change === 0 ? 'same' : `${dollars(Math.abs(change))} ${change > 0 ? 'more' : 'less'}`;

function Change({ of: { ms, text } }: { readonly of: Difference }) {
  return <td class={`number ${toneOf(ms)}`}>{text}</td>;
}

const toneOf = (ms: number | undefined): string =>
  ms === undefined || ms === 0 ? '' : ms < 0 ? 'less' : 'more';

function Moment({ at, now }: { readonly at: number | null | undefined; readonly now: number }) {
  return (
    <td class="number" title={absolute(at)}>
      {relative(at, now)}
    </td>
  );
}

/** Less to the left, more to the right; the number stands beside it. */
function DifferenceBar({ of: { ms = 0, text }, most }: { of: Difference; most: number }) {
  const width = most === 0 || ms === 0 ? 0 : Math.max(1, (50 * Math.abs(ms)) / most);
  return (
    <span class="difference">
      <svg
        viewBox="-50 0 100 10"
        width="100%"
        height="10"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect class={toneOf(ms)} x={ms < 0 ? -width : 0} y="0" width={width} height="10" />
        <path d="M0 0v10" />
      </svg>
      <span class={toneOf(ms)}>{text}</span>
    </span>
  );
}

const greatest = (all: readonly Difference[]): number =>
  all.reduce((most, { ms = 0 }) => Math.max(most, Math.abs(ms)), 0);

interface GroupsProps {
  readonly name: string;
  readonly rows: readonly WhatIfGroup[];
}

function Groups({ name, rows }: GroupsProps) {
  const hasMoney = rows.some((one) => one.charged_before + one.charged_after > 0);
  const shown = rows.slice(0, ROWS_MAX);
  const most = greatest(shown.map(waitDifference));
  return (
    <section class="part" aria-label={name}>
      <header class="section-head">
        <h2>{name}</h2>
        <span class="muted">mean wait; share of what is held while somebody waits</span>
      </header>
      <table class="plain-table what-if groups" aria-label={name}>
        <thead>
          <tr>
            <th scope="col">{name.slice(0, -1)}</th>
            <th scope="col" class="number col-count wide-only">
              Jobs
            </th>
            <th scope="col" class="number col-wait">
              Wait
            </th>
            <th scope="col" class="col-change">
              Change
            </th>
            <th scope="col" class="number col-share">
              Share
            </th>
            {hasMoney && (
              <th scope="col" class="number col-money">
                Cost
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <tr key={one.name} data-group={one.name}>
              <th scope="row" title={one.name}>
                {one.name}
                {hasMoney && (
                  <span class="money-below muted">
                    {dollars(one.charged_before)} → {dollars(one.charged_after)}
                  </span>
                )}
              </th>
              <td class="number wide-only">{whole(one.jobs)}</td>
              <td class="number col-wait">
                <span class="unbroken">{duration(one.wait_before_ms)}</span>{' '}
                <span class="unbroken">→ {duration(one.wait_after_ms)}</span>
              </td>
              <td class="col-change" title={`${one.sooner} sooner, ${one.later} later`}>
                <DifferenceBar of={waitDifference(one)} most={most} />
              </td>
              <td class="number col-share">
                {percent(one.share_before)} → {percent(one.share_after)}
              </td>
              {hasMoney && (
                <td
                  class="number col-money"
                  title={moneyWords(one.charged_after - one.charged_before)}
                >
                  {dollars(one.charged_before)} → {dollars(one.charged_after)}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <More count={rows.length - shown.length} />
    </section>
  );
}

function Jobs({ answer }: { readonly answer: WhatIfDocument }) {
  const changed = answer.jobs.filter(isChanged);
  if (changed.length === 0) return <p class="part">No job starts or ends at another time.</p>;
  const shown = changed.slice(0, ROWS_MAX);
  const most = greatest(shown.map(jobDifference));
  return (
    <section class="part" aria-label="Jobs">
      <header class="section-head">
        <h2>Jobs that start or end at another time</h2>
        <span class="muted">{jobCounts(answer)}</span>
      </header>
      <table class="plain-table what-if jobs" aria-label="Jobs">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col" class="wide-only">
              Tenant
            </th>
            <th scope="col" class="number">
              {answer.mode === 'ahead' ? 'Starts' : 'Started'}
            </th>
            <th scope="col" class="number">
              Then
            </th>
            <th scope="col" class="col-change">
              Change
            </th>
            <th scope="col" class="wide-only">
              Run time
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((job) => (
            <tr key={job.id} data-job={job.id}>
              <th scope="row" title={`${job.name} in ${job.queue}`}>
                <a href={workloadHref(job.id)}>
                  {job.name} <span class="id">{job.id}</span>
                </a>
              </th>
              <td class="wide-only">{job.tenant}</td>
              <Moment
                at={job.before === null ? undefined : job.before.started_at}
                now={answer.now}
              />
              <Moment at={job.after === null ? undefined : job.after.started_at} now={answer.now} />
              <td class="col-change">
                <DifferenceBar of={jobDifference(job)} most={most} />
              </td>
              <td class="wide-only muted">{runTimeWords[job.run_time]}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <More count={changed.length - shown.length} />
    </section>
  );
}

function More({ count }: { readonly count: number }) {
  if (count <= 0) return null;
  return <p class="muted quiet">{whole(count)} more; the command lists them with --json.</p>;
}

function Loss({ loss, now }: { readonly loss: NodeLossDocument; readonly now: number }) {
  const shown = loss.lost.slice(0, ROWS_MAX);
  return (
    <section class="part" aria-label="Loss of the node">
      <header class="section-head">
        <h2>Without {loss.node}</h2>
      </header>
      {lossSentences(loss, now).map((line) => (
        <p key={line}>{line}</p>
      ))}
      {shown.length > 0 && (
        <table class="plain-table what-if lost" aria-label="Tasks that are lost">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col" class="wide-only">
                Tenant
              </th>
              <th scope="col" class="number">
                Done again
              </th>
              <th scope="col" class="number">
                Again
              </th>
              <th scope="col">On</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.task}>
                <th scope="row" title={one.task}>
                  {one.name} <span class="id">{one.task}</span>
                </th>
                <td class="wide-only">{one.tenant}</td>
                <td class="number">{one.redone_ms === 0 ? '' : duration(one.redone_ms)}</td>
                <Moment at={one.again_at} now={now} />
                <td class="words">{one.again_at === null ? one.why : one.again_on}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <More count={loss.lost_total - shown.length} />
    </section>
  );
}
