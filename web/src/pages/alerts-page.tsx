import { type Signal, useSignal } from '@preact/signals';
import type { AlertDocument, AlertList } from '../../../src/api/contract/telemetry-documents.ts';
import { alertsSentence, firesIn, labelsText, matchesText } from '../alert-words.ts';
import { postJson, remove } from '../api-client.ts';
import { duration, moment } from '../format.ts';
import { changedHere } from '../live.ts';
import { Ago, Lasting } from '../parts/moments.tsx';
import { Command, EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { SeverityMark } from '../parts/severity-mark.tsx';
import { type NewSilence, SilenceDialog } from '../parts/silence-dialog.tsx';
import { type Done, doing, UndoNote } from '../parts/undo-note.tsx';
import { useSteadyRows } from '../parts/use-steady-rows.ts';
import { now } from '../server-time.ts';
import { isLacking, type Loaded } from '../use-document.ts';

const ENDED_SHOWN = 50;

/** What fires and why, who was told and what was done; what is watched, and what is kept quiet. */
export function AlertsPage({ alerts: { value, problem } }: { readonly alerts: Loaded<AlertList> }) {
  const done = useSignal<Done | undefined>(undefined);
  const chosen = useSignal<AlertDocument | undefined>(undefined);
  if (isLacking(problem) && value === undefined) return <Lacking />;
  const of = (state: AlertDocument['state']) =>
    value?.alerts.filter((alert) => alert.state === state) ?? [];
  const ended = of('resolved').slice(0, ENDED_SHOWN);
  return (
    <>
      <h1 class="lead">{value === undefined ? '\u00a0' : alertsSentence(value)}</h1>
      {problem !== undefined && !isLacking(problem) && <ProblemNote problem={problem} />}
      {value !== undefined && (
        <>
          <UndoNote done={done} />
          <Active
            title="Firing"
            list={value}
            alerts={of('firing')}
            onSilence={(alert) => {
              done.value = undefined;
              chosen.value = alert;
            }}
          />
          <Active title="About to fire" list={value} alerts={of('pending')} onSilence={undefined} />
          <Ended alerts={ended} />
          <Silences list={value} done={done} />
          <Rules list={value} />
        </>
      )}
      {chosen.value !== undefined && (
        <SilenceDialog
          key={chosen.value.id}
          alert={chosen.value}
          done={done}
          onClose={() => {
            chosen.value = undefined;
          }}
          onSilence={(silence) => silenced(silence, done)}
        />
      )}
    </>
  );
}

function Lacking() {
  return (
    <>
      <h1 class="lead">Alerts are not available in this daemon.</h1>
      <p class="sub">It is older than this page, or it was built without them.</p>
    </>
  );
}

interface ActiveProps {
  readonly title: string;
  readonly list: AlertList;
  readonly alerts: readonly AlertDocument[];
  readonly onSilence: ((alert: AlertDocument) => void) | undefined;
}

function Active({ title, list, alerts, onSilence }: ActiveProps) {
  const steady = useSteadyRows(alerts, ({ id }) => id);
  if (steady.rows.length === 0) return null;
  return (
    <section class="part" aria-label={title} {...steady.hold}>
      <header class="section-head">
        <h2>{title}</h2>
      </header>
      <ul class="alerts">
        {steady.rows.map(({ row, gone }) => (
          <li key={row.id} class={gone ? 'gone' : ''} data-alert={row.id}>
            <Alert alert={row} list={list} onSilence={onSilence} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Alert({
  alert,
  list,
  onSilence,
}: {
  readonly alert: AlertDocument;
  readonly list: AlertList;
  readonly onSilence: ActiveProps['onSilence'];
}) {
  const { severity, sentence, rule, condition, labels, since, fired_at, muted_by } = alert;
  const soon = alert.state === 'pending' ? firesIn(alert, list, now.value) : undefined;
  return (
    <>
      <div class="alert-line">
        <SeverityMark severity={severity} />
        <p class="alert-sentence">{sentence}</p>
        {onSilence !== undefined && muted_by === null && (
          <button type="button" onClick={() => onSilence(alert)} aria-label={`Silence ${rule}…`}>
            Silence…
          </button>
        )}
      </div>
      <p class="alert-facts muted">
        <code title={condition}>{rule}</code>
        <span>
          so for <Lasting from={since} to={null} />
          {fired_at !== null && (
            <>
              , fired <Ago at={fired_at} />
            </>
          )}
        </span>
        {soon !== undefined && <span>{soon}</span>}
        {Object.keys(labels).length > 0 && <code>{labelsText(labels)}</code>}
        {muted_by !== null && <strong>nobody is told: {muted_by}</strong>}
      </p>
      <History alert={alert} />
    </>
  );
}

/** Who was told and what was done, newest last. */
function History({ alert: { told, acted } }: { readonly alert: AlertDocument }) {
  if (told.length + acted.length === 0) return null;
  const lines = [
    ...told.map(({ to, at, what, outcome }) => ({ at, text: `${what} to ${to}: ${outcome}` })),
    ...acted.map(({ action, at, outcome }) => ({ at, text: `${action}: ${outcome}` })),
  ].sort((a, b) => a.at - b.at);
  const last = lines.at(-1)!;
  return (
    <details class="alert-history">
      <summary>
        <span class="number">{moment(last.at).slice(11)}</span> {last.text}
        {lines.length > 1 && <span class="muted"> and {lines.length - 1} before</span>}
      </summary>
      <ol>
        {lines.map(({ at, text }) => (
          <li key={`${at} ${text}`}>
            <time class="number muted" dateTime={new Date(at).toISOString()}>
              {moment(at)}
            </time>{' '}
            {text}
          </li>
        ))}
      </ol>
    </details>
  );
}

function Ended({ alerts }: { readonly alerts: readonly AlertDocument[] }) {
  const steady = useSteadyRows(alerts, ({ id }) => id);
  if (steady.rows.length === 0) return null;
  return (
    <section class="part" aria-label="Ended lately" {...steady.hold}>
      <header class="section-head">
        <h2>Ended lately</h2>
      </header>
      <table class="plain-table" aria-label="Ended lately">
        <thead>
          <tr>
            <th scope="col">What was so</th>
            <th scope="col" class="wide-only col-rule">
              Rule
            </th>
            <th scope="col" class="number col-when">
              Lasted
            </th>
            <th scope="col" class="number col-when">
              Ended
            </th>
          </tr>
        </thead>
        <tbody>
          {steady.rows.map(({ row, gone }) => (
            <tr key={row.id} class={gone ? 'gone' : ''}>
              <td class="words">{row.sentence}</td>
              <td class="wide-only">
                <code>{row.rule}</code>
              </td>
              <td class="number">
                <Lasting from={row.fired_at ?? row.since} to={row.resolved_at} />
              </td>
              <td class="number">
                <Ago at={row.resolved_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

type Silence = AlertList['silences'][number];

function Silences({
  list,
  done,
}: {
  readonly list: AlertList;
  readonly done: Signal<Done | undefined>;
}) {
  return (
    <section class="part" aria-label="Silences">
      <header class="section-head">
        <h2>Silences</h2>
      </header>
      {list.silences.length === 0 ? (
        <p class="muted quiet">None: of everything that fires somebody is told.</p>
      ) : (
        <table class="plain-table" aria-label="Silences">
          <thead>
            <tr>
              <th scope="col">Of</th>
              <th scope="col">Why</th>
              <th scope="col" class="wide-only col-when">
                By
              </th>
              <th scope="col" class="number col-when">
                Left
              </th>
              <th scope="col" class="col-act" aria-label="Remove" />
            </tr>
          </thead>
          <tbody>
            {list.silences.map((silence) => (
              <tr key={silence.id}>
                <td class="words">
                  <code>{matchesText(silence.matches)}</code>
                </td>
                <td class="words">{silence.comment}</td>
                <td class="wide-only">{silence.by}</td>
                <td class="number" title={moment(silence.until)}>
                  {duration(silence.until - now.value)}
                </td>
                <td class="col-act">
                  <button
                    type="button"
                    aria-label={`Remove the silence of ${matchesText(silence.matches)}`}
                    onClick={() => void unsilenced(silence, done)}
                  >
                    Remove
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const removeSilence = async (id: string): Promise<void> => {
  await remove(`/api/v1/silences/${encodeURIComponent(id)}`);
  changedHere();
};

async function addSilence(silence: NewSilence): Promise<string> {
  const { id } = await postJson<{ readonly id: string }>('/api/v1/silences', silence);
  changedHere();
  return id;
}

const silenced = (silence: NewSilence, done: Signal<Done | undefined>): Promise<boolean> =>
  doing(done, async () => {
    const id = await addSilence(silence);
    return {
      sentence: `Nobody is told of ${matchesText(silence.matches)} for ${duration(silence.for_ms)}.`,
      undo: async () => {
        await doing(done, async () => {
          await removeSilence(id);
          return { sentence: 'The silence is taken back.', undo: undefined };
        });
      },
    };
  });

const unsilenced = (silence: Silence, done: Signal<Done | undefined>): Promise<boolean> =>
  doing(done, async () => {
    await removeSilence(silence.id);
    const { matches, until, comment } = silence;
    return {
      sentence: `People are told of ${matchesText(matches)} again.`,
      undo: async () => {
        await silenced({ matches, for_ms: until - now.value, comment }, done);
      },
    };
  });

function Rules({ list }: { readonly list: AlertList }) {
  const { rules } = list;
  return (
    <section class="part" aria-label="Rules">
      <header class="section-head">
        <h2>Rules</h2>
        {rules[0] !== undefined && (
          <Command text={`berth alerts test ${rules[0].name} --replay 24h`} />
        )}
      </header>
      {rules.length === 0 ? (
        <EmptyNote command="berth explain monitoring">
          Nothing is watched. Rules stand in the block <code>monitoring</code> of the site file.
        </EmptyNote>
      ) : (
        <table class="plain-table rules" aria-label="Rules">
          <thead>
            <tr>
              <th scope="col" class="col-rule">
                Rule
              </th>
              <th scope="col">Fires when</th>
              <th scope="col" class="number col-when">
                For
              </th>
              <th scope="col" class="col-severity">
                Severity
              </th>
              <th scope="col" class="wide-only">
                Then
              </th>
              <th scope="col" class="wide-only">
                From
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map(({ name, condition, duration_ms, severity, actions, origin, problem }) => (
              <tr key={name}>
                <td>
                  <code>{name}</code>
                </td>
                <td class="words">
                  <code>{condition}</code>
                  {problem !== null && <span class="rule-problem">{problem}</span>}
                </td>
                <td class="number">{duration_ms === 0 ? 'at once' : duration(duration_ms)}</td>
                <td>
                  <SeverityMark severity={severity} />
                </td>
                <td class="wide-only words">{actions.join(', ') || 'notify'}</td>
                <td class="wide-only words muted">{origin}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
