import { z } from 'zod';
import type { TimeMs } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { SpotReading } from '../model/spot.ts';
import { type Format, readTree } from './document-tree.ts';
import { quantity, text } from './fields.ts';
import type { Issue } from './issue.ts';
import { locateIssues } from './locate-issues.ts';
import { parseDollars, parseSpan, shown } from './quantities.ts';
import { SiteReading } from './site-reading.ts';
import { textProblem } from './text-bounds.ts';

const ENTRIES_MAX = 1_000;
const SOURCE_MAX = 512;

const dollars = (description: string) =>
  quantity(parseDollars, {
    description,
    form: 'dollars such as 0.04',
    positive: true,
    finite: true,
  });

const name = (description: string) => text({ description, max: 253, filled: true, oneLine: true });

const blocks = {
  source: text({ description: 'Who tells it.', max: SOURCE_MAX, filled: true, oneLine: true }),
  prices: z
    .array(
      z.strictObject({
        type: name(
          'Of nodes with this label `instance-type`; all others, when not given.',
        ).optional(),
        base: dollars('What an hour of one usually costs.'),
        price: dollars('What it costs now.'),
        on_demand: dollars('What the same costs when it is not taken away.').optional(),
      }),
    )
    .max(ENTRIES_MAX),
  notices: z
    .array(
      z.strictObject({
        node: name('The node that is taken away.'),
        deadline: z
          .string()
          .meta({ title: 'time such as 2026-11-22T14:00:00Z, or span such as 120s' }),
      }),
    )
    .max(ENTRIES_MAX),
} as const;

export type ParsedSpot =
  | { readonly ok: true; readonly reading: SpotReading }
  /** Errors only, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** What a file says of spot nodes. Never throws for what the text says. */
export function parseSpot(
  text: string,
  options: {
    readonly fileName: string;
    /** Spans are from then on. */
    readonly writtenAt: TimeMs;
  },
): ParsedSpot {
  const { fileName, writtenAt } = options;
  const unfit = textProblem(text);
  if (unfit !== undefined) return { ok: false, issues: locateIssues([unfit], undefined, text) };
  const format: Format = fileName.endsWith('.json') ? 'json' : 'yaml';
  const { root, problems } = readTree(text, format);
  if (root === undefined) return { ok: false, issues: locateIssues(problems, root, text) };
  const reading = new SiteReading(root, text);
  reading.errors.push(...problems);
  if (root.children === undefined || Array.isArray(root.value)) {
    const expected = 'a map with `prices` or `notices`';
    reading.error([], 'this says nothing of spot nodes', { expected });
  }
  const known = Object.keys(blocks);
  for (const key of reading.keys([])) {
    if (known.includes(key)) continue;
    const near = { word: key.slice(0, 64), words: known };
    reading.error([key], `unknown key ${shown(key)}`, { near, at: 'key' });
  }
  const source = reading.read(blocks.source, ['source']) ?? fileName.slice(-SOURCE_MAX);
  const quotes = (reading.read(blocks.prices, ['prices']) ?? []).map(
    ({ type, base, price, on_demand: onDemand }, i) => {
      checkOnce(reading, type, i);
      return {
        ...(type !== undefined && { type }),
        base,
        price,
        ...(onDemand !== undefined && { onDemand }),
        source,
      };
    },
  );
  const notices = (reading.read(blocks.notices, ['notices']) ?? []).map(
    ({ node, deadline }, i) => ({
      node: node as NodeId,
      deadline: readDeadline(reading, deadline, i, writtenAt),
    }),
  );
  if (reading.errors.length > 0) {
    return { ok: false, issues: locateIssues(reading.errors, root, text) };
  }
  return { ok: true, reading: { quotes, notices } };
}

function checkOnce(reading: SiteReading, type: string | undefined, i: number): void {
  const all = reading.value(['prices']) as readonly { readonly type?: string }[];
  const first = all.findIndex((one) => one.type === type);
  if (first === i) return;
  const line = reading.line(['prices', first]);
  const whose = type === undefined ? 'all other nodes' : shown(type);
  reading.error(['prices', i], `line ${line} has the price of ${whose} already`);
}

function readDeadline(reading: SiteReading, written: string, i: number, writtenAt: TimeMs): TimeMs {
  const at = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(written)
    ? Date.parse(written)
    : Number.NaN;
  if (!Number.isNaN(at) && at >= 0) return at as TimeMs;
  const span = parseSpan(written);
  if (span.ok && Number.isSafeInteger(writtenAt + span.value)) {
    return (writtenAt + span.value) as TimeMs;
  }
  reading.error(['notices', i, 'deadline'], `${shown(written)} is no time`, {
    expected:
      'a time such as 2026-11-22T14:00:00Z, or a span such as 120s from when this was written',
  });
  return writtenAt;
}
