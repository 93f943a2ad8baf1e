/** What robots.txt says to one agent (RFC 9309). */
export interface RobotRules {
  readonly allows: (path: string) => boolean;
}

interface Rule {
  readonly allow: boolean;
  readonly pattern: string;
}

const LINES_MAX = 10_000;
const AGENT = 'berth';

export const everythingAllowed: RobotRules = { allows: () => true };
export const nothingAllowed: RobotRules = { allows: () => false };

/** The group for our name counts, else the one for `*`; the longest rule that fits decides, and of equals `allow`. */
export function parseRobots(text: string): RobotRules {
  const groups = new Map<string, Rule[]>();
  let agents: string[] = [];
  let isHead = false;
  for (const line of text.split('\n').slice(0, LINES_MAX)) {
    const [, key = '', value = ''] = /^\s*([A-Za-z-]+)\s*:\s*([^#]*)/.exec(line) ?? [];
    const name = key.toLowerCase();
    const said = value.trim();
    if (name === 'user-agent') {
      if (!isHead) agents = [];
      agents.push(said.toLowerCase());
      isHead = true;
      for (const agent of agents) if (!groups.has(agent)) groups.set(agent, []);
    } else if (name === 'allow' || name === 'disallow') {
      isHead = false;
      if (said === '') continue;
      for (const agent of agents)
        groups.get(agent)?.push({ allow: name === 'allow', pattern: said });
    }
  }
  const rules = groups.get(AGENT) ?? groups.get('*') ?? [];
  return {
    allows(path) {
      let best: Rule | undefined;
      for (const rule of rules) {
        if (!fits(rule.pattern, path)) continue;
        const length = rule.pattern.length - (best?.pattern.length ?? -1);
        if (length > 0 || (length === 0 && rule.allow)) best = rule;
      }
      return best?.allow ?? true;
    },
  };
}

/** `*` is any text, and `$` at the end the end. Without backtracking: each piece is taken where it is found first. */
function fits(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith('$');
  const pieces = (isWhole ? pattern.slice(0, -1) : pattern).split('*');
  const [first = '', ...others] = pieces;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const [i, piece] of others.entries()) {
    const isLast = i === others.length - 1;
    if (isLast && isWhole) return path.length - piece.length >= at && path.endsWith(piece);
    const found = path.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return !isWhole || at === path.length;
}
