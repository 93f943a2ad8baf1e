import { useState } from 'preact/hooks';
import type { Setting, SettingsDocument } from '../../../src/api/contract/settings-documents.ts';
import type { TokenList } from '../../../src/api/contract/token-documents.ts';
import { counted, listed, moment, UNKNOWN, whole } from '../format.ts';
import { Choice } from '../parts/choice.tsx';
import { Command, EmptyNote, ProblemNote, Prose } from '../parts/notes.tsx';
import { searchSettings } from '../router.ts';
import { anew, isLacking, useDocument } from '../use-document.ts';

/** What is as it is built in is folded away, unless all is asked for or something is searched. */
const views = ['set', 'all'] as const;
/** More rows are no list that is read: the search narrows it. */
const DRAWN_MAX = 400;

/** Every setting of the daemon and of the site, what it is now, and who said so. */
export function SettingsPage({ search }: { readonly search: string }) {
  const [view, choose] = useState<(typeof views)[number]>('set');
  const { value: document, problem } = useDocument<SettingsDocument>('/api/v1/settings', {
    ...anew,
    mayLack: true,
  }).value;
  if (isLacking(problem) && document === undefined) {
    return (
      <>
        <h1 class="lead">Settings are not available in this daemon.</h1>
        <p class="sub">It is older than this page.</p>
        <Command text="berth config explain" />
      </>
    );
  }
  const all = document?.settings ?? [];
  const wanted = search.trim().toLowerCase();
  const found = all.filter((one) => matches(one, wanted));
  const isOpen = view === 'all' || wanted !== '';
  const groups = [...Map.groupBy(found.slice(0, DRAWN_MAX), ({ group }) => group)];
  return (
    <>
      <h1 class="lead">{document === undefined ? '\u00a0' : sentence(all)}</h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <div class="toolbar">
        <Choice<(typeof views)[number]>
          label="Which settings"
          options={views}
          chosen={view}
          onChoose={choose}
        />
        <input
          type="search"
          placeholder="Name, value or meaning"
          aria-label="Search settings"
          value={search}
          onInput={(event) => searchSettings(event.currentTarget.value)}
        />
        <span class="spring" />
        <Command text="berth config explain" />
      </div>
      {document !== undefined && document.site_file === null && (
        <EmptyNote command="berth up --site examples/site.yaml">
          No site document is in force: one queue, by priority, and all below as it is built in.
        </EmptyNote>
      )}
      {document !== undefined && document.site_file !== null && (
        <p class="sub">
          Site document <code>{document.site_file}</code>, as it was when the daemon started.{' '}
          <Command text={`berth check ${document.site_file}`} />
        </p>
      )}
      {document !== undefined && found.length === 0 && (
        <p class="muted quiet">No setting matches “{search}”.</p>
      )}
      {groups.map(([group, rows]) => (
        <Group key={group} name={group} rows={rows} isOpen={isOpen} />
      ))}
      {found.length > DRAWN_MAX && (
        <p class="muted quiet">
          {whole(found.length - DRAWN_MAX)} more are not shown; search for one.
        </p>
      )}
      {document !== undefined && document.left_out > 0 && (
        <p class="muted quiet">
          The document has {whole(document.left_out)} more keys than are listed.
        </p>
      )}
      <Tokens />
    </>
  );
}

const isSet = ({ origin }: Setting): boolean => origin !== 'default';

const matches = ({ name, value, meaning, source }: Setting, wanted: string): boolean =>
  wanted === '' || `${name} ${value ?? ''} ${meaning} ${source}`.toLowerCase().includes(wanted);

const words: Readonly<Record<Setting['origin'], string>> = {
  default: 'built in',
  found: 'a file in its place',
  environment: 'the environment',
  flag: 'the command line',
  site: 'the site document',
  'plug-in': 'plug-ins',
};

function sentence(all: readonly Setting[]): string {
  const set = all.filter(isSet);
  if (set.length === 0) return `All ${whole(all.length)} settings are as they are built in.`;
  const by = [...Map.groupBy(set, ({ origin }) => origin)];
  const told = by.map(([origin, rows]) => `${whole(rows.length)} by ${words[origin]}`);
  return `${whole(set.length)} of ${counted(all.length, 'setting')} are set: ${listed(told, 6)}.`;
}

