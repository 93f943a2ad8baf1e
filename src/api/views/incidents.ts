import { incidentFinding } from '../../analysis/cascades.ts';
import type { Incident } from '../../analysis/incidents.ts';
import { type LoadedNode, redistribute } from '../../analysis/load-redistribution.ts';
import type { IncidentList } from '../contract/incident-documents.ts';
import { findingDocument } from './finding.ts';

export function incidentDocument(incident: Incident): IncidentList['incidents'][number] {
  const { branchingRatio, doublingMs, parent, memory, blast, nodesLost } = incident;
  return {
    id: incident.id,
    from: incident.from,
    to: incident.to,
    class: incident.class,
    failures: incident.failures,
    causes: incident.causes.map((cause) => ({ ...cause })),
    nodes_lost: [...nodesLost],
    workloads: incident.workloads.length,
    tenants: incident.tenants.length,
    branching_ratio: branchingRatio ?? null,
    doubling_ms: doublingMs ?? null,
    shared: parent === undefined ? null : { ...parent },
    timeline: [...incident.timeline],
    memory_cascade: memory.verdict,
    blast: {
      at_risk: blast.atRisk,
      steps: blast.steps,
      skipped: blast.skipped,
      nodes: blast.nodes,
      tenants: blast.tenants,
    },
    finding: findingDocument(incidentFinding(incident)),
  };
}

/** The node whose loss the others could bear least, by one resource. */
export function worstLoss(nodes: readonly LoadedNode[], resource: string): IncidentList['loss'] {
  if (nodes.length < 2) return null;
  const losses = nodes
    .map(({ id }) => ({ id, ...redistribute(nodes, id) }))
    .sort((a, b) => (b.fullest ?? 9) - (a.fullest ?? 9) || (a.id < b.id ? -1 : 1));
  const { id, fullest, rounds } = losses[0]!;
  const sentence =
    rounds.length > 0
      ? `The others have no room for the ${resource} that node ${id} holds: some of it would wait.`
      : `If node ${id} is lost, the fullest of the others holds ${Math.round((fullest ?? 0) * 100)} % of its ${resource}.`;
  return { node: id, sentence, fullest: rounds.length > 0 ? null : (fullest ?? null) };
}
