import type { TimeMs } from '../base/units.ts';
import type { AutoscalingTerms, MetricTerms } from '../model/autoscaling.ts';
import { type Measured, type Proposal, propose } from './propose.ts';
import { boundText, proposalText, unknownText } from './reasons.ts';
import { Wishes } from './wishes.ts';

export interface ScalingScene {
  readonly at: TimeMs;
  readonly terms: AutoscalingTerms;
  /** Wanted now. */
  readonly replicas: number;
  /** When that changed last, by whomever; undefined when it never has. */
  readonly changedAt: TimeMs | undefined;
  /** As many as there are metrics, in their order. */
  readonly measured: readonly Measured[];
}

export interface ScalingDecision {
  readonly at: TimeMs;
  readonly replicas: number;
  /** Wanted from now on; the same when nothing changes. */
  readonly to: number;
  /** In the order of the metrics. */
  readonly proposals: readonly Proposal[];
  readonly reason: string;
  /** A step that is asked for is not made before. */
  readonly heldUntil?: TimeMs;
}

type Verdict = Pick<ScalingDecision, 'to' | 'reason' | 'heldUntil'>;

const isDemand = ({ kind }: MetricTerms): boolean => kind === 'queue-depth' || kind === 'custom';

/**
 * How many replicas one service should have, look by look. The most that any metric asks for counts, within the
 * bounds; a step up waits its cooldown since the last change, and so does a step down, for which moreover nobody may have
 * asked for more in all that time. What is not known takes nothing away.
 */
export class ServiceScaling {
  readonly #wishes = new Wishes();

  look(scene: ScalingScene): ScalingDecision {
    const { at, terms, replicas, measured } = scene;
    const proposals = terms.metrics.map((metric, i) => propose(metric, measured[i]!, replicas));
    const verdict = this.#outOfBounds(scene) ?? this.#follow(scene, proposals);
    return { at, replicas, proposals, ...verdict };
  }

  /** Somebody changed the bounds, or went back to a revision with others. */
  #outOfBounds({ terms: { minReplicas, maxReplicas }, replicas }: ScalingScene) {
    if (replicas < minReplicas) {
      return { to: minReplicas, reason: `fewer than min_replicas ${minReplicas}` };
    }
    if (replicas > maxReplicas) {
      return { to: maxReplicas, reason: `more than max_replicas ${maxReplicas}` };
    }
    return undefined;
  }

  #follow(scene: ScalingScene, proposals: readonly Proposal[]): Verdict {
    const { at, terms, replicas } = scene;
    const unknown = unknownText(terms.metrics, proposals);
    const asked = mostAsked(terms, proposals);
    const isKept = unknown !== undefined && (asked?.replicas ?? 0) < replicas;
    const bounded = Math.min(
      terms.maxReplicas,
      Math.max(terms.minReplicas, asked?.replicas ?? replicas),
    );
    const wish = isKept ? replicas : bounded;
    this.#wishes.note(at, wish, terms.down.cooldownMs);
    const because = [asked?.text, isKept ? `${unknown}: nothing is taken away` : unknown]
      .filter((text) => text !== undefined)
      .join('; ');
    const bound = asked && boundText(asked.replicas, wish, terms);
    const reason = isKept || bound === undefined ? because : `${because}; ${bound}`;
    if (wish > replicas) return this.#up(scene, wish, reason);
    return wish < replicas ? this.#down(scene, wish, reason) : { to: replicas, reason };
  }

  #up(
    { at, terms: { up }, replicas, changedAt }: ScalingScene,
    wish: number,
    reason: string,
  ): Verdict {
    const step = `bounded by +${up.replicas} in ${up.cooldownMs / 1_000} s`;
    const due = (changedAt ?? 0) + up.cooldownMs;
    // Where nothing runs, nobody could be served until then.
    if (changedAt !== undefined && replicas > 0 && at < due) {
      return { to: replicas, reason: `${reason}; ${step}`, heldUntil: due as TimeMs };
    }
    const to = Math.min(wish, replicas + up.replicas);
    return { to, reason: to < wish ? `${reason}; ${step}` : reason };
  }

  #down(
    { at, terms: { down }, replicas, changedAt }: ScalingScene,
    wish: number,
    reason: string,
  ): Verdict {
    const seconds = down.cooldownMs / 1_000;
    const most = this.#wishes.most;
    if (most >= replicas) {
      const why = `but up to ${most} were asked for in the last ${seconds} s`;
      return { to: replicas, reason: `${reason}; ${why}` };
    }
    const step = `bounded by -${down.replicas} in ${seconds} s`;
    const due = Math.max(changedAt ?? 0, this.#wishes.since ?? at) + down.cooldownMs;
    if (at < due) return { to: replicas, reason: `${reason}; ${step}`, heldUntil: due as TimeMs };
    const to = Math.max(most, replicas - down.replicas);
    return { to, reason: to > wish ? `${reason}; ${step}` : reason };
  }
}

/** Undefined where no metric asks for anything. */
function mostAsked(
  { metrics, minReplicas }: AutoscalingTerms,
  proposals: readonly Proposal[],
): { readonly replicas: number; readonly text: string } | undefined {
  const asking = metrics.flatMap((metric, i) => {
    const proposal = proposals[i]!;
    return proposal.kind === 'asks' ? [{ metric, proposal }] : [];
  });
  const demands = asking.filter(({ metric }) => isDemand(metric));
  const idle = demands.filter(({ proposal }) => proposal.value === 0);
  const uses = asking.filter(({ metric }) => !isDemand(metric));
  // Of what runs some is always used: whether anything is to run at all, only those tell who know what there is to do.
  if (
    minReplicas === 0 &&
    idle.length > 0 &&
    idle.length === demands.length &&
    uses.every(({ proposal }) => proposal.replicas <= 1)
  ) {
    return { replicas: 0, text: proposalText(idle[0]!.metric, 0, 0) };
  }
  const first = asking.reduce<(typeof asking)[number] | undefined>(
    (most, one) =>
      most === undefined || one.proposal.replicas > most.proposal.replicas ? one : most,
    undefined,
  );
  if (first === undefined) return undefined;
  const { replicas, value } = first.proposal;
  return { replicas, text: proposalText(first.metric, value, replicas) };
}
