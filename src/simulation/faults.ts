import { type DeathPlace, deathPlaces } from './life.ts';

/** Everything bad that a world can do, and the rarer turns of events that must be met. */
export const marks = [
  ...deathPlaces.map((place) => `died ${place}` as const),
  'died while recovering',
  'restored from a snapshot',
  'replayed from the start',
  'machine rebooted',
  'node lost',
  'node out of reach',
  'node shrunk',
  'launcher lost',
  'clock jumped',
  'disk full',
  'disk unwritable',
  'refused while the disk was full',
  'report lost',
  'report repeated',
  'report late',
  'ended before started',
  'finished despite a stop',
  'stood in line',
  'took over',
  'preempted',
  'gang placed',
  'gang broken',
  'waited on purpose',
  'batch begun',
  'submission refused',
  'cancelled',
  'answer never came',
] as const;
export type Mark = (typeof marks)[number];

export type MarkCounts = Record<Mark, number>;

export const noMarks = (): MarkCounts =>
  Object.fromEntries(marks.map((mark) => [mark, 0])) as MarkCounts;

export const deathMark = (place: DeathPlace): Mark => `died ${place}`;
