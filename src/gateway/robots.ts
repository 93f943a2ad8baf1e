/**
 * The Robots Exclusion Protocol, RFC 9309. Patterns and paths are compared as octets, percent-encoded where
 * they are not ASCII (§2.2.2).
 */
export interface Robots {
  readonly groups: readonly Group[];
}

interface Group {
  /** Product tokens in lower case; `*` is everybody else. */
  readonly agents: readonly string[];
  readonly rules: readonly Rule[];
}

interface Rule {
  readonly allow: boolean;
  readonly pattern: string;
}

/** A file may be longer; what is behind is not read (§2.5). */
export const ROBOTS_BYTES_MAX = 500 * 1024;
const RULES_MAX = 10_000;

/** Every text is a file: what is not understood says nothing (§2.2). */
export function parseRobots(text: string): Robots {
  const groups: { agents: string[]; rules: Rule[] }[] = [];
  let open = false;
  let rules = 0;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const found = /^[ \t]*([A-Za-z-]+)[ \t]*:[ \t]*([^#]*?)[ \t]*(?:#.*)?$/.exec(line);
    if (found === null) continue;
    const [, key, value] = found;
    switch (key!.toLowerCase()) {
      case 'user-agent':
        if (!open) groups.push({ agents: [], rules: [] });
        open = true;
        groups.at(-1)!.agents.push(productToken(value!));
        break;
      case 'allow':
      case 'disallow':
        open = false;
        // An empty pattern matches nothing; rules before any group are nobody's.
        if (value === '' || rules === RULES_MAX) break;
        rules++;
        groups.at(-1)?.rules.push({ allow: /^a/i.test(key!), pattern: encoded(value!) });
        break;
    }
  }
  return { groups };
}

/** Whether the program that calls itself `userAgent` may fetch `target`: the path with its query. */
export function mayFetch(robots: Robots, userAgent: string, target: string): boolean {
  if (target === '/robots.txt') return true;
  const path = encoded(target);
  let longest = -1;
  let allowed = true;
  for (const { allow, pattern } of rulesFor(robots, productToken(userAgent))) {
    // The longest pattern counts; of equals the one that allows (§2.2.2).
    if (pattern.length < longest || (pattern.length === longest && (allowed || !allow))) continue;
    if (!matches(pattern, path)) continue;
    [longest, allowed] = [pattern.length, allow];
  }
  return allowed;
}

/** The groups of one product are one group (§2.2.1). */
function rulesFor({ groups }: Robots, product: string): readonly Rule[] {
  const own = product === '' ? [] : groups.filter(({ agents }) => agents.includes(product));
  const chosen = own.length > 0 ? own : groups.filter(({ agents }) => agents.includes('*'));
  return chosen.flatMap(({ rules }) => rules);
}

/** `FooBot/1.2 (+https://…)` → `foobot`. */
function productToken(text: string): string {
  if (text.startsWith('*')) return '*';
  return (/^[A-Za-z_-]+/.exec(text)?.[0] ?? '').toLowerCase();
}

/** `*` is any text, `$` at the end is the end. The time is at most the product of both lengths. */
function matches(pattern: string, path: string): boolean {
  const ends = pattern.endsWith('$');
  const parts = (ends ? pattern.slice(0, -1) : pattern).split('*');
  const [first = '', ...rest] = parts;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const [i, part] of rest.entries()) {
    if (ends && i === rest.length - 1) {
      return path.length - part.length >= at && path.endsWith(part);
    }
    const found = path.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return !ends || at === path.length;
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** One way to write each octet: unreserved ones plainly, what is not ASCII and what was encoded as %XX. */
function encoded(text: string): string {
  return text.toWellFormed().replace(/%[0-9A-Fa-f]{2}|[^\x21-\x7E]/gu, (found) => {
    if (!found.startsWith('%') || found.length !== 3) return encodeURIComponent(found);
    const octet = String.fromCharCode(Number.parseInt(found.slice(1), 16));
    return UNRESERVED.test(octet) ? octet : found.toUpperCase();
  });
}
