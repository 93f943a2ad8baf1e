import { quoted } from './shell-words.ts';

/** What of a metric is looked at, as the address of the page says it. */
export interface MetricPlace {
  /** Undefined: the catalogue. */
  readonly name: string | undefined;
  /** Series that have all of these. */
  readonly labels: Readonly<Record<string, string>>;
  readonly since: MetricSpan;
}

export const metricSpans = ['15m', '1h', '6h', '24h', '7d', '30d', '90d'] as const;
export type MetricSpan = (typeof metricSpans)[number];

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const spanMs = (span: MetricSpan): number =>
  Number.parseInt(span, 10) * unitMs[span.at(-1) as keyof typeof unitMs];

/** Of `#/metrics/NAME?label=key=value&since=6h`; what means nothing is as if it were not there. */
export function metricPlace(name: string | undefined, asked: URLSearchParams): MetricPlace {
  const labels = asked.getAll('label').flatMap((text) => {
    const at = text.indexOf('=');
    return at < 1 ? [] : [[text.slice(0, at), text.slice(at + 1)] as const];
  });
  return {
    name: name === undefined || name === '' ? undefined : decoded(name),
    labels: Object.fromEntries(labels),
    since: metricSpans.find((span) => span === asked.get('since')) ?? '1h',
  };
}

export function metricHref({ name, labels, since }: MetricPlace): string {
  if (name === undefined) return '#/metrics';
  const query = new URLSearchParams(Object.entries(labels).map(([k, v]) => ['label', `${k}=${v}`]));
  if (since !== '1h') query.set('since', since);
  const text = query.toString();
  return `#/metrics/${encodeURIComponent(name)}${text === '' ? '' : `?${text}`}`;
}

/** As a shell takes it. */
export function metricCommand({ name, labels, since }: MetricPlace): string {
  if (name === undefined) return 'berth metrics';
  const wanted = Object.entries(labels).map(([k, v]) => ` --label ${quoted(`${k}=${v}`)}`);
  return `berth metrics history ${quoted(name)}${wanted.join('')} --since ${since}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
