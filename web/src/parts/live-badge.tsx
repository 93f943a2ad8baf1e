import { clock, duration } from '../format.ts';
import { heardAt, liveState } from '../live.ts';
import { now } from '../server-time.ts';

/** Whether what is on the page is what is so, and if not, how old it is. */
export function LiveBadge() {
  const state = liveState.value;
  const ticking = now.value;
  const age = heardAt.value === undefined ? undefined : Date.now() - heardAt.value;
  const words = {
    connecting: 'connecting',
    live: 'live',
    paused: `paused${age === undefined ? '' : `, data ${duration(Math.round(age / 1_000) * 1_000).replace('.0', '')} old`}`,
    locked: 'locked',
  }[state];
  return (
    <output class={`badge ${state}`}>
      <i aria-hidden="true" />
      {words} {state === 'live' && <span class="number muted">{clock(ticking)}</span>}
    </output>
  );
}
