import { type BitsPerSecond, UNLIMITED } from '../base/units.ts';
import type { TermEnforcement } from '../model/attempt.ts';
import type { ExecutionTerms } from '../model/execution-terms.ts';

/** What this host lets us do, found once. */
export interface NetworkSite {
  /** Why no proxy is there; undefined where one is. */
  readonly unproxied?: string;
  /** Why no namespace can be joined to the host and shaped; undefined where it can. */
  readonly unshaped?: string;
}

export interface NetworkPlan {
  readonly proxied: boolean;
  /** A namespace of its own, with a link to this host only, held to these rates. */
  readonly link?: { readonly egress: BitsPerSecond; readonly ingress: BitsPerSecond };
  readonly terms: readonly TermEnforcement[];
}

const ADVICE = 'what goes through the proxy; a program that ignores HTTP_PROXY is not held';
const ONLY_WAY = 'the proxy is its only way out';

/** How a task's network terms are held here; undefined where it has none. */
export function planNetwork(
  execution: ExecutionTerms | undefined,
  site: NetworkSite,
): NetworkPlan | undefined {
  const network = execution?.network;
  if (network === undefined) return undefined;
  const proxied = network.proxied === true && site.unproxied === undefined;
  const alone = execution?.isolation?.namespaces?.includes('network') === true;
  const linked = proxied && alone && site.unshaped === undefined;
  const asked: [string, BitsPerSecond | undefined][] = [
    ['network-egress', network.egress],
    ['network-ingress', network.ingress],
  ];
  const terms = asked
    .filter(([, rate]) => rate !== undefined)
    .map(([term]): TermEnforcement => {
      if (linked) return { term, by: 'kernel', note: `tbf on a link of its own; ${ONLY_WAY}` };
      if (!proxied) return { term, by: 'none', note: site.unproxied ?? 'it is not proxied' };
      if (!alone) return { term, by: 'proxy', note: ADVICE };
      return { term, by: 'none', note: `no way out of its namespace: ${site.unshaped}` };
    });
  return {
    proxied,
    ...(linked && {
      link: {
        egress: network.egress ?? (UNLIMITED as BitsPerSecond),
        ingress: network.ingress ?? (UNLIMITED as BitsPerSecond),
      },
    }),
    terms: [...terms, ...requestTerms(network, { proxied, alone, linked, site })],
  };
}

function requestTerms(
  network: NonNullable<ExecutionTerms['network']>,
  state: {
    readonly proxied: boolean;
    readonly alone: boolean;
    readonly linked: boolean;
    readonly site: NetworkSite;
  },
): TermEnforcement[] {
  const asked: string[] = [];
  if (network.requestsMax !== undefined) asked.push('network-requests');
  if (network.guaranteed !== undefined) asked.push('network-guarantee');
  if (network.priority !== undefined || network.trafficType !== undefined) {
    asked.push('network-class');
  }
  if (network.proxied === true && !state.alone) asked.push('network-rates');
  return asked.map((term) => {
    if (!state.proxied) {
      return { term, by: 'none', note: state.site.unproxied ?? 'it is not proxied' };
    }
    if (state.alone && !state.linked) {
      return { term, by: 'none', note: `no way out of its namespace: ${state.site.unshaped}` };
    }
    return { term, by: 'proxy', note: state.linked ? ONLY_WAY : ADVICE };
  });
}
