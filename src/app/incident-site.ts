import { FailureLedger } from '../analysis/failure-ledger.ts';
import { eachIncident, type Incident } from '../analysis/incidents.ts';
import type { LoadedNode } from '../analysis/load-redistribution.ts';
import { lookForSlowerWork, measuredMemory } from '../analysis/slower-work.ts';
import { StepDurations } from '../analysis/step-durations.ts';
import type { IncidentList, IncidentSite } from '../api/contract/incident-documents.ts';
import { findingDocument } from '../api/views/finding.ts';
import { incidentDocument, worstLoss } from '../api/views/incidents.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { TenantId } from '../model/ids.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { MetricHistory } from '../telemetry/metric.ts';
import { eventsOf, inPieces, openJournalWindow, Pieces } from './journal-window.ts';

export interface LiveIncidentsDeps {
  readonly engine: Engine;
  readonly journal: SqliteJournal;
  /** Absent: what was measured is not asked. */
  readonly metrics: MetricHistory;
  readonly now: () => TimeMs;
}

/** What failed and what became slower, read from the journal. */
export class LiveIncidents implements IncidentSite {
  readonly #deps: LiveIncidentsDeps;

  constructor(deps: LiveIncidentsDeps) {
    this.#deps = deps;
  }

  async incidents(spanMs: number, only: TenantId | undefined): Promise<IncidentList> {
    const { journal, now, metrics: history } = this.#deps;
    const asked = now();
    const window = openJournalWindow(journal, {
      from: Math.max(0, asked - spanMs) as TimeMs,
      to: asked,
    });
    const { from, to, complete } = window;
    const ledger = new FailureLedger({ before: (id) => eventsOf(journal, id), only });
    for (const node of this.#deps.engine.state.nodes()) ledger.knowNode(node.id, node.labels);
    const durations = new StepDurations(only);
    for await (const event of window.events()) {
      ledger.read(event);
      durations.read(event);
    }
    const pieces = new Pieces();
    const found: Incident[] = [];
    for (const incident of eachIncident(ledger, { measured: measuredMemory(history) })) {
      found.push(incident);
      await pieces.next();
    }
    const slower = await inPieces(lookForSlowerWork(history, durations, { from, to }), pieces);
    return {
      from,
      to,
      complete,
      failures: ledger.exposures.filter(({ failure }) => failure !== undefined).length,
      incidents: found.map(incidentDocument),
      slower: slower.map(findingDocument),
      loss: worstLoss(this.#loads(), 'CPU'),
    };
  }

  #loads(): readonly LoadedNode[] {
    const held = new Map<string, number>();
    for (const { placement } of this.#deps.engine.state.runningAttempts()) {
      held.set(placement.node, (held.get(placement.node) ?? 0) + placement.held.cpu);
    }
    return [...this.#deps.engine.state.nodes()]
      .filter(({ cpu }) => cpu > 0)
      .map(({ id, cpu }) => ({ id, load: held.get(id) ?? 0, capacity: cpu }));
  }
}
