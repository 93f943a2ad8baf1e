import type { EndCause } from '../model/attempt.ts';

const ownEnd: Record<EndCause, boolean> = {
  succeeded: true,
  failed: true,
  signalled: true,
  'oom-killed': true,
  'timed-out': true,
  'disk-exceeded': true,
  'model-calls-exceeded': true,
  'tokens-exceeded': true,
  'results-exceeded': true,
  'requests-exceeded': true,
  'start-failed': true,
  'over-limit': false,
  'over-budget': false,
  overused: false,
  cancelled: false,
  preempted: false,
  unhealthy: false,
  unstarted: false,
  lost: false,
};

/** Whether an attempt was left alone until it ended: it would end so again. All other ends are the site's, or a person's. */
export const isOwnEnd = (cause: EndCause): boolean => ownEnd[cause];
