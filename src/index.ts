/** The library: documents and quantities as Berth reads them, and the types of what its API answers. */
export type {
  AttemptDocument,
  EnforcedDocument,
  LogChunk,
  NodeList,
  Problem,
  Reason,
  Status,
  StepDocument,
  Submitted,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadList,
  WorkloadSummary,
} from './api/contract/documents.ts';
export { UNLIMITED } from './base/units.ts';
export { openClient } from './cli/io/open-client.ts';
export { ResourceAnalytics } from './cli/io/resource-analytics.ts';
export { HeldLease, type LeaseOptions, ResourcePool } from './cli/io/resource-pool.ts';
export type { WorkloadSpec } from './model/workload.ts';
export { defineFilter, defineOrder, defineScorer } from './scheduling/define-plugin.ts';
export {
  conflicts,
  defaultWeights,
  type Measured,
  normalise,
  type Objectives,
  paretoSet,
  weightedScore,
} from './scheduling/objectives.ts';
export type { OrderRule, QueueFacts, TenantFacts } from './scheduling/order.ts';
export type {
  FilterPlugin,
  OrderPlugin,
  ScorerPlugin,
  TableView,
} from './scheduling/plugin.ts';
export type { Candidate } from './scheduling/scheduler.ts';
export type { Ask } from './scheduling/shape.ts';
export { documentJsonSchema } from './spec/document-schema.ts';
export { formatIssues } from './spec/format-issues.ts';
export type { Issue } from './spec/issue.ts';
export { type ParsedDocument, type ParseOptions, parseDocument } from './spec/parse-document.ts';
export {
  type Parsed,
  parseBitRate,
  parseBytes,
  parseCpu,
  parseDollars,
  parseGpu,
  parsePercent,
  parseSpan,
  printBitRate,
  printBytes,
  printCpu,
  printDollars,
  printGpu,
  printPercent,
  printSpan,
} from './spec/quantities.ts';
