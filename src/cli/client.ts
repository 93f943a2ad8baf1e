import type {
  AlertReplay,
  AlertReplayQuery,
  SilenceDocument,
  SilenceRequest,
} from '../api/contract/alert-documents.ts';
import type { CacheCleared, CacheList } from '../api/contract/cache-documents.ts';
import type {
  DoctorFlow,
  DoctorFlowName,
  ProfileDocument,
  RegressionList,
} from '../api/contract/doctor-documents.ts';
import type {
  LogChunk,
  NodeList,
  Status,
  Submitted,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadList,
} from '../api/contract/documents.ts';
import type { IncidentList } from '../api/contract/incident-documents.ts';
import type {
  LeaseDocument,
  LeaseList,
  PoolDocument,
  PoolList,
} from '../api/contract/lease-documents.ts';
import type { MetricExportRequest } from '../api/contract/metric-site.ts';
import type {
  BudgetList,
  PriceList,
  SuggestionList,
  UsageReportDocument,
} from '../api/contract/money-documents.ts';
import type { NetworkQuery, NetworkStatus } from '../api/contract/network-documents.ts';
import type { PreemptionList } from '../api/contract/preemption-documents.ts';
import type {
  ClassList,
  QueueList,
  QuotaList,
  ReservationList,
} from '../api/contract/queue-documents.ts';
import type { RebalanceDocument, RebalanceRequest } from '../api/contract/rebalance-documents.ts';
import type { ReportDocument, ReportList } from '../api/contract/report-documents.ts';
import type { ServiceDocument } from '../api/contract/service-documents.ts';
import type {
  AlertList,
  DoctorReport,
  KpiList,
  MetricDriftDocument,
  MetricHistoryDocument,
  MetricList,
} from '../api/contract/telemetry-documents.ts';
import type { NewToken, TokenList, TokenRequest } from '../api/contract/token-documents.ts';
import type {
  TransferDocument,
  TransferList,
  TransferRequest,
} from '../api/contract/transfer-documents.ts';
import type { SiteChange, WorkloadFilter } from '../api/contract/views.ts';

import type { WhatIfDocument, WhatIfRequest } from '../api/contract/what-if-documents.ts';