interface GroupProps {
  readonly name: string;
  readonly rows: readonly Setting[];
  /** Also what is built in. */
  readonly isOpen: boolean;
}

function Group({ name, rows, isOpen }: GroupProps) {
  const [set, others] = isOpen ? [rows, []] : [rows.filter(isSet), rows.filter((r) => !isSet(r))];
  return (
    <section class="part" aria-label={`Settings of ${name}`}>
      <header class="section-head">
        <h2>{name}</h2>
        <span class="muted">{counted(rows.length, 'setting')}</span>
      </header>
      {set.length > 0 && <Rows label={`Settings of ${name}`} rows={set} />}
      {others.length > 0 && (
        <details class="quiet">
          <summary>{whole(others.length)} as built in</summary>
          <Rows label={`Settings of ${name} as built in`} rows={others} />
        </details>
      )}
    </section>
  );
}

function Rows({ label, rows }: { readonly label: string; readonly rows: readonly Setting[] }) {
  return (
    <table class="plain-table settings" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Setting</th>
          <th scope="col" class="col-value">
            Value
          </th>
          <th scope="col" class="col-value wide-only">
            Default
          </th>
          <th scope="col" class="col-origin">
            Origin
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name} data-setting={row.name} class={isSet(row) ? 'is-set' : ''}>
            <th scope="row" class="words">
              <code>{row.name}</code>
              <span class="muted">
                <Prose text={row.meaning} />
              </span>
            </th>
            <td class="words">
              <Value row={row} />
            </td>
            <td class="words wide-only muted">{row.default ?? UNKNOWN}</td>
            <td class="words" title={row.source}>
              <Origin row={row} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ row: { value, withheld } }: { readonly row: Setting }) {
  if (withheld === 'admin') return <span class="muted">for admins</span>;
  return (
    <>
      {value !== null && <code>{value}</code>}
      {value === null && withheld === null && UNKNOWN}
      {withheld === 'secret' && <span class="muted"> secret</span>}
    </>
  );
}

/** A file by its name and line; the whole path is on hover. */
function Origin({ row: { origin, source } }: { readonly row: Setting }) {
  if (origin === 'default') return <span class="muted">default</span>;
  const file = source.slice(source.lastIndexOf('/') + 1);
  if (origin === 'site') return <code>{file}</code>;
  if (origin === 'plug-in') {
    return (
      <>
        plug-in <code>{file}</code>
      </>
    );
  }
  return (
    <>
      {words[origin].replace(/^(the|a) /, '')} <code>{source}</code>
    </>
  );
}

/** Who may ask this daemon, for admins: to everybody else the route is closed. */
function Tokens() {
  const { value } = useDocument<TokenList>('/api/v1/tokens', anew).value;
  if (value === undefined) return null;
  return (
    <section class="part" aria-label="Tokens">
      <header class="section-head">
        <h2>Tokens</h2>
        <span class="muted">the secrets themselves are not kept</span>
        <Command text="berth token add NAME" />
      </header>
      {value.tokens.length === 0 ? (
        <p class="muted quiet">Nobody has one yet beside the admin token of the state folder.</p>
      ) : (
        <table class="plain-table" aria-label="Tokens">
          <thead>
            <tr>
              <th scope="col">Tenant</th>
              <th scope="col" class="col-status">
                Role
              </th>
              <th scope="col" class="col-status">
                Sees
              </th>
              <th scope="col" class="wide-only">
                For
              </th>
              <th scope="col">Until</th>
            </tr>
          </thead>
          <tbody>
            {value.tokens.map(({ id, tenant, role, sees, note, expires_at: until }) => (
              <tr key={id}>
                <th scope="row" class="words">
                  {tenant} <code class="muted">{id}</code>
                </th>
                <td>{role}</td>
                <td>{sees}</td>
                <td class="words wide-only muted">{note === '' ? UNKNOWN : note}</td>
                <td class="words">{until === null ? 'it is revoked' : moment(until)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
