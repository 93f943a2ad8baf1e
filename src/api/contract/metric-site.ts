import type { TenantId } from '../../model/ids.ts';
import type {
  MetricDriftDocument,
  MetricHistoryDocument,
  MetricList,
} from './telemetry-documents.ts';

export interface MetricListRequest {
  /** One name, or that of its rate; all when undefined. */
  readonly name: string | undefined;
  /** Of each name at most so many. */
  readonly seriesMax: number;
}

export interface MetricHistoryRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly windowMs: number;
  readonly pointsMax: number;
  readonly seriesMax: number;
}

export interface MetricDriftRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The newer values are those of so long, up to now. */
  readonly afterMs: number;
  /** The older ones are those of so long before them. */
  readonly beforeMs: number;
}

export const exportFormats = ['csv', 'json'] as const;
export type ExportFormat = (typeof exportFormats)[number];
/** How far points are apart: a tier of history. */
export const exportSteps = { '1s': 1_000, '1m': 60_000, '1h': 3_600_000 } as const;
export type ExportStep = keyof typeof exportSteps;

export interface MetricExportRequest {
  /** All when empty. */
  readonly names: readonly string[];
  readonly sinceMs: number;
  readonly step: ExportStep;
  readonly format: ExportFormat;
}

/** What the routes need for metrics. `only`: no series of another tenant than this one. */
export interface MetricSite {
  metrics(asked: MetricListRequest, only: TenantId | undefined): MetricList;
  /** Undefined: nothing of that name was ever measured. */
  history(
    asked: MetricHistoryRequest,
    only: TenantId | undefined,
  ): MetricHistoryDocument | undefined;
  /** Undefined: nothing of that name was ever measured. */
  drift(asked: MetricDriftRequest, only: TenantId | undefined): MetricDriftDocument | undefined;
  /** Pieces of text, made one at a time as they are taken. */
  exported(asked: MetricExportRequest, only: TenantId | undefined): Iterable<string>;
}
