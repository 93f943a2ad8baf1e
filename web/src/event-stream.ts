import { ask } from './api-client.ts';

export interface StreamEvent {
  /** `comment` for a heartbeat. */
  readonly type: string;
  readonly data: string;
}

/**
 * Server-sent events by fetch and not by EventSource, which hides both heartbeats and the status
 * of a refusal. Ends when the server ends it; throws ApiProblem.
 */
export async function* readEvents(path: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const answer = await ask(path, { signal, headers: { accept: 'text/event-stream' } });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield parseBlock(block);
  }
}

export function parseBlock(block: string): StreamEvent {
  let type = block.startsWith(':') ? 'comment' : 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) type = line.slice(7);
    else if (line.startsWith('data: ')) data.push(line.slice(6));
  }
  return { type, data: data.join('\n') };
}
