import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type {
  WhatIfAsker,
  WhatIfDocument,
  WhatIfRequest,
  WhatIfSite,
} from '../api/contract/what-if-documents.ts';
import type { TimeMs } from '../base/units.ts';
import { type ErrorCode, errorTable, OperationError } from '../model/errors.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SiteConfig } from '../model/site-config.ts';
import { parseSpan } from '../spec/quantities.ts';
import type { JournalRow, SqliteJournal } from '../store/io/journal.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { WhatIfMessage, WhatIfReply, WhatIfThreadData } from './what-if-messages.ts';

/** So long is the loop held before everybody else has his turn. */
const HELD_MS = 5;
const ROWS_AT_ONCE = 512;
const PAST_EVENTS_MAX = 500_000;
const WINDOW_MAX_MS = 400 * 86_400_000;
/** Questions that wait or are worked on; each takes seconds on a large site. */
const ASKED_MAX = 4;
/** Whoever turns one knob asks again soon; a copy of a large site holds hundreds of megabytes. */
const REST_AFTER_MS = 120_000;

export interface WhatIfDeps {
  readonly folder: StateFolder;
  readonly site: SiteConfig;
  readonly siteFile: string | null;
  readonly siteText: string | undefined;
  readonly money: MoneyConfig;
  readonly journal: SqliteJournal;
  readonly log: DaemonLog;
  readonly now: () => TimeMs;
}

interface Waiting {
  resolve(document: WhatIfDocument): void;
  reject(why: Error): void;
}

/**
 * Answers what-ifs by a thread of its own, which follows the journal: it starts from the newest snapshot, packed as
 * it is on the disk, and applies what came after. The loop only reads rows for it, in small pieces.
 */
export class LiveWhatIf implements WhatIfSite {
  readonly #deps: WhatIfDeps;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  /** The last event that the thread has, or has been sent. */
  #sent = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #rest: NodeJS.Timeout | undefined;
  #asked = 0;

  constructor(deps: WhatIfDeps) {
    this.#deps = deps;
  }

  async whatIf(asked: WhatIfRequest, by: WhatIfAsker): Promise<WhatIfDocument> {
    if (this.#waiting.size >= ASKED_MAX) {
      throw new OperationError('BUSY', `${ASKED_MAX} what-ifs are being looked at already.`, {
        hint: 'Ask again in some seconds.',
      });
    }
    clearTimeout(this.#rest);
    const id = ++this.#asked;
    const { promise, resolve, reject } = Promise.withResolvers<WhatIfDocument>();
    this.#waiting.set(id, { resolve, reject });
    // One after the other, so that rows are sent once and in order.
    this.#turn = this.#turn.then(() => this.#send(id, asked, by)).catch(reject);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#restLater();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#rest);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #send(id: number, asked: WhatIfRequest, by: WhatIfAsker): Promise<void> {
    const { journal, now } = this.#deps;
    this.#worker ??= await this.#start();
    const worker = this.#worker;
    const last = journal.lastSequence;
    await this.#sendRows(worker, 'rows', this.#sent + 1, last);
    this.#sent = last;
    const at = now();
    const { window } = asked;
    if (window === undefined) {
      post(worker, { kind: 'ask', id, asked, by, at });
      return;
    }
    const from = (at - windowOf(window)) as TimeMs;
    await this.#sendRows(worker, 'past', this.#firstOfPast(last), last);
    post(worker, { kind: 'ask', id, asked, by, at, from });
  }

  /** All that is kept: how the window begins follows from what came before it. */
  #firstOfPast(last: number): number {
    const first = this.#deps.journal.sequenceAt(0 as TimeMs);
    const count = last - first + 1;
    if (count <= PAST_EVENTS_MAX) return first;
    throw new OperationError(
      'REFUSED',
      `The journal has ${count} events, and a replay reads ${PAST_EVENTS_MAX} at most.`,
      { hint: 'Ask without --window.' },
    );
  }

  async #sendRows(
    worker: Worker,
    kind: 'rows' | 'past',
    first: number,
    last: number,
  ): Promise<void> {
    let rows: JournalRow[] = [];
    let until = performance.now() + HELD_MS;
    const send = (): void => {
      post(worker, { kind, rows });
      rows = [];
    };
    for (const row of this.#deps.journal.readRows(first)) {
      if (row.sequence > last) break;
      rows.push(row);
      if (rows.length >= ROWS_AT_ONCE) send();
      if (performance.now() < until) continue;
      await nextTurn();
      until = performance.now() + HELD_MS;
    }
    if (rows.length > 0) send();
  }

  /** Resolves once it stands after a snapshot. */
  async #start(): Promise<Worker> {
    const { folder, site, siteFile, siteText = '', money, journal, log } = this.#deps;
    const workerData: WhatIfThreadData = { stateDir: folder.dir, site, siteFile, siteText, money };
    const worker = new Worker(workerFile, {
      workerData,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const begun = Promise.withResolvers<number>();
    worker.on('message', (reply: WhatIfReply) => {
      if ('sequence' in reply) {
        begun.resolve(reply.sequence);
        return;
      }
      const waiting = this.#waiting.get(reply.id);
      if ('document' in reply) waiting?.resolve(reply.document);
      else waiting?.reject(failure(reply.problem));
    });
    worker.on('error', (error) => log('what-if', 'the thread that looks ahead failed', error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const ended = new OperationError('INTERNAL', 'The what-if was not finished.');
      begun.reject(ended);
      for (const waiting of this.#waiting.values()) waiting.reject(ended);
    });
    post(worker, { kind: 'snapshots', rows: journal.packedSnapshots() });
    this.#sent = await begun.promise;
    return worker;
  }

  #restLater(): void {
    this.#rest = setTimeout(() => {
      this.close().catch((error: unknown) => {
        this.#deps.log('what-if', 'the thread that looks ahead did not end', error);
      });
    }, REST_AFTER_MS).unref();
  }
}

function windowOf(text: string): number {
  const parsed = parseSpan(text);
  if (parsed.ok && parsed.value > 0 && parsed.value <= WINDOW_MAX_MS) return parsed.value;
  throw new OperationError(
    'USAGE',
    `--window ${text}: not a span such as 7d, of 400 days at most.`,
  );
}

const post = (worker: Worker, message: WhatIfMessage): void => worker.postMessage(message);

function failure({ code, message, facts }: Extract<WhatIfReply, { problem: unknown }>['problem']) {
  const known = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'INTERNAL';
  return new OperationError(known, message, facts);
}

/** In a clone as it is written, in the package as it was emitted. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './what-if-worker.ts' : './what-if-worker.js',
  import.meta.url,
);
