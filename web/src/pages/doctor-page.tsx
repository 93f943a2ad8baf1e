import { useState } from 'preact/hooks';
import type {
  DoctorReport,
  FindingDocument,
} from '../../../src/api/contract/telemetry-documents.ts';
import { colourOf, evidencePlots, qualitySentence } from '../finding-words.ts';
import { percent, UNKNOWN } from '../format.ts';
import { scaleOf } from '../metrics.ts';
import { Choice } from '../parts/choice.tsx';
import { HistoryPanels } from '../parts/history-panels.tsx';
import { Ago } from '../parts/moments.tsx';
import { Command, ProblemNote } from '../parts/notes.tsx';
import { ResourceBar } from '../parts/resource-bar.tsx';
import { SeverityMark } from '../parts/severity-mark.tsx';
import { workloadHref } from '../router.ts';
import { always, isLacking, useDocument } from '../use-document.ts';

const windows = {
  '10 min': { query: '10m', ms: 600_000 },
  '1 h': { query: '1h', ms: 3_600_000 },
  '24 h': { query: '24h', ms: 86_400_000 },
} as const;
type Window = keyof typeof windows;

const EVERY_MS = 10_000;
/** The others are opened by hand: each has plots of its own. */
const OPEN_MAX = 3;
const PARTIES_SHOWN = 5;

/** Why it is slow: each finding with its proof, who causes it, who suffers, and what to do about it. */
export function DoctorPage() {
  const [chosen, choose] = useState<Window>('10 min');
  const { query, ms } = windows[chosen];
  const { value: report, problem } = useDocument<DoctorReport>(`/api/v1/doctor?window=${query}`, {
    when: always,
    everyMs: EVERY_MS,
    mayLack: true,
  }).value;
  if (isLacking(problem) && report === undefined) {
    return (
      <>
        <h1 class="lead">The doctor is not available in this daemon.</h1>
        <p class="sub">It is older than this page, or it was built without one.</p>
      </>
    );
  }
  return (
    <>
      <h1 class="lead">{report?.sentence ?? '\u00a0'}</h1>
      <div class="toolbar">
        <span class="muted">{report === undefined ? '\u00a0' : qualitySentence(report)}</span>
        <span class="spring" />
        <Choice<Window>
          label="Time range"
          options={Object.keys(windows) as Window[]}
          chosen={chosen}
          onChoose={choose}
        />
        <Command text={`berth doctor --window ${query}`} />
      </div>
      {problem !== undefined && !isLacking(problem) && <ProblemNote problem={problem} />}
      {report?.findings.map((finding, i) => (
        <Finding key={finding.id} finding={finding} windowMs={ms} isOpen={i < OPEN_MAX} />
      ))}
      {report !== undefined && <Looked report={report} />}
    </>
  );
}

interface FindingProps {
  readonly finding: FindingDocument;
  readonly windowMs: number;
  readonly isOpen: boolean;
}

function Finding({ finding, windowMs, isOpen }: FindingProps) {
  const [open, setOpen] = useState(isOpen);
  const { id, severity, sentence, kind, since, evidence, culprits, sufferers, remedies } = finding;
  return (
    <section class="part finding" aria-label={sentence} data-finding={id}>
      <header class="finding-head">
        <SeverityMark severity={severity} />
        <h2>{sentence}</h2>
        <button type="button" class="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'fold' : 'why?'}
        </button>
      </header>
      <p class="alert-facts muted">
        <code>{kind}</code>
        {since !== null && (
          <span>
            since <Ago at={since} />
          </span>
        )}
        <span>score {finding.score.toFixed(2)} of 1</span>
      </p>
      {open && (
        <div class="finding-body">
          {evidence.length > 0 && (
            <>
              <ul class="evidence">
                {evidence.map((one) => (
                  <li key={`${one.name} ${JSON.stringify(one.labels)}`}>
                    {one.sentence}
                    {one.threshold !== null && (
                      <span class="muted"> (threshold {scaleOf(one).format(one.threshold)})</span>
                    )}
                  </li>
                ))}
              </ul>
              <HistoryPanels
                key={windowMs}
                specs={evidencePlots(finding)}
                span={{ windowMs }}
                empty="No history is kept of what proves it."
              />
            </>
          )}
          <div class="parties">
            <Parties
              title="Caused by"
              list={culprits}
              resource={finding.resource}
              of="of its use"
            />
            <Parties
              title="Who suffers"
              list={sufferers}
              resource={finding.resource}
              of="of its time"
            />
          </div>
          <Remedies list={remedies} />
        </div>
      )}
    </section>
  );
}

interface PartiesProps {
  readonly title: string;
  readonly list: FindingDocument['culprits'];
  readonly resource: FindingDocument['resource'];
  readonly of: string;
}

function Parties({ title, list, resource, of }: PartiesProps) {
  if (list.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <ul>
        {list.slice(0, PARTIES_SHOWN).map(({ id, kind, workload, tenant, share, sentence }) => (
          <li key={`${kind} ${id}`}>
            <div class="party">
              {workload === null ? (
                <span>
                  <code>{id}</code> <span class="muted">{kind}, not of Berth</span>
                </span>
              ) : (
                <a href={workloadHref(workload)}>
                  <code>{id}</code>
                  {tenant !== null && <span class="muted"> {tenant}</span>}
                </a>
              )}
              <span class="party-share number">
                <ResourceBar
                  resource={colourOf[resource]}
                  used={share}
                  whole={1}
                  label={`${share === null ? 'An unknown share' : percent(share)} ${of}`}
                />
                {share === null ? UNKNOWN : percent(share)}
              </span>
            </div>
            <p class="muted">{sentence}</p>
          </li>
        ))}
        {list.length > PARTIES_SHOWN && (
          <li class="muted">and {list.length - PARTIES_SHOWN} more</li>
        )}
      </ul>
    </section>
  );
}

function Remedies({ list }: { readonly list: FindingDocument['remedies'] }) {
  if (list.length === 0) return null;
  return (
    <section aria-label="What to do">
      <h3>What to do</h3>
      <ol class="remedies">
        {list.map(({ title, why, risk, effect, command }) => (
          <li key={title}>
            <div class="remedy-head">
              <strong>{title}</strong>
              <span class={`risk ${risk}`}>{risk === 'none' ? 'no risk' : `${risk} risk`}</span>
              {command !== null && <Command text={command} />}
            </div>
            <p>
              {why} <span class="muted">Expected: {effect}</span>
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What was looked at, also where nothing was found: utilisation, saturation, errors. */
function Looked({ report: { looked } }: { readonly report: DoctorReport }) {
  if (looked.length === 0) return null;
  return (
    <section class="part" aria-label="What was looked at">
      <header class="section-head">
        <h2>What was looked at</h2>
        <span class="muted">use, waiting and errors of every resource</span>
      </header>
      <table class="plain-table looked" aria-label="What was looked at">
        <thead>
          <tr>
            <th scope="col" class="col-resource">
              Resource
            </th>
            <th scope="col" class="number col-when">
              Used
            </th>
            <th scope="col" class="number col-when">
              Waits
            </th>
            <th scope="col" class="number col-when">
              Errors
            </th>
            <th scope="col">So</th>
          </tr>
        </thead>
        <tbody>
          {looked.map(({ resource, utilisation, saturation, errors, sentence }) => (
            <tr key={resource}>
              <th scope="row">{resource}</th>
              <td class="number">{percent(utilisation)}</td>
              <td class="number">{percent(saturation)}</td>
              <td class="number">{errors === null ? UNKNOWN : errors}</td>
              <td class="words">{sentence}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
