import type { AlertList, DoctorReport } from '../../../src/api/contract/telemetry-documents.ts';
import { isFiring } from '../alert-words.ts';
import { always, isLacking, type Loaded, useDocument } from '../use-document.ts';
import { Ago } from './moments.tsx';
import { SeverityMark } from './severity-mark.tsx';

const SHOWN = 4;
/** One line, as most answers are: nothing below it moves when they come. */
const LOOKING = 'Looking at the last 10 minutes.';
/** It reads minutes of history. */
const DOCTOR_EVERY_MS = 30_000;

/** What fires, worst first, and what the doctor says in one line, for which there is always room. */
export function NeedsYou({ alerts }: { readonly alerts: Loaded<AlertList> }) {
  const { value: report, problem } = useDocument<DoctorReport>('/api/v1/doctor?window=10m', {
    when: always,
    everyMs: DOCTOR_EVERY_MS,
    mayLack: true,
  }).value;
  if (isLacking(alerts.problem) && isLacking(problem)) return null;
  const firing = alerts.value?.alerts.filter(isFiring) ?? [];
  const [worst] = report?.findings ?? [];
  return (
    <section class="part" aria-label="Needs you">
      <header class="section-head">
        <h2>Needs you</h2>
        <span class="muted number">{firing.length > 0 ? firing.length : ''}</span>
        {firing.length > SHOWN && (
          <a class="more" href="#/alerts">
            all {firing.length}
          </a>
        )}
      </header>
      <ul class="needs">
        {firing.slice(0, SHOWN).map(({ id, severity, sentence, since }) => (
          <li key={id}>
            <a href="#/alerts" data-row={`alert ${id}`}>
              <SeverityMark severity={severity} />
              <span class="needs-sentence">{sentence}</span>
              <span class="muted">
                <Ago at={since} />
              </span>
            </a>
          </li>
        ))}
        {!isLacking(problem) && (
          <li>
            <a href="#/doctor" data-row={worst === undefined ? undefined : 'doctor'}>
              {worst === undefined ? (
                <span class="severity muted">doctor</span>
              ) : (
                <SeverityMark severity={worst.severity} />
              )}
              <span class={worst === undefined ? 'needs-sentence muted' : 'needs-sentence'}>
                {worst?.sentence ?? report?.sentence ?? problem?.detail ?? LOOKING}
              </span>
            </a>
          </li>
        )}
      </ul>
    </section>
  );
}
