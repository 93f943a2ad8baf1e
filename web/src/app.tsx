import { useEffect } from 'preact/hooks';
import type { Status } from '../../src/api/contract/documents.ts';
import type { AlertList } from '../../src/api/contract/telemetry-documents.ts';
import { isFiring } from './alert-words.ts';
import { duration } from './format.ts';
import { openHelp } from './keyboard.ts';
import { liveState } from './live.ts';
import { AlertsPage } from './pages/alerts-page.tsx';
import { CostPage } from './pages/cost-page.tsx';
import { DoctorPage } from './pages/doctor-page.tsx';
import { MetricsPage } from './pages/metrics-page.tsx';
import { NodesPage } from './pages/nodes-page.tsx';
import { OverviewPage } from './pages/overview-page.tsx';
import { QueuePage } from './pages/queue-page.tsx';
import { ReportsPage } from './pages/reports-page.tsx';
import { SettingsPage } from './pages/settings-page.tsx';
import { TenantsPage } from './pages/tenants-page.tsx';
import { WhatIfPage } from './pages/what-if-page.tsx';
import { WorkloadPage } from './pages/workload-page.tsx';
import { WorkloadsPage } from './pages/workloads-page.tsx';
import { KeyHelp } from './parts/key-help.tsx';
import { LiveBadge } from './parts/live-badge.tsx';
import { ProblemNote } from './parts/notes.tsx';
import { SearchBox } from './parts/search-box.tsx';
import { TokenForm } from './parts/token-form.tsx';
import { places } from './places.ts';
import { type Route, route } from './router.ts';
import { learnServerTime, now } from './server-time.ts';
import { switchTheme, theme } from './theme.ts';
import { always, type Loaded, useDocument } from './use-document.ts';

const STATUS_EVERY_MS = 2_000;
const ALERTS_EVERY_MS = 4_000;

export function App() {
  const { value: status, problem } = useDocument<Status>('/api/v1/status', {
    when: always,
    everyMs: STATUS_EVERY_MS,
  }).value;
  const alerts = useDocument<AlertList>('/api/v1/alerts', {
    when: always,
    everyMs: ALERTS_EVERY_MS,
    mayLack: true,
  }).value;
  const at = route.value;
  const key = keyOf(at);
  useEffect(() => {
    if (status !== undefined) learnServerTime(status.now);
  }, [status]);
  useEffect(() => {
    document.title = `${titleOf(at)} · Berth${status === undefined ? '' : ` ${status.host}`}`;
  }, [at, status?.host]);
  useEffect(() => scrollTo(0, 0), [key]);
  return (
    <>
      <button type="button" class="skip" onClick={toContent}>
        To the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          Berth
        </a>
        <span class="host muted">{status?.host}</span>
        <SearchBox />
        <LiveBadge />
        <button
          type="button"
          class="plain icon"
          onClick={switchTheme}
          title="Light or dark (t)"
          aria-label={`Switch to ${theme.value === 'dark' ? 'light' : 'dark'}`}
        >
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5" />
            <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
          </svg>
        </button>
        <button
          type="button"
          class="plain icon"
          title="Keys (?)"
          aria-label="Keys"
          onClick={openHelp}
        >
          ?
        </button>
      </header>
      <Rail at={at} status={status} alerts={alerts.value} />
      <main id="main" tabIndex={-1}>
        {liveState.value === 'locked' ? (
          <TokenForm />
        ) : (
          <>
            {problem !== undefined && liveState.value === 'paused' && (
              <ProblemNote problem={problem} />
            )}
            <Page key={key} at={at} status={status} alerts={alerts} />
          </>
        )}
      </main>
      <KeyHelp />
    </>
  );
}

interface PageProps {
  readonly at: Route;
  readonly status: Status | undefined;
  readonly alerts: Loaded<AlertList>;
}

function Page({ at, status, alerts }: PageProps) {
  switch (at.page) {
    case 'overview':
      return <OverviewPage status={status} alerts={alerts} />;
    case 'queue':
      return <QueuePage />;
    case 'workloads':
      return <WorkloadsPage />;
    case 'workload':
      return <WorkloadPage id={at.id} attempt={at.attempt} />;
    case 'nodes':
      return <NodesPage status={status} />;
    case 'alerts':
      return <AlertsPage alerts={alerts} />;
    case 'doctor':
      return <DoctorPage />;
    case 'reports':
      return <ReportsPage />;
    case 'tenants':
      return <TenantsPage />;
    case 'cost':
      return <CostPage />;
    case 'metrics':
      return <MetricsPage at={at.at} />;
    case 'settings':
      return <SettingsPage search={at.search} />;
    case 'what-if':
      return <WhatIfPage at={at.at} />;
    case 'nowhere':
      return (
        <h1 class="lead">
          There is no page {at.hash}. Back to the <a href="#/">overview</a>.
        </h1>
      );
  }
}

interface RailProps {
  readonly at: Route;
  readonly status: Status | undefined;
  readonly alerts: AlertList | undefined;
}

function Rail({ at, status, alerts }: RailProps) {
  const counts: Partial<Record<string, number>> = {
    queue: status?.counts.waiting,
    workloads: status?.counts.running,
    alerts: alerts?.alerts.filter(isFiring).length || undefined,
  };
  const here = at.page === 'workload' ? 'workloads' : at.page;
  return (
    <nav class="rail" aria-label="Pages">
      {places.map(({ page, href, name, key }) => (
        <a
          key={page}
          href={href}
          aria-current={page === here ? 'page' : undefined}
          title={`${name} (g ${key})`}
        >
          {name}
          <span class="number muted">{counts[page] ?? ''}</span>
        </a>
      ))}
      {status !== undefined && (
        <p class="about muted">
          v{status.version}, up {duration(now.value - status.started_at)}
          <br />
          <a href="/docs">API</a>
        </p>
      )}
    </nav>
  );
}

/** Of what is another page, and begins at its top. */
function keyOf(at: Route): string {
  if (at.page === 'workload') return at.id;
  return at.page === 'metrics' ? `metrics ${at.at.name ?? ''}` : at.page;
}

function titleOf(at: Route): string {
  if (at.page === 'workload') return `#${at.id}`;
  if (at.page === 'metrics' && at.at.name !== undefined) return at.at.name;
  return at.page === 'nowhere' ? 'Not found' : at.page[0]!.toUpperCase() + at.page.slice(1);
}

/** No link: the hash of the address says which page is shown. */
function toContent(): void {
  document.getElementById('main')?.focus();
}
