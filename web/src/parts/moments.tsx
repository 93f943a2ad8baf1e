import type { ForetoldStart } from '../../../src/api/contract/documents.ts';
import { ago, duration, moment, shortMoment, UNKNOWN } from '../format.ts';
import { now } from '../server-time.ts';

/** Relative, with the absolute on hover. */
export function Ago({ at }: { readonly at: number | null }) {
  if (at === null) return <span class="number">{UNKNOWN}</span>;
  return (
    <time class="number" dateTime={new Date(at).toISOString()} title={moment(at)}>
      {ago(now.value - at)}
    </time>
  );
}

/** From one moment to another, or to now while it lasts. */
export function Lasting({
  from,
  to,
}: {
  readonly from: number | null;
  readonly to: number | null;
}) {
  if (from === null) return <span class="number">{UNKNOWN}</span>;
  const title = `${moment(from)} – ${to === null ? 'now' : moment(to)}`;
  return (
    <span class="number" title={title}>
      {duration((to ?? now.value) - from)}
    </span>
  );
}

/** When something is likely to start, and between which times eight of ten such starts are meant to lie. */
export function StartInterval({ start }: { readonly start: ForetoldStart }) {
  const { at, low, high } = start;
  const short = (time: number): string => shortMoment(time, now.value);
  const between = high === null ? `from ${short(low)}` : `${short(low)} – ${short(high)}`;
  return (
    <span class="start-interval" title={`${moment(low)} – ${high === null ? '?' : moment(high)}`}>
      <time dateTime={new Date(at).toISOString()}>{short(at)}</time>
      {low !== high && <span class="muted"> ({between})</span>}
    </span>
  );
}
