import { z } from 'zod';
import { metricAliasNames } from '../../model/metric-alias-names.ts';
import {
  alertSchema,
  defaultAlertsSchema,
  receiverSchema,
  silenceSchema,
} from '../alert-schema.ts';
import { quantity, text } from '../fields.ts';
import { historySchema } from '../history-block.ts';
import { otlpSchema } from '../otlp-block.ts';
import { parseSpan } from '../quantities.ts';
import { spanForm } from './limits-block.ts';
import type { UnmetRow } from './models-block.ts';

const word = (description: string) =>
  text({ description, max: 64, filled: true, oneLine: true }).regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, {
    error: 'a name of letters, digits, _ . and -',
  });

/** `monitoring`: what is measured, and alerts. In a workload it belongs in the site document: see `siteMonitoring`. */
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
          .array(alertSchema)
          .max(256)
          .meta({
            description: 'Of a site: conditions of which people are told, or on which is acted.',
          })
          .optional(),
        default_alerts: defaultAlertsSchema.optional(),
      })
      .meta({ description: 'Of machines and tasks.' })
      .optional(),
    notify: z
      .array(receiverSchema)
      .max(32)
      .meta({ description: 'Of a site: who is told of alerts.' })
      .optional(),
    silences: z
      .array(silenceSchema)
      .max(256)
      .meta({
        description:
          'Of a site: of what nobody is told. People make others by `berth alerts silence`.',
      })
      .optional(),
    history: historySchema.optional(),
    otlp: otlpSchema.optional(),
  })
  .meta({ description: 'What is measured, and alerts.' });

export type MonitoringBlock = z.output<typeof monitoringSchema>;

/** Of what only a site acts upon, in a workload. */
export function siteMonitoring(block: MonitoringBlock | undefined): UnmetRow[] {
  const { collection_interval, metrics, alerts, default_alerts } = block?.resources ?? {};
  const why = 'belongs in the site document of the daemon; ignored here';
  return [
    [metrics, 'monitoring.resources.metrics', why],
    [alerts, 'monitoring.resources.alerts', why],
    [default_alerts, 'monitoring.resources.default_alerts', why],
    [block?.notify, 'monitoring.notify', why],
    [block?.silences, 'monitoring.silences', why],
    [block?.history, 'monitoring.history', why],
    [block?.otlp, 'monitoring.otlp', why],
    [collection_interval, 'monitoring.resources.collection_interval', why],
  ];
}
