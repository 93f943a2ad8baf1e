import type { LogChunk } from '../api/contract/documents.ts';
import type { Client } from './client.ts';
import { AWAY_LOOK_MS, AWAY_MS_MAX, isAway, pause } from './watch-workload.ts';

export interface LogAsked {
  readonly attempt: string;
  readonly stream: 'stdout' | 'stderr';
  /** Only the last so many lines of what is there now; all when undefined. */
  readonly tailLines: number | undefined;
}

const PIECE_BYTES = 262_144;
/** `--tail` looks no further back. */
const TAIL_BYTES_MAX = 1_048_576;

/** What is kept of an attempt's log now, in order. */
export async function* readLog(client: Client, asked: LogAsked): AsyncGenerator<LogChunk> {
  const { attempt, stream, tailLines } = asked;
  if (tailLines !== undefined) {
    const pieces: LogChunk[] = [];
    for (let from = -TAIL_BYTES_MAX, left = TAIL_BYTES_MAX; left > 0; ) {
      const piece = await client.log({ attempt, stream, from, maxBytes: left });
      if (piece.next <= piece.offset && pieces.length > 0) break;
      pieces.push(piece);
      // Behind a gap that a full disk left there is more.
      left -= piece.next - piece.offset + piece.dropped;
      if (piece.next <= piece.offset) break;
      from = piece.next;
    }
    yield* lastOf(pieces, tailLines);
    return;
  }
  for (let from = 0; ; ) {
    const chunk = await client.log({ attempt, stream, from, maxBytes: PIECE_BYTES });
    if (chunk.text !== '' || from === 0) yield chunk;
    if (chunk.next <= chunk.offset) return;
    from = chunk.next;
  }
}

/** What is kept, and then what is written, until the attempt has ended or the signal aborts, under the next daemon, too. */
export async function* followLog(
  client: Client,
  asked: LogAsked,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  let from = 0;
  for await (const chunk of readLog(client, asked)) {
    yield chunk;
    from = chunk.next;
  }
  const { attempt, stream } = asked;
  let awaySince: number | undefined;
  while (!signal.aborted) {
    try {
      const part = { attempt, stream, from, maxBytes: PIECE_BYTES };
      for await (const chunk of client.followLog(part, signal)) {
        awaySince = undefined;
        from = chunk.next;
        if (chunk.text !== '') yield chunk;
        if (chunk.ended) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isAway(error)) throw error;
      awaySince ??= performance.now();
      if (performance.now() - awaySince > AWAY_MS_MAX) throw error;
    }
    await pause(AWAY_LOOK_MS, signal);
  }
}

/** The last lines of all pieces, in order; what was not kept between them stays said. */
function lastOf(pieces: readonly LogChunk[], lines: number): readonly LogChunk[] {
  const kept: LogChunk[] = [];
  let left = lines;
  for (const piece of pieces.toReversed()) {
    const last = lastLines(piece, left);
    left -= last.text.split('\n').length - (last.text === '' || last.text.endsWith('\n') ? 1 : 0);
    kept.unshift(left > 0 ? { ...piece, ...last, dropped: piece.dropped } : { ...piece, ...last });
    if (left <= 0) break;
  }
  // What is before the first of them was not asked for.
  return kept.map((piece, i) => (i === 0 ? { ...piece, dropped: 0 } : piece));
}

/** The last `lines` lines of the text; a last line without its end counts as one. */
function lastLines(chunk: LogChunk, lines: number): Pick<LogChunk, 'text' | 'offset' | 'dropped'> {
  const { text } = chunk;
  let at = text.endsWith('\n') ? text.length - 1 : text.length;
  for (let left = lines; left > 0 && at >= 0; left--) at = text.lastIndexOf('\n', at - 1);
  const start = lines === 0 ? text.length : at + 1;
  const skipped = new TextEncoder().encode(text.slice(0, start)).length;
  return { text: text.slice(start), offset: chunk.offset + skipped, dropped: 0 };
}
