import type { FlowReport } from '../../analysis/diagnosis/flows.ts';
import type { Profile } from '../../analysis/diagnosis/profile.ts';
import type { Diagnosis } from '../../analysis/diagnosis/report.ts';
import type { RegressionReport } from '../../analysis/slower-work.ts';
import type { DoctorFlow, ProfileDocument, RegressionList } from '../contract/doctor-documents.ts';
import type { DoctorReport } from '../contract/telemetry-documents.ts';
import { findingDocument, remedyDocument } from './finding.ts';

export function doctorReport(diagnosis: Diagnosis): DoctorReport {
  const { from, to, sentence, quality = null, findings, looked } = diagnosis;
  return {
    from,
    to,
    sentence,
    quality,
    findings: findings.map(findingDocument),
    looked: looked.map(
      ({ resource, utilisation = null, saturation = null, errors = null, ...of }) => ({
        resource,
        utilisation,
        saturation,
        errors,
        sentence: of.sentence,
      }),
    ),
  };
}

export function regressionList(
  { from, to, complete }: Pick<RegressionList, 'from' | 'to' | 'complete'>,
  { findings, layers }: RegressionReport,
): RegressionList {
  const unknown = layers.filter(({ state }) => state === 'unknown').length;
  const blind = unknown === 0 ? '' : ` Of ${unknown} of ${layers.length} layers nothing is known.`;
  const [worst] = findings;
  return {
    from,
    to,
    complete,
    sentence: worst?.sentence ?? `Nothing is worse than it was, of what is known.${blind}`,
    findings: findings.map(findingDocument),
    layers: layers.map((one) => ({ ...one, remedies: one.remedies.map(remedyDocument) })),
  };
}

export const doctorFlow = (
  { flow, sentence, steps, remedies }: FlowReport,
  { from, to }: Pick<Diagnosis, 'from' | 'to'>,
): DoctorFlow => ({
  flow,
  from,
  to,
  sentence,
  steps: [...steps],
  remedies: remedies.map(remedyDocument),
});

export function profileDocument(of: string, profile: Profile): ProfileDocument {
  return {
    of,
    elapsed_ms: Math.round(profile.elapsedMs),
    bound: profile.bound,
    sentence: profile.sentence,
    processes: profile.processes,
    threads: profile.threads,
    cpu_user: profile.cpuUser,
    cpu_system: profile.cpuSystem,
    waiting_for_cpu: profile.waitingForCpu ?? null,
    throttled_ratio: profile.throttled ?? null,
    voluntary_switches_per_second: profile.voluntarySwitches ?? null,
    involuntary_switches_per_second: profile.involuntarySwitches ?? null,
    minor_faults_per_second: profile.minorFaults,
    major_faults_per_second: profile.majorFaults,
    read_bytes_per_second: profile.readBytesPerSecond ?? null,
    written_bytes_per_second: profile.writtenBytesPerSecond ?? null,
    resident_bytes: profile.residentBytes,
    states: [...profile.states],
    waits: [...profile.waits],
    top: profile.top.map((one) => ({
      pid: one.pid,
      command: one.command,
      threads: one.threads,
      cpu: one.cpu,
      resident_bytes: one.residentBytes,
      read_bytes_per_second: one.readBytesPerSecond ?? null,
      written_bytes_per_second: one.writtenBytesPerSecond ?? null,
    })),
  };
}
