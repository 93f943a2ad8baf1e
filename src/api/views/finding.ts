import type { Finding, Party, Remedy } from '../../analysis/finding.ts';
import type { FindingDocument } from '../contract/telemetry-documents.ts';

/** What is unknown is null in documents. */
export function findingDocument(finding: Finding): FindingDocument {
  return {
    ...finding,
    since: finding.since ?? null,
    evidence: finding.evidence.map(({ value = null, threshold = null, ...of }) => ({
      ...of,
      value,
      threshold,
    })),
    culprits: finding.culprits.map(party),
    sufferers: finding.sufferers.map(party),
    remedies: finding.remedies.map(remedyDocument),
  };
}

const party = (of: Party) => ({
  ...of,
  workload: of.workload ?? null,
  tenant: of.tenant ?? null,
  share: of.share ?? null,
});

export const remedyDocument = (of: Remedy) => ({ ...of, command: of.command ?? null });
