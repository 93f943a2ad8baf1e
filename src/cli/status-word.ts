import type { AttemptDocument, WorkloadDocument } from '../api/contract/documents.ts';
import { type Glyph, glyph, type Page, type Tone } from './page.ts';
import type { Cell } from './table.ts';

type State = WorkloadDocument['status'];
type Cause = NonNullable<AttemptDocument['cause']>;
interface Look {
  readonly glyph: Glyph;
  readonly tone: Tone;
  readonly word: string;
}

const states: Record<State, Look> = {
  spilled: { glyph: 'waiting', tone: 'faint', word: 'spilled' },
  waiting: { glyph: 'waiting', tone: 'waiting', word: 'waiting' },
  running: { glyph: 'running', tone: 'running', word: 'running' },
  succeeded: { glyph: 'succeeded', tone: 'done', word: 'done' },
  failed: { glyph: 'failed', tone: 'failed', word: 'failed' },
  cancelled: { glyph: 'cancelled', tone: 'faint', word: 'cancelled' },
  skipped: { glyph: 'skipped', tone: 'faint', word: 'skipped' },
};

const causes: Record<Cause, Look> = {
  succeeded: { glyph: 'succeeded', tone: 'done', word: 'succeeded' },
  failed: { glyph: 'failed', tone: 'failed', word: 'failed' },
  signalled: { glyph: 'failed', tone: 'failed', word: 'signalled' },
  'oom-killed': { glyph: 'failed', tone: 'failed', word: 'oom-killed' },
  'timed-out': { glyph: 'failed', tone: 'failed', word: 'timed-out' },
  'disk-exceeded': { glyph: 'failed', tone: 'failed', word: 'disk-exceeded' },
  'model-calls-exceeded': { glyph: 'failed', tone: 'failed', word: 'model-calls-exceeded' },
  'tokens-exceeded': { glyph: 'failed', tone: 'failed', word: 'tokens-exceeded' },
  'results-exceeded': { glyph: 'failed', tone: 'failed', word: 'results-exceeded' },
  'requests-exceeded': { glyph: 'failed', tone: 'failed', word: 'requests-exceeded' },
  cancelled: { glyph: 'cancelled', tone: 'faint', word: 'cancelled' },
  preempted: { glyph: 'preempted', tone: 'preempted', word: 'preempted' },
  overused: { glyph: 'failed', tone: 'failed', word: 'too much GPU memory' },
  unhealthy: { glyph: 'failed', tone: 'failed', word: 'unhealthy' },
  'over-limit': { glyph: 'failed', tone: 'failed', word: 'over-limit' },
  'over-budget': { glyph: 'failed', tone: 'failed', word: 'over budget' },
  'start-failed': { glyph: 'failed', tone: 'failed', word: 'start-failed' },
  unstarted: { glyph: 'cancelled', tone: 'faint', word: 'unstarted' },
  lost: { glyph: 'lost', tone: 'faint', word: 'lost' },
};

/** Shape and word together, so that neither colour nor font is needed to read it. */
export function stateCell(page: Page, state: State): Cell {
  const look = states[state];
  return { text: `${glyph(page, look.glyph)} ${look.word}`, tone: look.tone };
}

export function causeCell(page: Page, attempt: AttemptDocument): Cell {
  if (attempt.cause === null) {
    const look = attempt.state === 'placed' ? states.waiting : states.running;
    return { text: `${glyph(page, look.glyph)} ${attempt.state}`, tone: look.tone };
  }
  const look = causes[attempt.cause];
  if (attempt.cached_from !== undefined) {
    return { text: `${glyph(page, look.glyph)} cached`, tone: look.tone };
  }
  return { text: `${glyph(page, look.glyph)} ${look.word}`, tone: look.tone };
}

export const stateLook = (state: State): Look => states[state];

export const hasEnded = (state: State): boolean =>
  state !== 'spilled' && state !== 'waiting' && state !== 'running';
