/** How closely a pattern matches a host name, both in lower case: 0 not at all, more is closer. */
export function closeness(pattern: string, host: string): number {
  if (pattern === '*') return 1;
  if (pattern === host) return Number.MAX_SAFE_INTEGER;
  if (!pattern.startsWith('*.')) return 0;
  // Below the name, not the name itself: as in certificates.
  return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 ? pattern.length : 0;
}

/** The one with the closest pattern; of equals the first. */
export function closest<T extends { readonly hosts: readonly string[] }>(
  entries: readonly T[],
  host: string,
): T | undefined {
  let best: T | undefined;
  let most = 0;
  for (const entry of entries) {
    for (const pattern of entry.hosts) {
      const near = closeness(pattern, host);
      if (near > most) [best, most] = [entry, near];
    }
  }
  return best;
}
