import type { LinkQueue } from './facts.ts';

/** `tc -s -j qdisc show`: the root queue of each device that has one; undefined where it is no such answer. */
export function parseQdiscs(text: string): readonly LinkQueue[] | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(answer)) return undefined;
  return answer.flatMap((one: Partial<Qdisc> | null): LinkQueue[] => {
    const { dev, root, qlen, drops, options } = one ?? {};
    if (typeof dev !== 'string' || root !== true) return [];
    const rate = options?.rate;
    return [
      {
        device: dev,
        packets: typeof qlen === 'number' ? qlen : 0,
        bytesPerSecond: typeof rate === 'number' && rate > 0 ? rate : undefined,
        drops: typeof drops === 'number' ? drops : 0,
      },
    ];
  });
}

interface Qdisc {
  readonly dev: unknown;
  readonly root: unknown;
  readonly qlen: unknown;
  readonly drops: unknown;
  readonly options: { readonly rate?: unknown };
}

/** One TCP connection as `ss -tinpH` tells of it. */
export interface Connection {
  /** Both ends; the same connection has it in every look. */
  readonly key: string;
  readonly pid: number | undefined;
  readonly command: string;
  /** Since it was opened, both ways. */
  readonly bytes: number;
}

/** Each connection has a line, and one of figures below it that begins with a space. */
export function parseConnections(text: string): readonly Connection[] {
  const found: Connection[] = [];
  let head: readonly string[] | undefined;
  for (const line of text.split('\n')) {
    if (!/^\s/.test(line)) {
      head = line.trim().split(/\s+/);
      continue;
    }
    if (head === undefined) continue;
    const [, , , local, peer, ...users] = head;
    const user = /\("([^"]*)",pid=(\d+)/.exec(users.join(' '));
    const of = (name: string): number =>
      Number(new RegExp(`(?:^|\\s)${name}:(\\d+)(?:\\s|$)`).exec(line)?.[1] ?? 0);
    found.push({
      key: `${local} ${peer}`,
      pid: user === null ? undefined : Number(user[2]),
      command: user?.[1] ?? 'somebody',
      bytes: of('bytes_sent') + of('bytes_received'),
    });
    head = undefined;
  }
  return found;
}
