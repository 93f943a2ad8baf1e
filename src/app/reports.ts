import { validAt } from '../admission/rates.ts';
import type { LatencyWindow } from '../analysis/call-latency.ts';
import type { Estimate } from '../analysis/intervals.ts';
import { KpiCounts, kpisOf } from '../analysis/kpis.ts';
import { type Occurrence, OperationsLedger } from '../analysis/operations-ledger.ts';
import { ReportBook } from '../analysis/report-book.ts';
import { Spells } from '../analysis/spells.ts';
import { Adviser } from '../analysis/suggestions.ts';
import { UsageLedger, type UsageRecord } from '../analysis/usage-ledger.ts';
import { UsageReport } from '../analysis/usage-report.ts';
import type { ReportDocument, ReportList, ReportSite } from '../api/contract/report-documents.ts';
import type {
  AlertDocument,
  FindingDocument,
  KpiList,
} from '../api/contract/telemetry-documents.ts';
import { type ReadWindow, suggestionList, sumsDocument } from '../api/views/money.ts';
import { recommendationsOf, summaryOf } from '../api/views/report-summary.ts';
import {
  costRows,
  kpiDocument,
  objectiveDocument,
  siteReliability,
  stageDocuments,
  waitingDocument,
} from '../api/views/reports.ts';
import { workloadStatus } from '../api/views/status.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { TenantId } from '../model/ids.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { Goals } from '../model/objective.ts';
import { poolOf } from '../spec/lease-request.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { MetricHistory } from '../telemetry/metric.ts';
import type { ObjectiveWatch } from './objective-watch.ts';
import { readWindow } from './read-window.ts';
import type { ReportKeeper } from './report-keeper.ts';
import { currentStatus, measured, monitoringUptime, trendsOf } from './report-metrics.ts';

/** What others know, where somebody connects it. */
export interface ReportSources {
  /** Freshness × completeness of metrics. */
  readonly quality?: () => number | undefined;
  readonly alerts?: (only: TenantId | undefined) => readonly AlertDocument[];
  readonly findings?: (
    window: { readonly from: TimeMs; readonly to: TimeMs },
    only: TenantId | undefined,
  ) => Promise<readonly FindingDocument[]>;
  /** Of single calls of models, in milliseconds. */
  readonly latency?: (
    window: LatencyWindow,
  ) => (Estimate & { readonly samples: number }) | undefined;
}

export interface LiveReportsDeps {
  readonly engine: Engine;
  readonly journal: SqliteJournal;
  readonly history: MetricHistory;
  readonly objectives: ObjectiveWatch;
  readonly goals: Goals | undefined;
  readonly prices: MoneyConfig['prices'];
  readonly site: string | undefined;
  readonly host: string;
  readonly version: string;
  readonly now: () => TimeMs;
  readonly sources: ReportSources;
}

interface Asked {
  readonly from: TimeMs;
  readonly to: TimeMs;
  readonly only: TenantId | undefined;
}

/** What a report may not know. */
type Facts = Pick<
  ReportDocument,
  | 'current_status'
  | 'alerts'
  | 'findings'
  | 'kpis'
  | 'efficiency'
  | 'cost'
  | 'objectives'
  | 'historical_trends'
>;

/** What one pass over the journal found. */
interface Read {
  readonly window: ReadWindow & { readonly from: TimeMs; readonly to: TimeMs };
  readonly counts: KpiCounts;
  readonly book: ReportBook;
  readonly spells: Spells;
  readonly byTenant: UsageReport;
  readonly byWorkload: UsageReport;
  readonly adviser: Adviser;
}

/** KPIs, objectives and reports of the running daemon, from its journal and its metrics. */
export class LiveReports implements ReportSite {
  readonly #deps: LiveReportsDeps;
  /** Those that are made by themselves; undefined until it is opened. */
  keeper: ReportKeeper | undefined;

  constructor(deps: LiveReportsDeps) {
    this.#deps = deps;
  }

  async kpis(spanMs: number, only: TenantId | undefined): Promise<KpiList> {
    const read = await this.#read(this.#asked(spanMs, only));
    const { from, to, complete } = read.window;
    return {
      from,
      to,
      complete,
      kpis: this.#kpisOf(read, only).kpis,
      objectives: await this.#objectives(only),
    };
  }

