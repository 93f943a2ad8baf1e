import { formatSpan } from '../../base/format.ts';
import type { Comparison, Verdict } from '../measures/compare-runs.ts';
import type { MeasureUnit } from '../measures/compared-measures.ts';

export const UNKNOWN = 'unknown';

/** An amount as people read it; what is null is unknown. */
export function amount(value: number | null, unit: MeasureUnit): string {
  if (value === null) return UNKNOWN;
  switch (unit) {
    case 's':
      return value === 0 ? '0s' : formatSpan(value * 1_000);
    case 'ratio':
      return `${Number((value * 100).toFixed(1))} %`;
    case 'times':
      return fourDigits(value);
    case 'count':
      return grouped(Number(value.toFixed(1)));
    case 'hours':
      return `${threeDigits(value)} h`;
    case 'kWh':
      return `${threeDigits(value)} kWh`;
    case 'dollars':
      return `$${value.toFixed(2)}`;
  }
}

/** A difference: with its sign, of a true minus; of parts in percentage points. */
export function signed(value: number | null, unit: MeasureUnit): string {
  if (value === null) return UNKNOWN;
  const points = (text: string): string => (unit === 'ratio' ? text.replace('%', 'pp') : text);
  const text = points(amount(Math.abs(value), unit));
  const isNothing = points(amount(0, unit)) === text;
  return isNothing ? text : `${value < 0 ? '−' : '+'}${text}`;
}

const threeDigits = (value: number): string =>
  grouped(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
const fourDigits = (value: number): string =>
  grouped(Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toFixed(decimals(value))));

/** Of about four digits, and no more than three behind the point. */
const decimals = (value: number): number => (value >= 100 ? 1 : value >= 10 ? 2 : 3);

/** `12,040.5`, the same everywhere. */
function grouped(value: number): string {
  const [whole = '', part] = String(value).split('.');
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part === undefined ? thousands : `${thousands}.${part}`;
}

export const percent = (ratio: number): string =>
  `${ratio < 0 ? '−' : '+'}${threeDigits(Math.abs(ratio) * 100)} %`;

/** `−12m 3s (−14m … −10m)`. */
export function differenceWords({ difference, low, high, unit }: Comparison): string {
  const told = signed(difference, unit);
  if (low === null || high === null || low === high) return told;
  return `${told} (${signed(low, unit)} … ${signed(high, unit)})`;
}

export const verdictWords: Readonly<Record<Verdict, string>> = {
  better: '✓ better',
  worse: '✕ worse',
  'no-sure-difference': '= no sure difference',
  unknown: '? unknown',
};

/** One of few words: `p < 0.001`, `p = 0.04`. */
export function probability(p: number | null): string {
  if (p === null) return '';
  return p < 0.001 ? '< 0.001' : String(Number(p.toPrecision(2)));
}

/** What is sure of one policy beside another, in a sentence or two. */
export function pairSentence(comparisons: readonly Comparison[]): string {
  const [{ policy, against }] = comparisons as readonly [Comparison];
  const of = (verdict: Verdict): readonly Comparison[] =>
    comparisons.filter((one) => one.verdict === verdict);
  const told = (verdict: 'better' | 'worse'): string[] => {
    const found = of(verdict);
    if (found.length === 0) return [];
    return [`${verdict} in ${enumerate(found.map(measureWords))}`];
  };
  const sure = [...told('better'), ...told('worse')];
  const unsure = of('no-sure-difference').length;
  const unknown = of('unknown').length;
  const rest = [
    ...(unsure > 0 ? [`no sure difference in ${counted(unsure, 'measure')}`] : []),
    ...(unknown > 0 ? [`${unknown} cannot be told`] : []),
  ];
  const main = sure.length === 0 ? 'nothing is sure' : sure.join('; ');
  return `${policy} beside ${against}: ${main}. ${sentence(rest.join(', '))}`.trim();
}

const measureWords = ({ title, relative }: Comparison): string => {
  const words = title.charAt(0).toLowerCase() + title.slice(1);
  const kept = /^[A-Z]{2}/.test(title) || title.startsWith('Jain') ? title : words;
  return relative === null ? kept : `${kept} (${percent(relative)})`;
};

const sentence = (text: string): string =>
  text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** `a, b and c`. */
function enumerate(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** `1 node`, `3 nodes`. */
export const counted = (n: number, one: string): string =>
  `${amount(n, 'count')} ${one}${n === 1 ? '' : 's'}`;
