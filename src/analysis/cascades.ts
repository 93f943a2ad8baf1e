import { formatSpan } from '../base/format.ts';
import type { Event } from '../model/messages.ts';
import { countOf, momentOf, shareOf } from './amounts.ts';
import { FailureLedger } from './failure-ledger.ts';
import { type Evidence, type Finding, type ResourceName, severityOf } from './finding.ts';
import { adviceOn } from './incident-advice.ts';
import { type Incident, type IncidentOptions, incidentsOf } from './incidents.ts';

/** What failed together in these events, as findings; the newest first. */
export function findCascades(
  events: Iterable<Event>,
  options: IncidentOptions = {},
): readonly Finding[] {
  const ledger = new FailureLedger();
  for (const event of events) ledger.read(event);
  return incidentsOf(ledger, options).map(incidentFinding);
}

export function incidentFinding(incident: Incident): Finding {
  const score = scoreOf(incident);
  return {
    id: `cascade/${incident.id}`,
    kind:
      incident.memory.verdict === 'yes' ? 'memory-pressure-cascade' : `${incident.class}-failures`,
    resource: resourceOf(incident),
    severity: severityOf(score),
    score,
    sentence: incidentSentence(incident),
    since: incident.from,
    evidence: evidenceOf(incident),
    culprits: [],
    sufferers: [],
    remedies: adviceOn(incident),
  };
}

const GROWTH: Record<Incident['class'], number> = {
  exponential: 0.7,
  clustered: 0.5,
  linear: 0.4,
  unclear: 0.25,
};

/** By how it grows, and a little by how much failed. */
const scoreOf = ({ class: kind, failures }: Incident): number =>
  Math.min(1, GROWTH[kind] + 0.1 * Math.log10(failures));

function resourceOf({ memory, parent, nodesLost }: Incident): ResourceName {
  if (memory.verdict !== 'no') return 'memory';
  if (parent?.kind === 'gpu') return 'gpu';
  if (parent?.kind === 'switch') return 'network';
  return nodesLost.length > 0 || parent?.kind === 'rack' ? 'power' : 'software';
}

/** What happened, how it grew, and what it looks like. */
export function incidentSentence(incident: Incident): string {
  const {
    failures,
    nodesLost,
    from,
    to,
    class: kind,
    parent,
    doublingMs,
    memory,
    common,
  } = incident;
  const lost =
    nodesLost.length === 0
      ? ''
      : ` and ${countOf(nodesLost.length, 'node')} ${nodesLost.length === 1 ? 'was' : 'were'} lost`;
  const time = to > from ? `within ${formatSpan(to - from)}` : 'at once';
  const begin = `${countOf(failures, 'attempt')} failed${lost} ${time} from ${momentOf(from)}`;
  const shared = parent && `${parent.failed} of them share ${parent.kind} ${parent.name}`;
  const how = {
    exponential: `their number doubled every ${formatSpan(doublingMs ?? 0)}: a cascade`,
    clustered: shared ?? '',
    linear: 'at a steady pace: something runs out or breaks again and again',
    unclear:
      common === undefined
        ? 'with nothing in common that would not be chance'
        : `all of them of ${common.kind} ${common.name}, and too little else ran to say whether that is why`,
  }[kind];
  const more = kind === 'exponential' && shared ? `; ${shared}` : '';
  const forMemory = {
    yes: ' Memory pressure drives it.',
    suspected: ' Want of memory may drive it.',
    no: '',
  }[memory.verdict];
  return `${begin}: ${how}${more}.${forMemory}`;
}

function evidenceOf({
  branchingRatio,
  parent,
  memory,
  blast,
  causes,
}: Incident): readonly Evidence[] {
  const evidence = (
    name: string,
    value: number | undefined,
    threshold: number | undefined,
    sentence: string,
  ): Evidence[] =>
    value === undefined ? [] : [{ name, labels: {}, unit: 'none', value, threshold, sentence }];
  const why = causes.map(({ cause, count }) => `${count} ${cause}`).join(', ');
  return [
    ...evidence(
      'failures',
      causes.reduce((sum, { count }) => sum + count, 0),
      undefined,
      `Ends: ${why}.`,
    ),
    ...evidence(
      'branching ratio',
      branchingRatio,
      1,
      `One failure brings about ${branchingRatio?.toFixed(1)} others; from 1 on it goes on by itself.`,
    ),
    ...evidence(
      'shared parent',
      parent?.failed,
      undefined,
      `${parent?.failed} of ${parent?.exposed} attempts with ${parent?.kind} ${parent?.name} failed; by chance with p = ${parent?.p.toExponential(0)}.`,
    ),
    ...evidence(
      'retransmitted share',
      memory.retransmitRatio,
      0.05,
      `${shareOf(memory.retransmitRatio ?? 0)} of TCP segments were sent again.`,
    ),
    ...evidence(
      'memory pressure',
      memory.pressureRatio,
      0.8,
      `Somebody waited for memory ${shareOf(memory.pressureRatio ?? 0)} of the time.`,
    ),
    ...evidence(
      'blast radius',
      blast.atRisk + blast.steps,
      undefined,
      `On what failed depend ${countOf(blast.atRisk, 'attempt')} of what runs, ${countOf(blast.steps, 'step')} (${blast.skipped} skipped by now) and ${countOf(blast.tenants, 'tenant')}.`,
    ),
  ];
}
