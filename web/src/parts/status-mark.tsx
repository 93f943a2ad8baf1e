import { UNKNOWN } from '../format.ts';
import type { Kpi } from '../kpi-words.ts';
import { Mark } from './mark.tsx';
import { SeverityMark } from './severity-mark.tsx';

/** Whether a target is met: shape, colour and word. */
export function StatusMark({ status }: { readonly status: Kpi['status'] }) {
  switch (status) {
    case 'good':
      return (
        <span class="status-mark">
          <Mark state="succeeded" /> met
        </span>
      );
    case 'unknown':
      return (
        <span class="status-mark muted" title="Nothing to tell it from">
          {UNKNOWN}
        </span>
      );
    case 'warning':
    case 'critical':
      return <SeverityMark severity={status} />;
  }
}
