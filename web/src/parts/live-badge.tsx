import { clock, duration } from '../format.ts';
import { heardAt, liveState } from '../live.ts';
import { now } from '../server-time.ts';

/** Whether what is on the page is what is so, and if not, how old it is. */
export function LiveBadge() {
  const state = liveState.value;
  return (
    <span class={`badge ${state}`}>
      <i aria-hidden="true" />
      {/* What ticks stands outside, or it would be read aloud each second. */}
      <output>{state}</output>
      {state === 'live' && <span class="number muted">{clock(now.value)}</span>}
      {state === 'paused' && <span>{age(now.value)}</span>}
    </span>
  );
}

/** By the browser's clock; `tick` only says that a second has passed. */
function age(_tick: number): string {
  if (heardAt.value === undefined) return '';
  const seconds = Math.round((Date.now() - heardAt.value) / 1_000);
  return `data ${seconds < 60 ? `${seconds}s` : duration(seconds * 1_000)} old`;
}
