import { ago, duration, moment, UNKNOWN } from '../format.ts';
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
