import type { OtlpSignal, Sent } from '../telemetry/otlp/answers.ts';

/** Compressed, about two hours of 3,000 series each minute. What is older goes first. */
const WAITING_BYTES_MAX = 8 * 1024 ** 2;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
/** Of a wait, so that many daemons do not come back together. */
const JITTER = 0.2;

export interface OtlpPiece {
  readonly body: Buffer;
  /** Points or spans. */
  readonly items: number;
}

/** What becomes of points and spans; each is told once. */
export type OtlpFate = 'sent' | 'full' | 'refused' | 'rejected';

interface QueueDeps {
  readonly send: (piece: { signal: OtlpSignal; body: Buffer }) => Promise<Sent>;
  readonly onFate: (fate: OtlpFate, items: number) => void;
  /** A request failed, and is made again. */
  readonly onFailure: () => void;
  /** Said once until it is over. */
  readonly onTrouble: (sentence: string) => void;
  readonly bytesMax?: number;
}

/** What waits for a collector, sent one after the other; while it is down, the newest are kept. */
export class OtlpQueue {
  readonly #signal: OtlpSignal;
  readonly #deps: QueueDeps;
  readonly #pieces: OtlpPiece[] = [];
  #bytes = 0;
  #sending: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS_MIN;
  #isFailing = false;
  #isClosed = false;

  constructor(signal: OtlpSignal, deps: QueueDeps) {
    this.#signal = signal;
    this.#deps = deps;
  }

  get items(): number {
    return this.#pieces.reduce((sum, { items }) => sum + items, 0);
  }

  add(piece: OtlpPiece): void {
    this.#pieces.push(piece);
    this.#bytes += piece.body.byteLength;
    const { bytesMax = WAITING_BYTES_MAX } = this.#deps;
    // The first may be on its way.
    const first = this.#sending === undefined ? 0 : 1;
    while (this.#bytes > bytesMax && this.#pieces.length > first) {
      const [dropped] = this.#pieces.splice(first, 1);
      this.#bytes -= dropped!.body.byteLength;
      this.#deps.onFate('full', dropped!.items);
    }
    if (this.#retry === undefined) this.#begin();
  }

  /** Nothing is begun any more; what is on its way is waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#sending;
  }

  /** Once all is sent, or the next attempt failed. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  #begin(): void {
    if (this.#isClosed || this.#sending !== undefined || this.#pieces.length === 0) return;
    this.#sending = this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  async #drain(): Promise<void> {
    for (;;) {
      const [piece] = this.#pieces;
      if (piece === undefined || this.#isClosed) return;
      const sent = await this.#deps.send({ signal: this.#signal, body: piece.body });
      if (!sent.ok && sent.again) {
        if (this.#isClosed) return;
        this.#deps.onFailure();
        this.#noteTrouble(`waits: ${sent.why}`);
        this.#retryLater(sent.afterMs);
        return;
      }
      this.#pieces.shift();
      this.#bytes -= piece.body.byteLength;
      this.#retryMs = RETRY_MS_MIN;
      this.#settle(piece, sent);
    }
  }

  #settle({ items }: OtlpPiece, sent: Sent): void {
    if (!sent.ok) {
      this.#deps.onFate('refused', items);
      this.#noteTrouble(`was refused: ${sent.why}`);
      return;
    }
    const rejected = Math.min(items, sent.rejected);
    if (rejected > 0) this.#deps.onFate('rejected', rejected);
    if (items > rejected) this.#deps.onFate('sent', items - rejected);
    if (rejected > 0) this.#noteTrouble(`was taken in part: ${sent.why ?? 'it is not said why'}`);
    else this.#noteSuccess();
  }

  #retryLater(afterMs: number | undefined): void {
    const spread = 1 + JITTER * (2 * Math.random() - 1);
    const waitMs = Math.max(afterMs ?? 0, this.#retryMs * spread);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#begin();
    }, waitMs).unref();
  }

  #noteTrouble(what: string): void {
    if (!this.#isFailing)
      this.#deps.onTrouble(`what the collector is told of ${this.#signal} ${what}`);
    this.#isFailing = true;
  }

  #noteSuccess(): void {
    if (this.#isFailing) this.#deps.onTrouble(`the collector takes ${this.#signal} again`);
    this.#isFailing = false;
  }
}
