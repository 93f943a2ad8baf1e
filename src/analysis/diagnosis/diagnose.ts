import type { Facts } from './facts.ts';
import type { Diagnosis, DoctorFinding, FindingKind, Verdict } from './report.ts';
import { cacheRule } from './rules/cache.ts';
import { cpuRule } from './rules/cpu.ts';
import { cpuLimitRule } from './rules/cpu-limit.ts';
import { diskSpaceRule } from './rules/disk-space.ts';
import { fragmentationRule } from './rules/fragmentation.ts';
import { gpuRule } from './rules/gpu.ts';
import { heldUnusedRule } from './rules/held-unused.ts';
import { ioRule } from './rules/io.ts';
import { locksRule } from './rules/locks.ts';
import { memoryRule } from './rules/memory.ts';
import { memoryLimitRule } from './rules/memory-limit.ts';
import { networkRule } from './rules/network.ts';
import { powerRule } from './rules/power.ts';
import { type Interval, MetricWindow, type WindowSources } from './window.ts';

/** In the order in which resources are told of. */
const rules: readonly ((window: MetricWindow, facts: Facts) => Verdict)[] = [
  cpuRule,
  cpuLimitRule,
  memoryRule,
  memoryLimitRule,
  heldUnusedRule,
  fragmentationRule,
  ioRule,
  diskSpaceRule,
  networkRule,
  gpuRule,
  powerRule,
  cacheRule,
  locksRule,
];

const FINDINGS_MAX = 50;

/** What commonly brings what about; the first is to be relieved first. */
const brings: Partial<Record<FindingKind, readonly FindingKind[]>> = {
  'memory-thrash': ['io-contention', 'cpu-contention'],
  'memory-limit': ['io-contention'],
  'cpu-stolen': ['cpu-contention'],
  'thermal-throttling': ['cpu-contention'],
};

/** Looks at every resource over a window. Pure: what is measured and known comes in, a report goes out. */
export function diagnose(sources: WindowSources, interval: Interval, facts: Facts): Diagnosis {
  const window = new MetricWindow(sources, interval);
  const verdicts = rules.map((rule) => rule(window, facts));
  const found = verdicts.flatMap(({ findings }) => findings);
  const findings = ranked(found).slice(0, FINDINGS_MAX);
  return {
    from: window.from,
    to: window.to,
    sentence: sentenceOf(findings, window),
    quality: window.quality,
    findings,
    looked: verdicts.flatMap(({ looked }) => looked),
  };
}

/** Worst first; what follows from another comes after it, and says so. */
function ranked(findings: readonly DoctorFinding[]): readonly DoctorFinding[] {
  const placed = findings.map((finding) => {
    const root = findings.find(
      (other) => brings[other.kind]?.includes(finding.kind) && shareCulprits(other, finding),
    );
    if (root === undefined) return { finding, rank: finding.score, depth: 0 };
    const sentence = `${finding.sentence} It probably follows from ${root.kind}: relieve that first.`;
    const rank = Math.min(finding.score, root.score);
    return { finding: { ...finding, sentence }, rank, depth: 1 };
  });
  return placed
    .toSorted(
      (a, b) => b.rank - a.rank || a.depth - b.depth || (a.finding.id < b.finding.id ? -1 : 1),
    )
    .map(({ finding }) => finding);
}

/** Troubles with known culprits are one trouble only where somebody is in both. */
function shareCulprits(a: DoctorFinding, b: DoctorFinding): boolean {
  if (a.culprits.length === 0 || b.culprits.length === 0) return true;
  const ids = new Set(a.culprits.map(({ id }) => id));
  return b.culprits.some(({ id }) => ids.has(id));
}

function sentenceOf(findings: readonly DoctorFinding[], window: MetricWindow): string {
  const [worst] = findings;
  if (worst !== undefined) return worst.sentence;
  if (window.one('berth_node_cpu_busy_ratio') === undefined) {
    return 'Nothing was measured in this time, so nothing can be told.';
  }
  return 'Nothing is short: no resource was waited for more than is usual.';
}
