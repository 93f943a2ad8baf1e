import { lookForRegressions } from '../analysis/slower-work.ts';
import { StepDurations } from '../analysis/step-durations.ts';
import type { RegressionList } from '../api/contract/doctor-documents.ts';
import { regressionList } from '../api/views/doctor.ts';
import type { TimeMs } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { MetricHistory } from '../telemetry/metric.ts';
import { inPieces, openJournalWindow } from './journal-window.ts';

/** What got worse over a window: work by the journal, and the layers below it by what was measured. */
export async function takeRegressions(
  { journal, history }: { readonly journal: SqliteJournal; readonly history: MetricHistory },
  asked: { readonly from: TimeMs; readonly to: TimeMs },
  only: TenantId | undefined,
): Promise<RegressionList> {
  const window = openJournalWindow(journal, asked);
  const durations = new StepDurations(only);
  for await (const event of window.events()) durations.read(event);
  // What was measured may go further back than the journal.
  const report = await inPieces(
    lookForRegressions(history, durations, { ...asked, ...(only !== undefined && { only }) }),
  );
  return regressionList({ ...asked, complete: window.complete }, report);
}
