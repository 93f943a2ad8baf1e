import type { Scale } from './metrics.ts';

/** Each has one colour on every page: a class of the stylesheet. */
export type Resource = 'cpu' | 'memory' | 'gpu' | 'io' | 'network' | 'power' | 'custom';

export interface Line {
  readonly name: string;
  /** A class of the stylesheet whose `color` is the colour of the line. */
  readonly colour: string;
  /** `limit` is drawn like the tick of a bar: thin, in the colour of text. */
  readonly kind: 'used' | 'requested' | 'limit' | 'line';
  readonly values: readonly (number | null)[];
}

/** What is drawn of one metric: its one series, or each of several. */
export interface Drawn {
  readonly name: string;
  readonly colour: string;
  readonly kind: Line['kind'];
  /** As history calls it. */
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  /** So many series at most, each a line of its own, named by its labels. */
  readonly each?: number;
}

export interface PanelSpec {
  readonly title: string;
  /** What is measured, and by what: shown on hover. */
  readonly source: string;
  readonly scale: Scale;
  /** The axis reaches at least so far. */
  readonly top?: number;
  /** A level line, of what must not be passed. */
  readonly threshold?: number | undefined;
  readonly drawn: readonly Drawn[];
}
