import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogChunk } from '../../../api/contract/documents.ts';
import type { LogRequest } from '../../../api/contract/views.ts';
import { asAttemptId } from '../../launcher-protocol.ts';
import { endOfRun, type LogSegment, logCursor, segmentOffset } from '../../log-segments.ts';
import { utf8Window } from '../../utf8-window.ts';
import { stageOf, unlessAbsent } from './attempt-folder.ts';

/** A chunk is for a screen or one answer of the API. */
const CHUNK_MAX = 1024 * 1024;
/** The longest character, so that a chunk always gets on. */
const CHUNK_MIN = 4;
/** The oldest segment may go while it is being read. */
const TRIES = 5;

/**
 * A piece of the log of an attempt, as text that is cut only between characters; what is no UTF-8 is
 * shown as U+FFFD. `ended`: the attempt is over and nothing comes after this piece.
 * @returns undefined when there is no such attempt.
 */
export async function readLog(
  attemptsDir: string,
  request: LogRequest,
): Promise<LogChunk | undefined> {
  const attempt = asAttemptId(request.attempt);
  if (attempt === undefined) return undefined;
  const folder = join(attemptsDir, attempt);
  for (let tried = 1; ; tried++) {
    // Looked at first: what is listed after the end is all that there will be.
    const stage = await stageOf(attemptsDir, attempt);
    // It has none as long as nothing was written.
    const listed = await listSegments(folder, request.stream);
    if (listed === undefined && stage === 'unknown') return undefined;
    const segments = listed ?? [];
    const over = stage === 'ended';
    const chunk = await readChunk(folder, segments, request, over);
    if (chunk !== undefined) return chunk;
    if (tried === TRIES) return readChunk(folder, [], request, over);
  }
}

async function listSegments(
  folder: string,
  stream: LogRequest['stream'],
): Promise<readonly LogSegment[] | undefined> {
  const names = await readdir(folder).catch(unlessAbsent);
  if (names === undefined) return undefined;
  const segments: LogSegment[] = [];
  for (const name of names) {
    const offset = segmentOffset(name, stream);
    if (offset === undefined) continue;
    const found = await stat(join(folder, name)).catch(unlessAbsent);
    if (found !== undefined) segments.push({ name, offset, sizeBytes: found.size });
  }
  return segments.sort((a, b) => a.offset - b.offset);
}

/** Undefined when a segment went away meanwhile. */
async function readChunk(
  folder: string,
  segments: readonly LogSegment[],
  request: LogRequest,
  over: boolean,
): Promise<LogChunk | undefined> {
  const cursor = logCursor(segments, request.from);
  const atMost = Math.min(Math.max(request.maxBytes, CHUNK_MIN), CHUNK_MAX);
  const lookBack = Math.min(3, cursor.keptFrom);
  const data = await readSpan(folder, segments, cursor.keptFrom, lookBack, atMost);
  if (data === undefined) return undefined;
  // Fewer bytes than were looked for before the span: the segment that had them is gone.
  const before = Math.max(0, cursor.keptFrom - data.offset);
  const readTo = data.offset + data.bytes.length;
  // Behind what a full disk swallowed a character is never completed either.
  const runEnd = endOfRun(segments, data.offset + before);
  const isFinal = readTo >= runEnd && (over || runEnd < cursor.total);
  const { start, end } = utf8Window(data.bytes, before, isFinal);
  const next = data.offset + end;
  return {
    attempt: request.attempt,
    stream: request.stream,
    text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(data.bytes.subarray(start, end)),
    offset: data.offset + start,
    next,
    dropped: cursor.keptFrom - cursor.from,
    ended: over && next >= cursor.total,
  };
}

/** Bytes that follow one another without a gap: up to `lookBack` before `keptFrom`, `maxBytes` after. */
async function readSpan(
  folder: string,
  segments: readonly LogSegment[],
  keptFrom: number,
  lookBack: number,
  maxBytes: number,
): Promise<{ readonly offset: number; readonly bytes: Uint8Array } | undefined> {
  let parts: Uint8Array[] = [];
  let offset = keptFrom - lookBack;
  let at = offset;
  for (const segment of segments) {
    const segmentEnd = segment.offset + segment.sizeBytes;
    if (segment.sizeBytes === 0 || segmentEnd <= at) continue;
    if (segment.offset > at) {
      if (at > keptFrom) break;
      parts = [];
      offset = segment.offset;
      at = offset;
    }
    const wanted = Math.min(segmentEnd, keptFrom + maxBytes) - at;
    if (wanted <= 0) break;
    const part = await readPart(join(folder, segment.name), at - segment.offset, wanted);
    if (part === undefined) return undefined;
    parts.push(part);
    at += part.length;
  }
  return { offset, bytes: Buffer.concat(parts) };
}

async function readPart(
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array | undefined> {
  const file = await open(path).catch(unlessAbsent);
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
