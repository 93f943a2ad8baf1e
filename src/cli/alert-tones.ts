import type { AlertList } from '../api/contract/telemetry-documents.ts';
import type { Tone } from './page.ts';

export const severityTones: Readonly<
  Record<AlertList['alerts'][number]['severity'], Tone | undefined>
> = {
  info: undefined,
  warning: 'waiting',
  critical: 'failed',
};