  report(spanMs: number, only: TenantId | undefined): Promise<ReportDocument> {
    return this.make(this.#asked(spanMs, only), null);
  }

  async reports(): Promise<ReportList> {
    const now = this.#deps.now();
    return (await this.keeper?.list()) ?? { now, reports: [], schedules: [] };
  }

  async kept(id: string): Promise<ReportDocument | undefined> {
    return this.keeper?.read(id);
  }

  async make(asked: Asked, id: string | null): Promise<ReportDocument> {
    const { history, sources } = this.#deps;
    const { only } = asked;
    const read = await this.#read(asked);
    const { window, book } = read;
    const { kpis, reliability } = this.#kpisOf(read, only);
    const facts = {
      version: 1 as const,
      id,
      from: window.from,
      to: window.to,
      duration_ms: window.to - window.from,
      current_status: currentStatus(history, this.#deps.now()),
      historical_trends: await trendsOf(history, window),
      workloads: this.#workloads(book, only),
      failures: book.failures(),
      waiting: waitingDocument(book),
      stages: stageDocuments(book),
      efficiency: this.#efficiency(read),
      cost: {
        total: read.byTenant.total.charged,
        unpriced: read.byTenant.total.unpriced,
        by_tenant: costRows(read.byTenant),
        by_workload: costRows(read.byWorkload),
      },
      kpis,
      objectives: await this.#objectives(only),
      reliability,
      alerts: sources.alerts === undefined ? null : [...sources.alerts(only)],
      findings: sources.findings === undefined ? null : [...(await sources.findings(window, only))],
    };
    const all = { ...facts, metadata: this.#metadata(facts, { ...asked, ...window }) };
    const { suggestions } = this.#suggestions(read);
    return {
      ...all,
      summary: summaryOf(all),
      recommendations: recommendationsOf(all, suggestions),
    };
  }

  #asked(spanMs: number, only: TenantId | undefined): Asked {
    const to = this.#deps.now();
    return { from: Math.max(0, to - spanMs) as TimeMs, to, only };
  }

  async #read({ from, to, only }: Asked): Promise<Read> {
    let read: Omit<Read, 'window'> | undefined;
    let usage: UsageLedger | undefined;
    const take = (record: UsageRecord | undefined): void => {
      if (record === undefined || read === undefined) return;
      if (only !== undefined && record.user !== only) return;
      read.byTenant.add(record);
      read.byWorkload.add(record);
      read.adviser.add(record);
    };
    const window = await readWindow(this.#deps, { from, to }, (found, before) => {
      const books = {
        counts: new KpiCounts(found),
        book: new ReportBook(found),
        spells: new Spells(found),
        byTenant: new UsageReport(['user']),
        byWorkload: new UsageReport(['pipeline']),
        adviser: new Adviser((at) => new Date(at).getHours()),
      };
      read = books;
      const tell = (occurrence: Occurrence): void => {
        if (!isOf(occurrence, only)) return;
        books.counts.add(occurrence);
        books.book.add(occurrence);
        books.spells.add(occurrence);
      };
      const operations = new OperationsLedger({ from: found.from, tell, before });
      const ledger = new UsageLedger(found, before);
      usage = ledger;
      return {
        prime: (id) => {
          operations.prime(id);
          ledger.prime(id);
        },
        read: (event) => {
          operations.read(event);
          take(ledger.read(event));
        },
      };
    });
    for (const record of usage?.rest() ?? []) take(record);
    return {
      ...read!,
      window: { ...window, from: window.from as TimeMs, to: window.to as TimeMs },
    };
  }

