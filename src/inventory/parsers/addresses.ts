/** A route of /proc/net/route: addresses as numbers in host order. */
interface Route {
  readonly interface: string;
  readonly network: number;
  readonly mask: number;
}

const LINES_MAX = 65_536;

/**
 * The host's own IPv4 addresses by interface. The kernel lists them in /proc/net/fib_trie without their
 * interface, so each goes to the most specific connected route of /proc/net/route; 127/8 is `lo`.
 */
export function ipv4Addresses(
  fibTrie: string,
  routes: string,
): ReadonlyMap<string, readonly string[]> {
  const table = parseRoutes(routes);
  const found = new Map<string, string[]>();
  let leaf: string | undefined;
  for (const line of fibTrie.split('\n', LINES_MAX)) {
    leaf = /^\s+\|-- (\d{1,3}(?:\.\d{1,3}){3})\s*$/.exec(line)?.[1] ?? leaf;
    if (leaf === undefined || !/^\s+\/32 host LOCAL\s*$/.test(line)) continue;
    const name = interfaceOf(leaf, table);
    if (name === undefined) continue;
    const own = found.get(name) ?? [];
    // The trie of "main" and of "local" both hold it.
    if (!own.includes(leaf)) found.set(name, [...own, leaf]);
  }
  return found;
}

function parseRoutes(text: string): readonly Route[] {
  const found: Route[] = [];
  for (const line of text.split('\n', LINES_MAX)) {
    const cells = line.trim().split(/\s+/);
    if (cells.length < 8 || !/^[0-9A-F]{8}$/.test(cells[1]!) || !/^[0-9A-F]{8}$/.test(cells[7]!))
      continue;
    found.push({
      interface: cells[0]!,
      network: swapped(Number.parseInt(cells[1]!, 16)),
      mask: swapped(Number.parseInt(cells[7]!, 16)),
    });
  }
  return found;
}

/** The file prints network order as a number of a little-endian host. */
function swapped(n: number): number {
  return (
    (((n & 0xff) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | ((n >>> 24) & 0xff)) >>> 0
  );
}

function interfaceOf(address: string, table: readonly Route[]): string | undefined {
  const parts = address.split('.').map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  if (parts[0] === 127) return 'lo';
  const n = parts.reduce((sum, part) => sum * 256 + part, 0);
  let best: Route | undefined;
  for (const route of table) {
    if (route.mask === 0 || (n & route.mask) >>> 0 !== route.network) continue;
    if (best === undefined || route.mask > best.mask) best = route;
  }
  return best?.interface;
}

/** /proc/net/if_inet6: IPv6 addresses by interface, in the short form of RFC 5952. */
export function ipv6Addresses(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n', LINES_MAX)) {
    const match = /^([0-9a-f]{32})(?: [0-9a-f]{2}){4}\s+(\S{1,64})$/i.exec(line.trim());
    if (match === null) continue;
    found.set(match[2]!, [...(found.get(match[2]!) ?? []), shortForm(match[1]!)]);
  }
  return found;
}

function shortForm(hex: string): string {
  const groups = hex.match(/.{4}/g)!.map((group) => Number.parseInt(group, 16).toString(16));
  let start = 0;
  let length = 0;
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === '0') end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  // A single group of zeros is not shortened.
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
