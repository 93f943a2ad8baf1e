import type { KpiList } from '../../src/api/contract/telemetry-documents.ts';
import { counted, duration, UNKNOWN } from './format.ts';
import { scaleOfUnit } from './metrics.ts';

export type Kpi = KpiList['kpis'][number];
export type Objective = KpiList['objectives'][number];

/** In the unit of the indicator; of small amounts of money all figures that tell. */
export function kpiText({ unit, name }: Pick<Kpi, 'unit' | 'name'>, value: number | null): string {
  if (value === null) return UNKNOWN;
  if (name.endsWith('_hours')) return `${Number(value.toPrecision(3))} h`;
  if (name.endsWith('_minutes')) return `${Number(value.toPrecision(3))} min`;
  if (unit === 'dollars' && value < 1) return `$${Number(value.toPrecision(2))}`;
  return scaleOfUnit(unit).format(value);
}

/** `≥ 85%` where higher is better. */
export const targetText = (kpi: Kpi): string =>
  `${kpi.better === 'higher' ? '≥' : '≤'} ${kpiText(kpi, kpi.target)}`;

/** `70% … 78%`, of what is estimated from few samples. */
export const intervalText = (kpi: Kpi): string =>
  kpi.low === null || kpi.high === null
    ? UNKNOWN
    : `${kpiText(kpi, kpi.low)} … ${kpiText(kpi, kpi.high)}`;

/** How many meet their target, and the worst that does not. */
export function kpisSentence({ kpis, objectives }: KpiList): string {
  const told = kpis.filter(({ status }) => status !== 'unknown');
  if (told.length === 0) return 'Nothing has happened yet that an indicator could be told from.';
  const missed = told.filter(({ status }) => status !== 'good');
  const worst = missed.find(({ status }) => status === 'critical') ?? missed[0];
  const burns = objectives.filter(({ windows }) => windows.some(({ fires }) => fires)).length;
  const burning =
    burns === 0 ? '' : ` The budget of ${counted(burns, 'objective')} is used up too fast.`;
  if (worst === undefined) {
    const all =
      told.length === 1
        ? 'The one indicator meets its target'
        : `All ${told.length} indicators meet their targets`;
    return `${all}.${burning}`;
  }
  return `${missed.length} of ${counted(told.length, 'indicator')} ${missed.length === 1 ? 'misses its' : 'miss their'} target. ${worst.sentence}${burning}`;
}

/** `30d`, `1h`: of what people set, without the part that is nothing. */
export const roundSpan = (ms: number): string => duration(ms).replace(/ 0+[a-z]$/, '');

/** How many times as fast as its period allows a budget is used up: `16× in 1h, 19× in 5m; fires from 14.4×`. */
export function burnText(window: Objective['windows'][number]): string {
  const { long_ms, short_ms, burn_long, burn_short, threshold } = window;
  const times = (burn: number | null): string =>
    burn === null ? UNKNOWN : `${Number(burn.toPrecision(2))}×`;
  return `${times(burn_long)} in ${roundSpan(long_ms)}, ${times(burn_short)} in ${roundSpan(short_ms)}; fires from ${Number(threshold.toPrecision(3))}×`;
}
