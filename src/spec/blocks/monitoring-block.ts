import { z } from 'zod';
import { metricAliasNames } from '../../model/metric-alias-names.ts';
import { quantity, text } from '../fields.ts';
import { parseSpan } from '../quantities.ts';
import { spanForm } from './limits-block.ts';
import type { UnmetRow } from './models-block.ts';

const word = (description: string) =>
  text({ description, max: 64, filled: true, oneLine: true }).regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, {
    error: 'a name of letters, digits, _ . and -',
  });

/** `metric < amount`, as `memory_available < 1Gi`. */
const CONDITION = /^\s*[A-Za-z][A-Za-z0-9_.]*\s*(<|<=|>|>=|==|!=)\s*[0-9.]+\s*[A-Za-z%]*\s*$/;

/** `monitoring`: what is measured, and alerts. What nothing acts on yet is in `unmetMonitoring`. */
export const monitoringSchema = z
  .strictObject({
    resources: z
      .strictObject({
        collection_interval: quantity(parseSpan, {
          description:
            'Of a site: use of the host is kept so often; not more often than each second.',
          form: spanForm,
          positive: true,
          finite: true,
        }).optional(),
        metrics: z
          .array(word('The name of a metric.'))
          .max(256)
          .meta({
            description: `Of a site: short names under which \`/metrics\` exports what is measured, beside names of its own: ${metricAliasNames.join(', ')}.`,
          })
          .optional(),
        alerts: z
          .array(
            z.strictObject({
              name: text({ description: 'For people.', max: 128, filled: true, oneLine: true }),
              condition: text({ description: 'As `cpu_utilization > 90`.', max: 256 }).regex(
                CONDITION,
                { error: 'a metric, a comparison and an amount, such as cpu_utilization > 90' },
              ),
              duration: quantity(parseSpan, {
                description: 'It holds for so long before it is an alert.',
                form: spanForm,
                finite: true,
                default: '0',
              }).optional(),
              action: word('What is done then, as `scale_up`.').optional(),
            }),
          )
          .max(256)
          .meta({
            description:
              'Conditions of which people are told, or on which is acted. Checked; none fires yet.',
          })
          .optional(),
      })
      .meta({ description: 'Of machines and tasks.' })
      .optional(),
  })
  .meta({ description: 'What is measured, and alerts.' });

export type MonitoringBlock = z.output<typeof monitoringSchema>;

export function unmetMonitoring(block: MonitoringBlock | undefined): UnmetRow[] {
  const { alerts } = block?.resources ?? {};
  return [
    [
      alerts,
      'monitoring.resources.alerts',
      'checked; no alert fires and no action is taken: rules of alerts are not part of this version',
    ],
  ];
}
