import type { TimeMs } from '../../base/units.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { Node } from '../../model/node.ts';
import type { SlowdownTerms } from '../../model/world.ts';
import type { ModelledSite, SiteModel } from '../site-model.ts';

/** What runs is told of a new pace so often on the way. */
const STEPS = 100;

/** Machines that get slower little by little: dust in the heat sinks, disks that fill, a driver that leaks. */
export class Slowdowns implements SiteModel {
  readonly #terms: readonly SlowdownTerms[];
  readonly #nodes: ReadonlyMap<string, Node>;
  #site: ModelledSite | undefined;
  #begin = 0;

  constructor(terms: readonly SlowdownTerms[], nodes: readonly Node[]) {
    this.#terms = terms;
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
  }

  begin(site: ModelledSite): void {
    this.#site = site;
    this.#begin = site.now;
    for (const { afterMs, overMs } of this.#terms) {
      for (let step = 1; step <= STEPS; step++) {
        const at = site.now + afterMs + Math.round((overMs * step) / STEPS);
        site.at(at as TimeMs, () => site.paceChanged(site.engine.state.runningAttempts()));
      }
    }
  }

  pace({ placement }: AttemptRecord): number {
    const node = this.#nodes.get(placement.node);
    const since = this.#site!.now - this.#begin;
    return this.#terms.reduce((product, terms) => {
      const { afterMs, overMs, label, value } = terms;
      const isMeant = label === undefined || node?.labels[label] === value;
      const gone = overMs === 0 ? Number(since >= afterMs) : (since - afterMs) / overMs;
      const part = Math.min(1, Math.max(0, gone));
      return isMeant ? product * (1 - part * (1 - terms.pace)) : product;
    }, 1);
  }
}
