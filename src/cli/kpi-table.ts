import type { KpiList } from '../api/contract/telemetry-documents.ts';
import { formatSpan } from './format.ts';
import { glyph, type Page, type Tone } from './page.ts';
import { renderTable } from './table.ts';

type Kpi = KpiList['kpis'][number];

const tones: Readonly<Record<Kpi['status'], Tone>> = {
  good: 'done',
  warning: 'waiting',
  critical: 'failed',
  unknown: 'faint',
};

/** Three digits, and as many as there are before the point. */
export function plainNumber(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

function kpiValue(page: Page, value: number | null, unit: Kpi['unit']): string {
  if (value === null) return glyph(page, 'unknown');
  if (unit === 'ratio') return percentOf(page, value);
  if (unit === 'dollars') return `$${Number(value.toPrecision(3))}`;
  return plainNumber(value);
}

export const percentOf = (page: Page, ratio: number | null): string =>
  ratio === null ? glyph(page, 'unknown') : `${Math.round(ratio * 1_000) / 10}%`;

export const kpiTable = (page: Page, kpis: readonly Kpi[]): readonly string[] =>
  renderTable(
    page,
    [
      { title: 'KPI' },
      { title: 'VALUE', align: 'right' },
      { title: '90% INTERVAL', drop: 2 },
      { title: 'TARGET', align: 'right', drop: 1 },
      { title: 'STATUS' },
      { title: 'FROM', min: 20, drop: 3 },
    ],
    kpis.map((one) => [
      one.name,
      kpiValue(page, one.value, one.unit),
      one.low === null && one.high === null
        ? ''
        : `${one.low === null ? '' : kpiValue(page, one.low, one.unit)} .. ${one.high === null ? '' : kpiValue(page, one.high, one.unit)}`,
      `${one.better === 'higher' ? '>=' : '<='} ${kpiValue(page, one.target, one.unit)}`,
      { text: one.status, tone: tones[one.status] },
      one.sentence,
    ]),
  );

export const objectiveTable = (page: Page, objectives: KpiList['objectives']): readonly string[] =>
  renderTable(
    page,
    [
      { title: 'OBJECTIVE', min: 12 },
      { title: 'TARGET', align: 'right' },
      { title: 'PERIOD', align: 'right', drop: 2 },
      { title: 'GOOD', align: 'right', drop: 3 },
      { title: 'BAD', align: 'right' },
      { title: 'BUDGET LEFT', align: 'right' },
      { title: 'BURNS', min: 6 },
    ],
    objectives.map((one) => {
      const amount = (n: number): string =>
        one.counted === 'seconds'
          ? formatSpan(n * 1_000)
          : `${n} ${n === 1 ? one.counted.slice(0, -1) : one.counted}`;
      const firing = one.windows.filter(({ fires }) => fires);
      const worst = firing.some(({ severity }) => severity === 'critical') ? 'failed' : 'waiting';
      const burning = firing.map(
        (w) => `${plainNumber(w.burn_long ?? 0)}x in ${formatSpan(w.long_ms)}`,
      );
      return [
        one.name,
        percentOf(page, one.objective),
        formatSpan(one.period_ms),
        amount(one.good),
        amount(one.bad),
        percentOf(page, one.budget_left),
        {
          text: firing.length === 0 ? 'not too fast' : burning.join(', '),
          tone: firing.length === 0 ? undefined : worst,
        },
      ];
    }),
  );
