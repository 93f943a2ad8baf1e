import type { Occurrence } from './operations-ledger.ts';
import {
  downTime,
  type Outage,
  type Reliability,
  reliabilityOf,
  type Span,
  togetherOf,
} from './reliability.ts';

interface Subject {
  /** Since when it is in this state. */
  since: number;
  state: 'up' | 'down' | 'off';
  upMs: number;
  downMs: number;
}

/** How the site did, its nodes and its services. */
export interface SiteReliability {
  readonly nodes: Reliability;
  readonly services: Reliability;
  /** Over the calendar: any node or service that is down is an incident, and those that overlap are one. */
  readonly fleet: Reliability;
  /** The newest last; at most 100. */
  readonly outages: readonly Outage[];
}

/** Outages that are kept of one window. */
const OUTAGES_MAX = 20_000;
const OUTAGES_SHOWN = 100;
/** Tasks that a restart of a machine lost are reported one after the other. */
const LOST_TOGETHER_MS = 5 * 60_000;

/** Adds up for how long nodes and services worked within a window. */
export class Spells {
  readonly #window: Span;
  readonly #subjects = new Map<string, Subject>();
  readonly #outages: {
    subject: string;
    from: number;
    to: number | undefined;
    isRepairKnown: boolean;
  }[] = [];
  readonly #open = new Map<string, { to: number | undefined; isRepairKnown: boolean }>();
  readonly #lostAt = new Map<string, number>();
  /** When the first of them was seen. */
  #firstAt = Number.POSITIVE_INFINITY;

  constructor(window: Span) {
    this.#window = window;
  }

  add(occurrence: Occurrence): void {
    if (occurrence.kind === 'service') {
      const { workload, name } = occurrence.whose;
      this.#change(`service ${name} (${workload})`, occurrence.at, occurrence.state);
    } else if (occurrence.kind === 'node') {
      const { node, at, state } = occurrence;
      const subject = `node ${node}`;
      if (state === 'lost') this.#lost(subject, at);
      else this.#change(subject, at, state);
    }
  }

  /** `up`: nodes that are there now; one of which nothing was told was there all the time. */
  reliability(upNow: readonly string[]): SiteReliability {
    const { from, to } = this.#window;
    for (const node of upNow) {
      const subject = `node ${node}`;
      if (!this.#subjects.has(subject)) this.#change(subject, from, 'up');
    }
    for (const [subject, { state }] of this.#subjects) this.#change(subject, to, state);
    const of = (kind: string): Reliability => {
      let upMs = 0;
      let downMs = 0;
      for (const [subject, sums] of this.#subjects) {
        if (!subject.startsWith(kind)) continue;
        upMs += sums.upMs;
        downMs += sums.downMs;
      }
      const outages = this.#outages.filter(({ subject }) => subject.startsWith(kind));
      return reliabilityOf({ upMs, downMs }, outages, this.#window);
    };
    const together = togetherOf(this.#outages, 'fleet');
    const seenMs = Math.max(0, to - Math.max(from, this.#firstAt));
    const downMs = Math.min(seenMs, downTime(together, this.#window));
    return {
      nodes: of('node '),
      services: of('service '),
      fleet: reliabilityOf({ upMs: seenMs - downMs, downMs }, together, this.#window),
      outages: this.#outages
        .filter((one) => (one.to ?? to) >= from)
        .slice(-OUTAGES_SHOWN)
        .map((one) => ({ ...one })),
    };
  }

  #lost(subject: string, at: number): void {
    const last = this.#lostAt.get(subject);
    this.#lostAt.set(subject, at);
    if (last !== undefined && at - last < LOST_TOGETHER_MS) return;
    this.#begin({ subject, from: at, to: at, isRepairKnown: false });
    // That it runs tasks says that it was there before.
    if (!this.#subjects.has(subject)) this.#change(subject, this.#window.from, 'up');
  }

  #begin(outage: Outage): void {
    if (this.#outages.length >= OUTAGES_MAX) return;
    const begun = { ...outage };
    this.#outages.push(begun);
    if (outage.to === undefined) this.#open.set(outage.subject, begun);
  }

  /** What is not wanted any more was not repaired. */
  #end(subject: string, at: number, isRepairKnown: boolean): void {
    const open = this.#open.get(subject);
    if (open === undefined) return;
    this.#open.delete(subject);
    open.to = at;
    open.isRepairKnown = isRepairKnown;
  }

  #change(subject: string, at: number, state: Subject['state']): void {
    const { from, to } = this.#window;
    const known = this.#subjects.get(subject) ?? { since: at, state: 'off', upMs: 0, downMs: 0 };
    this.#subjects.set(subject, known);
    this.#firstAt = Math.min(this.#firstAt, at);
    const spent = Math.max(0, Math.min(at, to) - Math.max(known.since, from));
    if (known.state === 'up') known.upMs += spent;
    if (known.state === 'down') known.downMs += spent;
    if (state !== known.state) {
      this.#end(subject, at, state === 'up');
      if (state === 'down' && known.state === 'up') {
        this.#begin({ subject, from: at, to: undefined, isRepairKnown: true });
      }
    }
    known.state = state;
    known.since = at;
  }
}
