import type { JSX } from 'preact';
import type { AttemptDocument, WorkloadDocument } from '../../../src/api/contract/documents.ts';
import { causeWords } from '../words.ts';

export type MarkState =
  | WorkloadDocument['status']
  | AttemptDocument['state']
  | NonNullable<AttemptDocument['cause']>;

/** Shape and colour of a state; several states may look alike, their word tells them apart. */
type Look =
  | 'waiting'
  | 'running'
  | 'done'
  | 'failed'
  | 'memory'
  | 'cancelled'
  | 'preempted'
  | 'lost';

const looks: Readonly<Record<MarkState, Look>> = {
  spilled: 'waiting',
  waiting: 'waiting',
  placed: 'waiting',
  running: 'running',
  paused: 'waiting',
  stopping: 'running',
  ended: 'done',
  succeeded: 'done',
  failed: 'failed',
  signalled: 'failed',
  'oom-killed': 'memory',
  'timed-out': 'failed',
  'disk-exceeded': 'failed',
  'model-calls-exceeded': 'failed',
  'tokens-exceeded': 'failed',
  'results-exceeded': 'failed',
  'requests-exceeded': 'failed',
  'start-failed': 'failed',
  unhealthy: 'failed',
  'over-budget': 'failed',
  overused: 'failed',
  'over-limit': 'failed',
  cancelled: 'cancelled',
  skipped: 'cancelled',
  unstarted: 'cancelled',
  preempted: 'preempted',
  lost: 'lost',
};

/** Drawn and not typed: the glyphs ▶ ◷ ✓ ✕ ⇄ are missing from many system fonts. */
const shapes: Readonly<Record<Look, JSX.Element>> = {
  running: <path d="M3 1.5 10.5 6 3 10.5z" fill="currentColor" />,
  waiting: (
    <g fill="none" stroke="currentColor" stroke-width="1.5">
      <circle cx="6" cy="6" r="4.75" />
      <path d="M6 3v3h2.5" />
    </g>
  ),
  done: <path d="M1.5 6.5 4.75 9.5 10.5 2.5" fill="none" stroke="currentColor" stroke-width="2" />,
  failed: <path d="M2 2l8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="2" />,
  memory: (
    <g fill="none" stroke="currentColor" stroke-width="2">
      <path d="M1 1.5h10" />
      <path d="M3 4.5l6 6M9 4.5l-6 6" />
    </g>
  ),
  cancelled: (
    <g fill="none" stroke="currentColor" stroke-width="1.5">
      <circle cx="6" cy="6" r="4.75" />
      <path d="M2.75 9.25l6.5-6.5" />
    </g>
  ),
  preempted: (
    <path
      d="M1 4h9M7.5 1.5 10 4 7.5 6.5M11 8.5H2M4.5 6 2 8.5 4.5 11"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
    />
  ),
  lost: (
    <g fill="none" stroke="currentColor" stroke-width="1.75">
      <path d="M3.5 3.75A2.5 2.5 0 1 1 6 6.5V8" />
      <path d="M6 9.5v1.5" />
    </g>
  ),
};

/** The shape alone, where its word stands beside it. */
export function Mark({ state }: { readonly state: MarkState }) {
  const look = looks[state];
  return (
    <svg class={`mark ${look}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {shapes[look]}
    </svg>
  );
}

const stateWords: Partial<Record<MarkState, string>> = {
  ...causeWords,
  waiting: 'waiting',
  placed: 'starting',
};

export function MarkedWord({ state, word }: { readonly state: MarkState; readonly word?: string }) {
  return (
    <span class="marked">
      <Mark state={state} />
      <span>{word ?? stateWords[state] ?? state}</span>
    </span>
  );
}

/** The class that carries the colour of a state, for bars and boxes. */
export const lookOf = (state: MarkState): string => looks[state];