  #kpisOf({ counts, spells, window }: Read, only: TenantId | undefined) {
    const { engine, history, goals, sources } = this.#deps;
    const nodes = engine.state.nodes().filter((node) => poolOf(node) === undefined);
    const found = spells.reliability(only === undefined ? nodes.map(({ id }) => id) : []);
    const kpis = kpisOf({
      counts: counts.counts(),
      cpu: measured(history, 'berth_node_cpu_busy_ratio', window),
      gpu: measured(history, 'berth_gpu_busy_ratio', window),
      latency: sources.latency?.({ ...window, only }),
      fleet: found.fleet,
      bounds: goals?.kpis ?? {},
    });
    return { kpis: kpis.map(kpiDocument), reliability: siteReliability(found) };
  }

  /** Who sees only his own sees those that are of him alone. */
  async #objectives(only: TenantId | undefined): Promise<KpiList['objectives']> {
    const states = await this.#deps.objectives.states();
    return states
      .filter(({ objective }) => only === undefined || objective.only.tenant === only)
      .map(objectiveDocument);
  }

  #workloads(book: ReportBook, only: TenantId | undefined): ReportDocument['workloads'] {
    let running = 0;
    let waiting = 0;
    const { state } = this.#deps.engine;
    for (const workload of state.workloads()) {
      if (only !== undefined && workload.tenant !== only) continue;
      const status = workloadStatus(workload);
      if (status === 'running') running++;
      if (status === 'waiting') waiting++;
    }
    for (const one of state.spilled.values()) {
      if (only === undefined || one.tenant === only) waiting++;
    }
    return {
      ...book.ended,
      running,
      waiting,
      took_p50_ms: book.took.quantile(0.5).value ?? null,
      took_p95_ms: book.took.quantile(0.95).value ?? null,
    };
  }

  #efficiency({ byTenant, window }: Read): ReportDocument['efficiency'] {
    const { history } = this.#deps;
    const { cpu_used_ratio, cpu_hours, memory_gib_hours, gpu_hours } = sumsDocument(byTenant.total);
    const used = measured(history, 'berth_node_memory_used_bytes', window);
    const total = measured(history, 'berth_node_memory_total_bytes', window);
    return {
      cpu_used_of_held: cpu_used_ratio,
      cpu_busy_of_all: measured(history, 'berth_node_cpu_busy_ratio', window)?.mean ?? null,
      memory_used_of_all: used === undefined || total === undefined ? null : used.mean / total.mean,
      gpu_busy_of_all: measured(history, 'berth_gpu_busy_ratio', window)?.mean ?? null,
      cpu_hours,
      memory_gib_hours,
      gpu_hours,
    };
  }

  #suggestions({ adviser, window }: Read) {
    const { rates, models } = this.#deps.prices;
    const context = {
      windowMs: Math.max(1, window.to - window.from),
      rates: validAt(rates, this.#deps.now()),
      models,
    };
    return suggestionList(window, adviser.suggestions(context));
  }

  #metadata(
    facts: Facts,
    { only, complete, ...window }: Asked & Pick<ReadWindow, 'complete'>,
  ): ReportDocument['metadata'] {
    const { history, now, site, host, version, sources } = this.#deps;
    return {
      site: site ?? null,
      host,
      berth_version: version,
      generated_at: now(),
      only_tenant: only ?? null,
      complete,
      data_quality: sources.quality?.() ?? null,
      monitoring_uptime: monitoringUptime(history, window) ?? null,
      unknown: unknownOf(facts),
    };
  }
}

/** Nodes are everybody's; whose nothing is known is nobody's. */
function isOf(occurrence: Occurrence, only: TenantId | undefined): boolean {
  if (only === undefined) return true;
  return occurrence.kind !== 'node' && occurrence.whose?.tenant === only;
}

function unknownOf(facts: Facts): ReportDocument['metadata']['unknown'] {
  const silent = facts.current_status.filter(({ value }) => value === null);
  const named = silent.map(({ resource }) => resource).join(', ');
  return [
    ...(named === ''
      ? []
      : [{ section: 'current_status', why: `not measured in the last minute: ${named}` }]),
    ...(facts.historical_trends.length > 0
      ? []
      : [{ section: 'historical_trends', why: 'nothing was measured in that time' }]),
    ...facts.kpis
      .filter(({ value }) => value === null)
      .map(({ name, sentence }) => ({ section: `kpis.${name}`, why: sentence })),
    ...(facts.objectives.length > 0
      ? []
      : [{ section: 'objectives', why: 'the site has none in monitoring.objectives' }]),
    ...(facts.efficiency.cpu_used_of_held === null
      ? [{ section: 'efficiency.cpu_used_of_held', why: 'no attempt that ended reported its use' }]
      : []),
    ...(facts.cost.unpriced > 0
      ? [
          {
            section: 'cost',
            why: `${facts.cost.unpriced} attempts and calls held something without a known price`,
          },
        ]
      : []),
    ...(facts.alerts === null ? [{ section: 'alerts', why: 'no rules are watched' }] : []),
    ...(facts.findings === null ? [{ section: 'findings', why: 'nothing was diagnosed' }] : []),
  ];
}
