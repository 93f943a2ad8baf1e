import { Prng } from '../../base/prng.ts';
import { type SpanMs, type TimeMs, UNLIMITED } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import type { FailureTerms, OutageTerms, PlannedOutage } from '../../model/world.ts';
import type { ModelledSite, SiteModel } from '../site-model.ts';
import type { AbsentNodes } from './absent-nodes.ts';
import { drawSpan } from './drawn-spans.ts';

/**
 * Nodes fail by themselves, and with others that hang on the same thing. What becomes of one is drawn from its name
 * alone, so that with another node there it is the same.
 */
export class NodeFailures implements SiteModel {
  readonly #terms: FailureTerms;
  readonly #absent: AbsentNodes;

  constructor(terms: FailureTerms, absent: AbsentNodes) {
    this.#terms = terms;
    this.#absent = absent;
  }

  begin(site: ModelledSite, prng: Prng): void {
    const seed = prng.next();
    const { nodes, groups, planned } = this.#terms;
    for (const outage of planned) this.#plan(site, outage);
    for (const { id } of nodes === undefined ? [] : this.#absent.nodes) {
      this.#outages(site, nodes!, { why: 'failed', ids: [id] }, Prng.of(seed, `node ${id}`));
    }
    for (const group of groups) {
      for (const [value, ids] of grouped(this.#absent.nodes, group.label)) {
        const why = `${group.label} ${value}`;
        this.#outages(site, group, { why, ids }, Prng.of(seed, why));
      }
    }
  }

  #outages(site: ModelledSite, terms: OutageTerms, hit: Hit, prng: Prng): void {
    const works = (): void => {
      site.at(after(site, drawSpan(terms.between, prng)), fails);
    };
    const fails = (): void => {
      this.#take(site, hit);
      site.at(after(site, drawSpan(terms.repair, prng)), () => {
        this.#give(site, hit);
        works();
      });
    };
    works();
  }

  #plan(site: ModelledSite, { afterMs, forMs, who }: PlannedOutage): void {
    const ids = this.#absent.nodes.filter((node) => isMeant(node, who)).map(({ id }) => id);
    const hit = { why: `planned after ${afterMs}`, ids };
    site.at(after(site, afterMs), () => {
      this.#take(site, hit);
      if (forMs !== UNLIMITED) site.at(after(site, forMs), () => this.#give(site, hit));
    });
  }

  #take(site: ModelledSite, { ids, why }: Hit): void {
    for (const id of ids) this.#absent.take(site, id, why);
  }

  #give(site: ModelledSite, { ids, why }: Hit): void {
    for (const id of ids) this.#absent.give(site, id, why);
  }
}

interface Hit {
  readonly why: string;
  readonly ids: readonly NodeId[];
}

const after = ({ now }: ModelledSite, span: SpanMs): TimeMs => (now + span) as TimeMs;

const isMeant = ({ id, labels }: Node, who: PlannedOutage['who']): boolean =>
  'node' in who ? id === who.node : labels[who.label] === who.value;

/** Nodes by the value of a label, by value; those without it are in no group. */
function grouped(nodes: readonly Node[], label: string): [string, NodeId[]][] {
  const groups = new Map<string, NodeId[]>();
  for (const { id, labels } of nodes) {
    const value = labels[label];
    if (value === undefined) continue;
    const known = groups.get(value);
    if (known === undefined) groups.set(value, [id]);
    else known.push(id);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}
