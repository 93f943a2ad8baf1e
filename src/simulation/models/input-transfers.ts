import { Prng } from '../../base/prng.ts';
import { type SpanMs, spanMs, type TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { Event } from '../../model/messages.ts';
import type { Node } from '../../model/node.ts';
import type { NetworkTerms, OutageTerms } from '../../model/world.ts';
import { FlowNetwork, type Transfer } from '../network/flow-network.ts';
import { fabricLinks, Topology } from '../network/topology.ts';
import type { ModelledSite, SiteModel } from '../site-model.ts';
import { drawSpan } from './drawn-spans.ts';

interface Fetch {
  readonly transfer: Transfer;
  /** Of `datasets`; undefined: of nobody but the attempt. */
  readonly dataset: string | undefined;
  readonly waiting: Set<AttemptRecord>;
}

/**
 * Attempts fetch what they need over the links of the site before they work, and share them fairly meanwhile. A node
 * that has the data already fetches nothing: that is what placing tasks near their data is worth.
 */
export class InputTransfers implements SiteModel {
  readonly network: FlowNetwork;
  readonly #terms: NetworkTerms;
  /** By data set: vertices that have it. */
  readonly #holders = new Map<string, Set<string>>();
  readonly #present = new Set<string>();
  /** Vertices that are no nodes are always there. */
  readonly #nodes: ReadonlySet<string>;
  readonly #fetches = new Map<string, Fetch>();
  readonly #missing = new Map<AttemptRecord, Set<string>>();
  #site: ModelledSite | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(terms: NetworkTerms, nodes: readonly Node[]) {
    this.#terms = terms;
    this.#nodes = new Set(nodes.map(({ id }) => id));
    const fabric = terms.fabric === undefined ? [] : fabricLinks(nodes, terms.fabric);
    this.network = new FlowNetwork(new Topology([...fabric, ...terms.links]));
    for (const [name, { at }] of Object.entries(terms.datasets)) {
      const labelled = nodes.filter(({ labels }) => Object.hasOwn(labels, `data/${name}`));
      this.#holders.set(name, new Set([...at, ...labelled.map(({ id }) => id)]));
    }
  }

  begin(site: ModelledSite, prng: Prng): void {
    this.#site = site;
    const seed = prng.next();
    const { failures } = this.#terms;
    if (failures === undefined) return;
    this.network.topology.links.forEach(({ a, b }, link) => {
      this.#outages(site, link, failures, Prng.of(seed, `${a} ${b} ${link}`));
    });
  }

  /** Asked once, when it starts: what it needs is on its way from then. */
  startupMs(attempt: AttemptRecord): SpanMs {
    const { node } = attempt.placement;
    const { fetch } = this.#terms;
    if (fetch !== undefined) {
      this.#fetch(attempt, { id: `${attempt.id}/fetch`, ...fetch, to: node }, undefined);
    }
    for (const name of new Set(datasetsOf(attempt))) {
      const size = this.#terms.datasets[name]?.size;
      const has = this.#holders.get(name)?.has(node);
      if (size === undefined || has === true) continue;
      const id = `${node}/${name}`;
      this.#fetch(attempt, { id, from: this.#nearest(name, node), to: node, size }, name);
    }
    this.#wake();
    return spanMs(0);
  }

  pace(attempt: AttemptRecord): number {
    return this.#missing.has(attempt) ? 0 : 1;
  }

  happened(event: Event, engine: Engine): void {
    switch (event.kind) {
      case 'node-joined':
        this.#present.add(event.node.id);
        return;
      case 'node-left':
        this.#present.delete(event.node);
        this.#moveFrom(event.node);
        return;
      case 'task-ended': {
        const attempt = engine.state.attempt(event.attempt);
        if (attempt !== undefined) this.#forget(attempt);
        return;
      }
      default:
        return;
    }
  }

  #fetch(
    attempt: AttemptRecord,
    transfer: Omit<Transfer, 'weight'>,
    dataset: string | undefined,
  ): void {
    const { id } = transfer;
    let fetch = this.#fetches.get(id);
    if (fetch === undefined) {
      const weight = this.#terms.weights[attempt.task.step.spec.qos ?? 'burstable'];
      fetch = { transfer: { ...transfer, weight }, dataset, waiting: new Set() };
      this.#fetches.set(id, fetch);
      this.network.start(fetch.transfer, this.#site!.now);
    }
    fetch.waiting.add(attempt);
    const missing = this.#missing.get(attempt);
    if (missing === undefined) this.#missing.set(attempt, new Set([id]));
    else missing.add(id);
  }

  /** Of those that have it and are there, the one that is quickest; of equals, the first by name. */
  #nearest(name: string, to: string): string {
    const { size } = this.#terms.datasets[name]!;
    const here = [...(this.#holders.get(name) ?? [])].filter((vertex) => this.#isThere(vertex));
    const costs = here.sort().map((from) => ({
      from,
      ms: this.network.expectedMs({ from, to, size, weight: 1 }),
    }));
    const best = costs.reduce((a, b) => (b.ms < a.ms ? b : a), {
      from: this.#terms.datasets[name]!.at[0] ?? to,
      ms: Number.POSITIVE_INFINITY,
    });
    return best.from;
  }

  #isThere = (vertex: string): boolean => this.#present.has(vertex) || !this.#nodes.has(vertex);

  #forget(attempt: AttemptRecord): void {
    const site = this.#site!;
    for (const id of this.#missing.get(attempt) ?? []) {
      const fetch = this.#fetches.get(id)!;
      fetch.waiting.delete(attempt);
      if (fetch.waiting.size > 0) continue;
      this.#fetches.delete(id);
      this.network.stop(id, site.now);
    }
    if (this.#missing.delete(attempt)) this.#wake();
  }

  /** What came from there is fetched again from elsewhere. */
  #moveFrom(node: string): void {
    const site = this.#site!;
    for (const [id, { transfer, dataset, waiting }] of [...this.#fetches]) {
      if (transfer.from !== node || dataset === undefined) continue;
      this.network.stop(id, site.now);
      const again = { ...transfer, from: this.#nearest(dataset, transfer.to) };
      this.#fetches.set(id, { transfer: again, dataset, waiting });
      this.network.start(again, site.now);
    }
    this.#wake();
  }

  #arriveDue(): void {
    const site = this.#site!;
    this.#wakesAt = Number.POSITIVE_INFINITY;
    for (
      let due = this.network.nextEnd();
      due !== undefined && due.at <= site.now;
      due = this.network.nextEnd()
    ) {
      const { dataset, transfer, waiting } = this.#fetches.get(due.id)!;
      this.#fetches.delete(due.id);
      this.network.stop(due.id, site.now);
      if (dataset !== undefined && this.#terms.keeps) this.#holders.get(dataset)!.add(transfer.to);
      for (const attempt of waiting) this.#arrived(attempt, due.id);
    }
    this.#wake();
  }

  #arrived(attempt: AttemptRecord, id: string): void {
    const missing = this.#missing.get(attempt)!;
    missing.delete(id);
    if (missing.size > 0) return;
    this.#missing.delete(attempt);
    this.#site!.paceChanged([attempt]);
  }

  /** When the next one is there. */
  #wake(): void {
    const due = this.network.nextEnd();
    if (due === undefined || due.at >= this.#wakesAt) return;
    this.#wakesAt = due.at;
    this.#site!.at(due.at, () => this.#arriveDue());
  }

  #outages(site: ModelledSite, link: number, terms: OutageTerms, prng: Prng): void {
    const later = (span: SpanMs, act: () => void): void =>
      site.at((site.now + span) as TimeMs, () => {
        act();
        this.#wake();
      });
    const works = (): void => {
      later(drawSpan(terms.between, prng), () => {
        this.network.fail(link, site.now);
        later(drawSpan(terms.repair, prng), () => {
          this.network.repair(link, site.now);
          works();
        });
      });
    };
    works();
  }
}

const datasetsOf = ({ task }: AttemptRecord): string[] =>
  (task.step.spec.constraints?.data ?? []).flatMap(({ names }) => names);
