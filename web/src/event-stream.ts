import { ask } from './api-client.ts';
import { parseBlock, type StreamEvent } from './parse-block.ts';

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
