import { assertNever } from '../../base/assert.ts';
import { UNLIMITED } from '../../base/units.ts';
import type { PreemptionRecord } from '../../engine/records.ts';
import type { State } from '../../engine/state.ts';
import { parseAttemptId, type WorkloadId } from '../../model/ids.ts';
import type { EvictionRule, Preemption } from '../../model/preemption.ts';
import type { PreemptionDocument, PreemptionList } from '../contract/preemption-documents.ts';
import { resourcesDocument } from './resources.ts';

/** The victims that a sentence names. */
const NAMED_MAX = 3;

/** Those that are still kept, newest first. */
export function preemptionList(state: State, limit: number): PreemptionList {
  const all = state.preemptions;
  return {
    preemptions: all
      .slice(Math.max(0, all.length - limit))
      .reverse()
      .map(preemptionDocument),
    total: all.length,
  };
}

/** In which a task of the workload was stopped, or others for it; newest first. */
export function preemptionsOf(state: State, workload: WorkloadId): PreemptionDocument[] {
  const concerns = ({ preemption }: PreemptionRecord): boolean =>
    workloadOf(`${preemption.preemptor}.1`) === workload ||
    preemption.victims.some(({ attempt }) => workloadOf(attempt) === workload);
  return state.preemptions.filter(concerns).reverse().map(preemptionDocument);
}

function preemptionDocument({ at, preemption }: PreemptionRecord): PreemptionDocument {
  const { preemptor, ask, victims, claims, rule, chosen, options } = preemption;
  return {
    at,
    preemptor: { task: preemptor, workload: workloadOf(`${preemptor}.1`) },
    ask: resourcesDocument(ask),
    victims: victims.map(({ attempt, queue, priority, cost }) => {
      return { attempt, workload: workloadOf(attempt), queue, priority, cost };
    }),
    nodes: claims.map(({ node, members }) => ({ node, members })),
    rule: { ...rule },
    inequality: inequality(rule),
    sentence: sentence(preemption),
    chosen,
    options: options.map(({ strategy, victims: stopped, highestClass, lost, waiting, total }) => ({
      strategy,
      victims: stopped,
      ...(highestClass !== undefined && { highest_class: highestClass }),
      lost,
      waiting: known(waiting),
      total: known(total),
    })),
  };
}

const known = (price: number): number | null => (price >= UNLIMITED ? null : price);

const workloadOf = (attempt: string): string =>
  parseAttemptId(attempt)?.workload ?? attempt.split('.')[0]!;

/** The rule with its numbers: strict, and true after the move as well as before. */
function inequality(rule: EvictionRule): string {
  switch (rule.kind) {
    case 'priority':
      return `${rule.preemptor} > ${rule.victim}`;
    case 'share':
      return (
        `${percent(rule.takerAfter)} < ${percent(rule.giverBefore)} and ` +
        `${percent(rule.takerAfter)} ≤ ${percent(rule.giverAfter)}`
      );
    default:
      return assertNever(rule);
  }
}

/** From billionths of the site. */
const percent = (share: number): string => `${Math.round(share / 1e5) / 100}%`;

function sentence({ preemptor, victims, rule, chosen, options }: Preemption): string {
  const named = victims.slice(0, NAMED_MAX).map(({ attempt }) => attempt);
  const more = victims.length - named.length;
  const who = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const were = victims.length === 1 ? 'was' : 'were';
  const own = options.find(({ strategy }) => strategy === chosen);
  const classed =
    own?.highestClass === undefined
      ? ''
      : `, and their class of service has preemption_priority ${own.highestClass}`;
  return `${who} ${were} stopped for ${preemptor}: ${reasonOf(rule)}${classed}${priceOf(chosen, options)}`;
}

function reasonOf(rule: EvictionRule): string {
  switch (rule.kind) {
    case 'priority':
      return `its priority is higher, ${inequality(rule)}`;
    case 'share': {
      const { taker, giver, takerBefore, takerAfter, giverBefore, giverAfter } = rule;
      return (
        `beyond its guarantee and for its weight, queue ${taker} goes from ` +
        `${percent(takerBefore)} of the site to ${percent(takerAfter)} and queue ${giver} from ` +
        `${percent(giverBefore)} to ${percent(giverAfter)}: ${inequality(rule)}`
      );
    }
    default:
      return assertNever(rule);
  }
}

/** What stopping them costs beside waiting, or beside the cheapest other option. */
function priceOf(chosen: Preemption['chosen'], options: Preemption['options']): string {
  const own = options.find(({ strategy }) => strategy === chosen);
  if (own === undefined) return '';
  const others = options.filter(({ strategy }) => strategy !== chosen);
  const other =
    others.find(({ strategy }) => strategy === 'wait_for_completion') ??
    others.sort((a, b) => a.total - b.total)[0];
  const beside = other === undefined ? '' : `, ${other.strategy} ${gpuSeconds(other.total)}`;
  return `; ${chosen} costs ${gpuSeconds(own.total)}${beside}`;
}

const gpuSeconds = (milli: number): string =>
  milli >= UNLIMITED ? 'nobody knows what' : `${Math.round(milli / 10) / 100} GPU-seconds`;
