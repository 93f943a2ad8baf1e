import { setTimeout as wait } from 'node:timers/promises';
import { OperationError } from '../../model/errors.ts';
import type { LogRequest } from '../contract/views.ts';
import type { Asked, Log, Streams } from '../routes/api-env.ts';

const HEARTBEAT_MS = 15_000;
/** Not yet taken by the client; past this it is cut off, and reads again when it comes back. */
const BACKLOG_BYTES_MAX = 262_144;
/** A page holds two at most; beyond this somebody forgets to close them. */
const STREAMS_MAX = 64;
const FOLLOW_EVERY_MS = 250;

/** Server-sent events over HTTP. All streams end when `signal` aborts. */
export class EventStreams implements Streams {
  readonly #signal: AbortSignal;
  readonly #log: Log;
  readonly #heartbeatMs: number;
  #open = 0;

  constructor(
    options: { readonly signal: AbortSignal; readonly heartbeatMs?: number },
    deps: { readonly log: Log },
  ) {
    this.#signal = options.signal;
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.#log = deps.log;
  }

  changes(asked: Asked): Response {
    return this.#stream(asked, async (send, signal) => {
      asked.site.changes((change) => send('change', change), signal);
      await ended(signal);
    });
  }

  follow(asked: Asked, request: LogRequest): Response {
    return this.#stream(asked, async (send, signal, taken) => {
      let from = request.from;
      while (!signal.aborted) {
        const chunk = await asked.site.log({ ...request, from });
        // What has left the state for the history belongs to nobody who could be asked for.
        if (chunk === undefined) return;
        // An attempt that has ended is followed to the last byte that it wrote.
        const last = chunk.ended && chunk.next === chunk.offset;
        if (chunk.text !== '' || chunk.dropped > 0 || last) {
          send('log', { ...chunk, ended: last });
          await taken();
        }
        if (last) return;
        if (chunk.next === chunk.offset) await wait(FOLLOW_EVERY_MS, undefined, { signal });
        from = chunk.next;
      }
    });
  }

  #stream({ connection, isKnown }: Asked, produce: Produce): Response {
    if (this.#open >= STREAMS_MAX) {
      throw new OperationError('BUSY', `${STREAMS_MAX} event streams are open already.`);
    }
    const closed = new AbortController();
    const signal = AbortSignal.any([closed.signal, this.#signal]);
    const over = ended(signal);
    const heartbeatMs = this.#heartbeatMs;
    const encoder = new TextEncoder();
    let drained = Promise.withResolvers<void>();
    let sendText: ((text: string) => void) | undefined;

    const begin = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      this.#open++;
      sendText = (text) => {
        if (signal.aborted) return;
        controller.enqueue(encoder.encode(text));
        if (controller.desiredSize! < -BACKLOG_BYTES_MAX) connection.drop();
      };
      const beat = setInterval(() => {
        if (isKnown()) sendText?.(':\n\n');
        else connection.drop();
      }, heartbeatMs);
      sendText(':\n\n');
      produce(
        (event, data) => sendText?.(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
        signal,
        () => Promise.race([drained.promise, over]),
      )
        .catch((error: unknown) => {
          if (signal.aborted) return;
          this.#log('An event stream broke off.', error);
          connection.drop();
        })
        .finally(() => {
          this.#open--;
          clearInterval(beat);
          if (!closed.signal.aborted) controller.close();
        });
    };
    const body = new ReadableStream<Uint8Array>(
      {
        // Begun by the first read: an answer to HEAD is never read.
        pull(controller) {
          if (sendText === undefined) begin(controller);
          drained.resolve();
          drained = Promise.withResolvers<void>();
        },
        cancel: () => closed.abort(),
      },
      { highWaterMark: 0, size: (piece) => piece.byteLength },
    );
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
    });
  }
}

type Produce = (
  send: (event: string, data: unknown) => void,
  signal: AbortSignal,
  /** Settles when the client has taken what was sent before. */
  taken: () => Promise<void>,
) => Promise<void>;

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