/** The API of one daemon. Every call rejects with OperationError, or AbortError when its signal says so. */
export interface Client {
  status(): Promise<Status>;
  submit(document: SubmittedDocument): Promise<Submitted>;
  workloads(filter: WorkloadFilter): Promise<WorkloadList>;
  workload(id: string, signal?: AbortSignal): Promise<WorkloadDocument>;
  why(id: string): Promise<Why>;
  cancel(id: string): Promise<void>;
  /** A new run of the same document. */
  retry(id: string, from: 'failed' | 'start'): Promise<Submitted>;
  /** What to change, as `berth adjust` and the API have it. */
  adjust(id: string, changes: object): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  rebalance(asked: Partial<RebalanceRequest>): Promise<RebalanceDocument>;
  rebalancing(): Promise<RebalanceDocument>;
  /** What a change would do; it is not made. Takes up to minutes on a large site. */
  whatIf(asked: WhatIfRequest): Promise<WhatIfDocument>;
  /** Of a service: so many replicas from now on. */
  scale(id: string, replicas: number): Promise<ServiceDocument>;
  /** Of a service: a new revision. */
  update(id: string, document: SubmittedDocument): Promise<Submitted>;
  askLease(request: object): Promise<LeaseDocument>;
  /** Waits until it is held or has ended, at most so long. */
  renewLease(id: string, waitMs: number, signal?: AbortSignal): Promise<LeaseDocument>;
  releaseLease(id: string): Promise<LeaseDocument>;
  leases(): Promise<LeaseList>;
  addPool(definition: object): Promise<PoolDocument>;
  removePool(name: string): Promise<void>;
  pools(): Promise<PoolList>;
  askTransfer(request: TransferRequest): Promise<TransferDocument>;
  transfer(id: string, signal?: AbortSignal): Promise<TransferDocument>;
  transfers(): Promise<TransferList>;
  cancelTransfer(id: string): Promise<TransferDocument>;
  cleanTransfers(): Promise<TransferList>;
  tokens(): Promise<TokenList>;
  addToken(wanted: TokenRequest): Promise<NewToken>;
  revokeToken(id: string): Promise<void>;
  alerts(): Promise<AlertList>;
  addSilence(wanted: SilenceRequest): Promise<SilenceDocument>;
  removeSilence(id: string): Promise<void>;
  replayAlert(asked: AlertReplayQuery): Promise<AlertReplay>;
  nodes(): Promise<NodeList>;
  queues(): Promise<QueueList>;
  classes(): Promise<ClassList>;
  quotas(): Promise<QuotaList>;
  reservations(): Promise<ReservationList>;
  budgets(): Promise<BudgetList>;
  prices(): Promise<PriceList>;
  /** So far back, in seconds. */
  usageReport(seconds: number, by: readonly string[]): Promise<UsageReportDocument>;
  suggestions(seconds: number): Promise<SuggestionList>;
  /** Over the last so many seconds. */
  doctor(seconds: number): Promise<DoctorReport>;
  regressions(seconds: number): Promise<RegressionList>;
  doctorFlow(flow: DoctorFlowName, seconds: number): Promise<DoctorFlow>;
  /** Of an attempt; answered after so many milliseconds. */
  profile(attempt: string, forMs: number): Promise<ProfileDocument>;
  /** All, or one. */
  /** At most so many series of one name. */
  metrics(name?: string, seriesMax?: number): Promise<MetricList>;
  metricDrift(asked: MetricDriftQuery): Promise<MetricDriftDocument>;
  metricHistory(asked: MetricHistoryQuery): Promise<MetricHistoryDocument>;
  /** Pieces of text as they come. */
  exportMetrics(asked: MetricExport): AsyncIterable<string>;
  kpis(seconds: number): Promise<KpiList>;
  report(seconds: number): Promise<ReportDocument>;
  /** The same as one page of HTML. */
  reportPage(seconds: number): Promise<string>;
  /** Those that were made by themselves. */
  reports(): Promise<ReportList>;
  keptReport(id: string): Promise<ReportDocument>;
  keptReportPage(id: string): Promise<string>;
  incidents(seconds: number): Promise<IncidentList>;
  /** The newest, at most so many. */
  preemptions(limit: number): Promise<PreemptionList>;
  /** Results of tasks that are kept. */
  cache(): Promise<CacheList>;
  clearCache(): Promise<CacheCleared>;
  network(asked: NetworkQuery): Promise<NetworkStatus>;
  usage(windowMs: number): Promise<Usage>;
  log(part: LogPart): Promise<LogChunk>;
  /** Pieces as they are written, until the attempt has ended. */
  followLog(part: LogPart, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** One item per change, until the signal aborts or the daemon goes away. */
  changes(signal: AbortSignal): AsyncIterable<SiteChange>;
  shutDown(): Promise<void>;
  close(): void;
}

export type MetricExport = MetricExportRequest;

export interface MetricDriftQuery {
  readonly name: string;
  /** `key=value` each. */
  readonly labels: readonly string[];
  readonly beforeMs: number;
  readonly afterMs: number;
}

export interface MetricHistoryQuery {
  readonly name: string;
  /** `key=value` each. */
  readonly labels: readonly string[];
  readonly windowMs: number;
  readonly points: number;
  readonly series: number;
}

export interface SubmittedDocument {
  readonly text: string;
  /** As the user named it, for messages. */
  readonly fileName: string;
  /** Absolute: where tasks run when the document does not say. */
  readonly cwd: string;
  /** Texts of what it includes, by name; and why one could not be read. */
  readonly files?: Readonly<Record<string, string>>;
  readonly unreadable?: Readonly<Record<string, string>>;
  /** Values for its variables, as they were typed; and those of `files` that are such values. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly varsFiles?: readonly string[];
  /** For whom; whoever asks, when not given. */
  readonly tenant?: string | undefined;
}

export interface LogPart {
  readonly attempt: string;
  readonly stream: 'stdout' | 'stderr';
  /** Byte offset since the attempt began; negative counts from the end. */
  readonly from: number;
  readonly maxBytes: number;
}
