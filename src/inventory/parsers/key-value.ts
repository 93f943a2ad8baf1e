/**
 * `MemTotal:  123 kB` lines as bytes by name, of /proc/meminfo and of a node. Figures without a
 * unit are counts of pages, or were cut off: both are passed over.
 */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(?:Node \d+ )?([A-Za-z0-9_()]+):\s+(\d{1,16}) kB\s*$/.exec(line);
    if (match === null || found.has(match[1]!)) continue;
    const amount = Number(match[2]) * 1024;
    if (Number.isSafeInteger(amount)) found.set(match[1]!, amount);
  }
  return found;
}

/** `os-release` and other shell-like assignments; quotes and backslashes as in os-release(5). */
export function parseAssignments(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match === null) continue;
    const raw = match[2]!.trim();
    const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw) ?? /^'([^']*)'$/.exec(raw);
    found.set(match[1]!, quoted === null ? raw : quoted[1]!.replace(/\\([$"`\\])/g, '$1'));
  }
  return found;
}

/** `Name:  value` lines, as in hwloc-nofile-info or /proc/self/status. The first of a name counts. */
export function parseColonLines(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim();
    if (!found.has(name)) found.set(name, line.slice(colon + 1).trim());
  }
  return found;
}
