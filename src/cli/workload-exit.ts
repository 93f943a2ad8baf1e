import type { WorkloadDocument } from '../api/contract/documents.ts';
import { EXIT } from './exit-codes.ts';

const exits: Record<WorkloadDocument['status'], number> = {
  succeeded: EXIT.ok,
  failed: EXIT.workloadFailed,
  cancelled: EXIT.workloadCancelled,
  skipped: EXIT.workloadCancelled,
  // Still going on: whoever watched was interrupted.
  spilled: EXIT.interrupted,
  waiting: EXIT.interrupted,
  running: EXIT.interrupted,
};

export const exitOf = (document: WorkloadDocument): number => exits[document.status];
