import type {
  WhatIfAsker,
  WhatIfDocument,
  WhatIfRequest,
} from '../api/contract/what-if-documents.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { restoreSnapshot } from '../engine/snapshot.ts';
import type { Event } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import { readWindow } from '../simulation/what-if/past-window.ts';
import { whatIf, whatIfInWindow } from '../simulation/what-if/what-if.ts';
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
import { type AskedSite, liveNames, readQuestion, windowNames } from './what-if-question.ts';
import { whatIfDocument, windowDocument } from './what-if-view.ts';

/** A copy of the daemon's engine that is brought up to date before each question. */
export class WhatIfReplica {
  readonly #site: AskedSite;
  readonly #engine: Engine;
  readonly #past: JournalRow[] = [];
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

  /** Of the past that is asked about next. */
  remember(rows: readonly JournalRow[]): void {
    for (const row of rows) this.#past.push(row);
  }

  /** @throws OperationError for what is asked. */
  answer(asked: WhatIfRequest, { from, ...around }: Asked): WhatIfDocument {
    const begun = performance.now();
    if (this.#last !== undefined) this.#engine.replayed(this.#last);
    const tookMs = (): number => Math.round(performance.now() - begun);
    if (from !== undefined) return this.#inWindow(asked, { ...around, from }, tookMs);
    const { at, by } = around;
    const { state } = this.#engine;
    const question = readQuestion(this.#site, asked, { by, at, ...liveNames(state) });
    const answer = whatIf(this.#engine, { at, only: by.only, ...question });
    const nodeLoss = nodeLossOf(this.#engine, question, { at, only: by.only });
    return whatIfDocument(answer, { question, state, nodeLoss, tookMs: tookMs() });
  }

  #inWindow(
    asked: WhatIfRequest,
    { by, at, from }: Asked & { readonly from: TimeMs },
    tookMs: () => number,
  ): WhatIfDocument {
    const rows = this.#past.splice(0);
    const engine = this.#site.engineOf(this.#site.terms);
    const isWhole = rows[0] === undefined || rows[0].sequence === 1;
    // What joined before the journal begins is there still, as far as anybody knows.
    if (!isWhole) for (const node of this.#engine.state.nodes()) joinTo(engine, node, from);
    const window = readWindow(engine, decoded(rows), { from, to: at });
    const question = readQuestion(this.#site, asked, { by, at, ...windowNames(window) });
    const answer = whatIfInWindow(window, { only: by.only, ...question });
    return windowDocument(answer, { question, isWhole, now: at, tookMs: tookMs() });
  }
}

interface Asked {
  readonly by: WhatIfAsker;
  readonly at: TimeMs;
  readonly from?: TimeMs | undefined;
}

function* decoded(rows: readonly JournalRow[]): Iterable<Event> {
  for (const { sequence, ...stored } of rows) yield eventCodec.decode(sequence, stored);
}

function joinTo(engine: Engine, node: Node, at: TimeMs): void {
  for (const event of engine.decide({ kind: 'join-node', at, node }).events) engine.apply(event);
}
