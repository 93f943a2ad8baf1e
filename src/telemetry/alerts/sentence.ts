import { formatBytes, formatSpan } from '../../base/format.ts';
import type { AlertRule } from '../../model/alert-rule.ts';
import { aliasOf } from '../aliases.ts';
import { families } from '../families.ts';
import { historyName, type Labels } from '../metric.ts';
import type { Alert } from './alert-state.ts';
import { metricsIn } from './evaluate.ts';

/** `cpu_utilization > 90: 97.3% now, for 6m`; what is so, with the amount and since when. */
export function alertSentence(alert: Alert, rule: AlertRule | undefined, now: number): string {
  const value = rule === undefined ? String(rounded(alert.value)) : amountText(alert.value, rule);
  const of = labelsText(alert.series);
  const said = rule?.text ?? alert.rule;
  const what = of === '' ? said : `${said} for ${of}`;
  if (alert.state === 'resolved') {
    const lasted = formatSpan((alert.resolvedAt ?? now) - alert.since);
    return `${what}: ${endings[alert.resolvedFor ?? 'ended']} after ${lasted}`;
  }
  const held = formatSpan(Math.max(0, now - alert.since));
  return `${what}: ${value} now, for ${held}`;
}

const endings = {
  ended: 'it ended',
  unmeasured: 'nobody measures it any more; it ended',
  'no-rule': 'the rule is gone; it ended',
} as const;

export const labelsText = (labels: Labels): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name} ${labels[name]}`)
    .join(', ');

/** In the unit of the metric that is compared first. */
function amountText(value: number, { condition }: AlertRule): string {
  const [first] = metricsIn(condition);
  const unit = first && unitOf(first.name);
  switch (unit) {
    case 'percent':
      return `${rounded(value)}%`;
    case 'bytes':
      return value < 0 ? String(rounded(value)) : formatBytes(value);
    case 'bytes_per_second':
      return `${formatBytes(value)}/s`;
    case 'celsius':
      return `${rounded(value)} °C`;
    case 'watts':
      return `${rounded(value)} W`;
    default:
      return String(rounded(value));
  }
}

function unitOf(name: string): string | undefined {
  const family = families.find((one) => one.name === name || historyName(one) === name);
  return aliasOf(name)?.unit ?? family?.unit;
}

const rounded = (value: number): number => Number(value.toPrecision(4));
