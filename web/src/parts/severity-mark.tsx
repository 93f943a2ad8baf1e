import type { JSX } from 'preact';
import type {
  AlertDocument,
  FindingDocument,
} from '../../../src/api/contract/telemetry-documents.ts';

type Severity = AlertDocument['severity'] | FindingDocument['severity'];
type Look = 'mild' | 'bad' | 'worst';

const looks: Readonly<Record<Severity, Look>> = {
  info: 'mild',
  low: 'mild',
  moderate: 'bad',
  warning: 'bad',
  high: 'worst',
  critical: 'worst',
};

const shapes: Readonly<Record<Look, JSX.Element>> = {
  mild: (
    <g fill="none" stroke="currentColor" stroke-width="1.5">
      <circle cx="6" cy="6" r="4.75" />
      <path d="M6 5.25v3.25M6 3.25v1" />
    </g>
  ),
  bad: (
    <g fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round">
      <path d="M6 1.25 11.25 10.75H.75z" />
      <path d="M6 4.75v2.75M6 8.5v1" />
    </g>
  ),
  worst: (
    <g>
      <path d="M3.75.75h4.5l3 3v4.5l-3 3h-4.5l-3-3v-4.5z" fill="currentColor" />
      <path d="M6 3v3.75M6 7.75v1.25" stroke="var(--ground)" stroke-width="1.5" />
    </g>
  ),
};

/** Shape, colour and word of how bad something is. */
export function SeverityMark({ severity }: { readonly severity: Severity }) {
  const look = looks[severity];
  return (
    <span class={`severity ${look}`}>
      <svg class="mark" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        {shapes[look]}
      </svg>
      {severity}
    </span>
  );
}
