import { z } from 'zod';
import type { BasisPoints, Bytes, SpanMs } from '../base/units.ts';
import { type Tier, type TierConfig, type TierName, tierNames } from '../model/tiers.ts';
import { readTree } from './document-tree.ts';
import { quantity, text } from './fields.ts';
import type { Issue, Path } from './issue.ts';
import { locateIssues } from './locate-issues.ts';
import { parseBytes, parseDollars, parsePercent } from './quantities.ts';
import { span } from './site-fields.ts';
import { SiteReading } from './site-reading.ts';
import { textProblem } from './text-bounds.ts';

const DAY_MS = 86_400_000;
/** Uses a day above which a file belongs there, and the time without one where nobody counts. */
const initial: Readonly<Record<TierName, { above: number; idleMs: number }>> = {
  hot: { above: 100, idleMs: 0 },
  warm: { above: 10, idleMs: 7 * DAY_MS },
  cold: { above: 1, idleMs: 30 * DAY_MS },
  frozen: { above: 0, idleMs: 180 * DAY_MS },
};

const dollars = (description: string) =>
  quantity(parseDollars, { description, form: 'dollars such as 0.02', finite: true });

const tierSchema = z.strictObject({
  folder: text({
    description: 'Where its files lie, an absolute path. The hottest tier has none.',
    max: 4096,
    filled: true,
    oneLine: true,
  }).optional(),
  above: z
    .number()
    .min(0)
    .max(1_000_000)
    .meta({ description: 'For files that are used more often a day; nothing for the last tier.' })
    .optional(),
  idle: span('For files that were not used for so long, where nobody counted.', {
    positive: true,
  }).optional(),
  storage_gib_month: dollars('A GiB for a month. Unknown, when not given.').optional(),
  access_gib: dollars('Reading a GiB. Unknown, when not given.').optional(),
  compress: z
    .enum(['zstd', 'none'])
    .meta({
      description: 'Files are kept under NAME.zst, and are to be restored before they are read.',
      default: 'none',
    })
    .optional(),
});

const documentSchema = z.strictObject({
  tiers: z.strictObject({
    hot: tierSchema.optional(),
    warm: tierSchema.optional(),
    cold: tierSchema.optional(),
    frozen: tierSchema.optional(),
  }),
  hysteresis: quantity(parsePercent, {
    description: 'A file changes its tier only once it is so far beyond a bound.',
    form: 'percentage such as 25%',
    finite: true,
    default: '25%',
  }).optional(),
  min_size: quantity(parseBytes, {
    description: 'Smaller files stay where they are.',
    form: 'bytes such as 1Mi',
    finite: true,
    default: '1Mi',
  }).optional(),
});

export type ParsedTiers =
  | { readonly ok: true; readonly config: TierConfig }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** A document with `tiers` → where files go. Never throws for what the text says. */
export function parseTiers(source: string): ParsedTiers {
  const unfit = textProblem(source);
  if (unfit !== undefined) return { ok: false, issues: locateIssues([unfit], undefined, source) };
  const { root, problems } = readTree(source, 'yaml');
  if (root === undefined) return { ok: false, issues: locateIssues(problems, root, source) };
  const reading = new SiteReading(root, source);
  reading.errors.push(...problems);
  const document = reading.read(documentSchema, []);
  const tiers = document === undefined ? [] : readTiers(reading, document.tiers);
  if (reading.errors.length > 0 || document === undefined) {
    return { ok: false, issues: locateIssues(reading.errors, root, source) };
  }
  const hysteresis = document.hysteresis ?? (2_500 as BasisPoints);
  const bytesMin = document.min_size ?? (1_048_576 as Bytes);
  return { ok: true, config: { tiers, hysteresis, bytesMin } };
}

type TiersBlock = z.output<typeof documentSchema>['tiers'];

/** What there is no tier for belongs to the next hotter one. */
function aboveOf(name: TierName, block: TiersBlock): number {
  const next = tierNames.findIndex(
    (other, i) => i > tierNames.indexOf(name) && block[other] !== undefined,
  );
  return next === -1 ? 0 : initial[tierNames[next - 1]!].above;
}

function readTiers(reading: SiteReading, block: TiersBlock): Tier[] {
  const tiers: Tier[] = [];
  const folders = new Map<string, Path>();
  for (const name of tierNames) {
    const written = block[name];
    if (written === undefined) continue;
    const path: Path = ['tiers', name];
    const { folder, compress = 'none' } = written;
    const isFirst = tiers.length === 0;
    if (isFirst && (folder !== undefined || compress !== 'none')) {
      const message = 'files of the hottest tier stay where they are';
      reading.error(path, message, { expected: 'neither `folder` nor `compress`', at: 'key' });
    }
    if (!isFirst && folder === undefined) reading.error(path, 'the key `folder` is missing');
    if (folder !== undefined) {
      const at = [...path, 'folder'];
      if (!folder.startsWith('/') || /\/\.\.?(?:\/|$)/.test(folder)) {
        reading.error(at, 'the path is relative', { expected: 'an absolute path without `..`' });
      }
      const plain = folder.replace(/\/+$/, '');
      const first = folders.get(plain);
      if (first !== undefined)
        reading.error(at, `line ${reading.line(first)} has this folder, too`);
      else folders.set(plain, at);
    }
    const before = tiers.at(-1);
    const above = written.above ?? aboveOf(name, block);
    const idleMs = isFirst ? 0 : (written.idle ?? initial[name].idleMs);
    if (before !== undefined && above >= before.above) {
      const message = `${above} is not below the ${before.above} of ${before.name}`;
      reading.error([...path, 'above'], message);
    }
    if (before !== undefined && idleMs <= before.idleMs) {
      reading.error([...path, 'idle'], `it is not longer than that of ${before.name}`);
    }
    const { storage_gib_month: storage, access_gib: access } = written;
    tiers.push({
      name,
      ...(folder !== undefined && { folder: folder.replace(/\/+$/, '') }),
      above,
      idleMs: idleMs as SpanMs,
      ...(storage !== undefined && { storage }),
      ...(access !== undefined && { access }),
      compress: compress === 'zstd',
    });
  }
  if (tiers.length < 2)
    reading.error(['tiers'], 'there is nothing between which to move', {
      expected: 'two tiers or more',
      at: 'key',
    });
  return tiers;
}
