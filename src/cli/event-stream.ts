import { OperationError } from '../model/errors.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** One event holds a piece of a log at most, and its JSON. */
const EVENT_CHARS_MAX = 8_388_608;

/** Server-sent events out of text in any pieces (WHATWG HTML §9.2.6); comments, ids and retry times are left out. */
export async function* parseEventStream(
  pieces: AsyncIterable<string>,
): AsyncGenerator<ServerEvent> {
  let rest = '';
  let event = '';
  let data: string[] = [];
  let size = 0;
  for await (const piece of pieces) {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    size += piece.length;
    if (size > EVENT_CHARS_MAX) throw new OperationError('PROTOCOL', 'An event is too long.');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event: event || 'message', data: data.join('\n') };
        event = '';
        data = [];
        size = 0;
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
  }
}
