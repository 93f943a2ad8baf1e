import type {
  WhatIfAsker,
  WhatIfDocument,
  WhatIfRequest,
} from '../api/contract/what-if-documents.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { restoreSnapshot } from '../engine/snapshot.ts';
import { whatIf } from '../simulation/what-if/what-if.ts';
import { pluginFiles } from '../spec/site-document.ts';
import { eventCodec } from '../store/event-codec.ts';
import type { JournalRow } from '../store/io/journal.ts';
import { newestOf, type PackedRow } from '../store/io/snapshot-table.ts';
import { findSolver } from './find-solver.ts';
import { loadPlugins } from './load-plugins.ts';
import { nodeLossOf } from './node-loss-view.ts';
import { PluginKeeper } from './plugin-keeper.ts';
import { isReadable } from './recover.ts';
import { siteEngine } from './site-engine.ts';
import { volumeSpace } from './volume-space.ts';
import type { WhatIfThreadData } from './what-if-messages.ts';
import { type AskedSite, readQuestion } from './what-if-question.ts';
import { whatIfDocument } from './what-if-view.ts';

/** A copy of the daemon's engine that is brought up to date before each question. */
export class WhatIfReplica {
  readonly #site: AskedSite;
  readonly #engine: Engine;
  /** When the last event happened that came after the snapshot. */
  #last: TimeMs | undefined;

  private constructor(site: AskedSite) {
    this.#site = site;
    this.#engine = site.engineOf(site.terms);
  }

  static async open(data: WhatIfThreadData): Promise<WhatIfReplica> {
    const { stateDir, site, siteFile, siteText, money } = data;
    const fileName = siteFile ?? 'site.yaml';
    const files = pluginFiles(siteText, { fileName });
    const loaded = await loadPlugins(files, { siteFile: fileName });
    const plugins = new PluginKeeper(loaded, () => {}).plugins();
    // Whatever strategy is asked for.
    const solve = await findSolver({ plan: 'optimal' }, () => {});
    const terms = {
      scheduling: site.scheduling,
      money,
      volumes: volumeSpace(stateDir, site.storage),
    };
    return new WhatIfReplica({
      terms,
      site,
      fileName,
      text: siteText,
      plugins: loaded,
      engineOf: (asked) => siteEngine(asked, plugins, { solve }),
    });
  }

  /** @returns the event that it stands after: 0 where there is no snapshot that it can use. */
  restore(rows: readonly PackedRow[]): number {
    const snapshot = newestOf(rows);
    if (snapshot === undefined || !isReadable(snapshot.body)) return 0;
    restoreSnapshot(this.#engine.state, snapshot.body);
    return snapshot.sequence;
  }

  follow(rows: readonly JournalRow[]): void {
    for (const { sequence, ...stored } of rows) {
      const event = eventCodec.decode(sequence, stored);
      this.#engine.apply(event);
      this.#last = event.at;
    }
  }

  /** @throws OperationError for what is asked. */
  answer(asked: WhatIfRequest, by: WhatIfAsker, at: TimeMs): WhatIfDocument {
    const begun = performance.now();
    if (this.#last !== undefined) this.#engine.replayed(this.#last);
    const question = readQuestion(this.#site, asked, { by, at, state: this.#engine.state });
    const answer = whatIf(this.#engine, { at, only: by.only, ...question });
    const nodeLoss = nodeLossOf(this.#engine, question, { at, only: by.only });
    const tookMs = Math.round(performance.now() - begun);
    return whatIfDocument(answer, { question, state: this.#engine.state, nodeLoss, tookMs });
  }
}
