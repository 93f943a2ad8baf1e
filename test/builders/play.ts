import assert from 'node:assert/strict';
import type { Site } from './site.ts';

const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 19);

/**
 * Lets time pass from timer to timer until there is none by `until`: who started, and when. `between` is called
 * before each pass.
 */
export function play(
  s: Site,
  until: number,
  between: (s: Site) => void = () => {},
): [at: string, attempt: string][] {
  const starts: [string, string][] = [];
  for (;;) {
    between(s);
    for (const id of s.pass()) starts.push([iso(s.now), id]);
    between(s);
    // What was made anew has made no pass.
    for (const id of s.pass()) starts.push([iso(s.now), id]);
    const timer = s.engine.nextTimer();
    if (timer === undefined || timer > until) return starts;
    assert.ok(timer > s.now, 'a timer is later');
    s.now = timer;
  }
}
