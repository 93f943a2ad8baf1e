import { type Labels, type MetricFamily, type Reading, seriesKey } from './metric.ts';

/** The text format 0.0.4 of Prometheus, and OpenMetrics 1.0. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What a scraper that sends this `Accept` header reads: OpenMetrics where it names that first. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  let best: { readonly format: ExpositionFormat; readonly weight: number } | undefined;
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...params] = part.split(';').map((word) => word.trim().toLowerCase());
    const format = type === 'application/openmetrics-text' ? 'openmetrics' : 'prometheus';
    const q = params.find((word) => word.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2)) || 0;
    if (best === undefined || weight > best.weight) best = { format, weight };
  }
  return best?.weight === 0 ? 'prometheus' : (best?.format ?? 'prometheus');
}

/** What the readings of a histogram are called beside its own name. */
const HISTOGRAM_PARTS = ['_bucket', '_sum', '_count'] as const;

/**
 * All readings of the families, by name; what belongs to none of them is left out, and of two readings of one
 * series the first counts. A histogram `x` has readings `x_bucket` with the label `le`, `x_sum` and `x_count`.
 */
export function expose(
  families: readonly MetricFamily[],
  readings: readonly Reading[],
  format: ExpositionFormat = 'prometheus',
): string {
  const byName = new Map<string, MetricFamily>();
  const samples = new Map<MetricFamily, string[]>();
  for (const family of families) {
    if (byName.has(family.name)) continue;
    for (const name of namesOf(family)) byName.set(name, family);
  }
  const seen = new Set<string>();
  for (const { name, labels, value } of readings) {
    const family = byName.get(name);
    if (family === undefined) continue;
    const key = name + labelText(asWritten(labels, format));
    if (seen.has(key)) continue;
    seen.add(key);
    const line = `${key} ${numberText(value)}`;
    const lines = samples.get(family);
    if (lines === undefined) samples.set(family, [line]);
    else lines.push(line);
  }
  const out: string[] = [];
  const sorted = [...samples].sort(([a], [b]) => (a.name < b.name ? -1 : 1));
  for (const [family, lines] of sorted) out.push(...headOf(family, format), ...lines);
  if (format === 'openmetrics') out.push('# EOF');
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

const labelTexts = new WeakMap<Labels, string>();

/** Whoever measures again and again gives the same labels: then their text is there already. */
function labelText(labels: Labels): string {
  const known = labelTexts.get(labels);
  if (known !== undefined) return known;
  const text = seriesKey('', labels);
  labelTexts.set(labels, text);
  return text;
}

const namesOf = ({ name, kind }: MetricFamily): readonly string[] =>
  kind === 'histogram' ? HISTOGRAM_PARTS.map((part) => `${name}${part}`) : [name];

function headOf({ name, kind, unit, help }: MetricFamily, format: ExpositionFormat): string[] {
  if (format === 'prometheus') {
    return [`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${kind}`];
  }
  const bare = kind === 'counter' ? name.replace(/_total$/, '') : name;
  const told = escapedHelp(help).replaceAll('"', '\\"');
  return [
    `# HELP ${bare} ${told}`,
    `# TYPE ${bare} ${kind}`,
    // Of OpenMetrics: the name ends in it.
    ...(bare.endsWith(`_${unit}`) ? [`# UNIT ${bare} ${unit}`] : []),
  ];
}

const escapedHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/** Of OpenMetrics: a bound is written as a float. */
function asWritten(labels: Labels, format: ExpositionFormat): Labels {
  const { le } = labels;
  if (format !== 'openmetrics' || le === undefined || !/^\d+$/.test(le)) return labels;
  return { ...labels, le: `${le}.0` };
}

/** As `strconv.ParseFloat` of Go reads it. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
