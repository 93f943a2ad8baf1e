import type { WorldTerms } from '../model/world.ts';
import { readTree } from './document-tree.ts';
import type { Issue } from './issue.ts';
import { locateIssues } from './locate-issues.ts';
import { shown } from './quantities.ts';
import { readWorld } from './read-world.ts';
import { SiteReading } from './site-reading.ts';
import { textProblem } from './text-bounds.ts';

export type ParsedWorld =
  | { readonly ok: true; readonly world: WorldTerms }
  /** Errors only, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** A document with `world` → what happens to a modelled site. Never throws for what the text says. */
export function parseWorld(source: string): ParsedWorld {
  const opened = openDocument(source);
  if (opened.reading === undefined) return { ok: false, issues: opened.issues };
  const { reading, issues } = opened;
  checkKeys(reading, ['world']);
  const world = readWorld(reading, ['world']);
  if (reading.errors.length > 0) return { ok: false, issues: issues() };
  return { ok: true, world };
}

/** The tree of a document, and what is wrong with it so far; or why there is none. */
export function openDocument(
  source: string,
):
  | { readonly reading: SiteReading; readonly issues: () => readonly Issue[] }
  | { readonly reading?: never; readonly issues: readonly Issue[] } {
  const unfit = textProblem(source);
  if (unfit !== undefined) return { issues: locateIssues([unfit], undefined, source) };
  const { root, problems } = readTree(source, 'yaml');
  if (root === undefined) return { issues: locateIssues(problems, root, source) };
  const reading = new SiteReading(root, source);
  reading.errors.push(...problems);
  return { reading, issues: () => locateIssues(reading.errors, root, source) };
}

/** Told: keys that mean nothing here, and those that are missing. */
export function checkKeys(
  reading: SiteReading,
  needed: readonly string[],
  known: readonly string[] = needed,
): void {
  for (const key of reading.keys([])) {
    if (known.includes(key)) continue;
    const near = { word: key.slice(0, 64), words: known };
    reading.error([key], `unknown key ${shown(key)}`, { near, at: 'key' });
  }
  for (const key of needed) {
    if (reading.value([key]) === undefined) {
      reading.error([], `the key \`${key}\` is missing`);
    }
  }
}
