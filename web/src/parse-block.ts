export interface StreamEvent {
  /** `comment` for a heartbeat. */
  readonly type: string;
  readonly data: string;
}

/** One block between blank lines of an event stream. */
export function parseBlock(block: string): StreamEvent {
  let type = block.startsWith(':') ? 'comment' : 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) type = line.slice(7);
    else if (line.startsWith('data: ')) data.push(line.slice(6));
  }
  return { type, data: data.join('\n') };
}
