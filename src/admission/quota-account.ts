import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Resources } from '../model/resources.ts';
import type { QuotaConfig, Usage } from '../model/scheduling-config.ts';
import { chargeOf } from './charge.ts';
import type { Charge, HeldSpan } from './quota.ts';
import { sliceMs, windowAt } from './quota-window.ts';

const NAMES = ['cpu', 'memory', 'gpu'] as const;

export interface SavedSlice {
  readonly start: number;
  readonly used: Usage;
}

interface Span {
  readonly request: Resources;
  readonly placedAt: TimeMs;
  readonly runMaxMs: number;
}

/** Sums of the attempts that run, as of one window: they change with it and with what starts and ends. */
interface Sums {
  readonly from: number;
  /** Of attempts whose longest run is known: all that they may have used in this window when they end. */
  readonly bounded: number[];
  /** Of the others. */
  readonly open: Set<Span>;
}

/** One account of one quota. */
export class QuotaAccount {
  readonly #quota: QuotaConfig;
  /** What ended attempts used, by the start of the slice in which they used it. Written when one ends. */
  readonly #settled = new Map<number, Usage>();
  readonly #running = new Map<string, Span>();
  #sums: Sums | undefined;

  constructor(quota: QuotaConfig) {
    this.#quota = quota;
  }

  start(id: string, { request, placedAt, runMaxMs }: HeldSpan): void {
    const span = { request, placedAt, runMaxMs };
    this.#running.set(id, span);
    if (this.#sums !== undefined) this.#add(this.#sums, span, 1);
  }

  end(id: string, at: TimeMs): void {
    const span = this.#running.get(id);
    if (span === undefined) return;
    this.#running.delete(id);
    if (this.#sums !== undefined) this.#add(this.#sums, span, -1);
    this.#settle(span, at);
  }

  /** The first resource of which there is too little left for that. */
  short({ request, most }: Charge, at: TimeMs): keyof Usage | undefined {
    const sums = this.#sumsAt(at);
    for (let r = 0; r < NAMES.length; r++) {
      const name = NAMES[r]!;
      const limit = this.#quota.limit[name];
      if (limit >= UNLIMITED || request[name] === 0) continue;
      const taken =
        this.#settledSince(sums.from, name) + sums.bounded[r]! + openUse(sums, name, at);
      // What says nothing about its time may start while anything is left.
      if (taken + most[name] > limit || (taken >= limit && most[name] === 0)) return name;
    }
    return undefined;
  }

  read(at: TimeMs): { used: Usage; reserved: Usage } {
    const sums = this.#sumsAt(at);
    const used = { cpu: 0, memory: 0, gpu: 0 };
    const reserved = { cpu: 0, memory: 0, gpu: 0 };
    for (let r = 0; r < NAMES.length; r++) {
      const name = NAMES[r]!;
      used[name] = this.#settledSince(sums.from, name) + openUse(sums, name, at);
      reserved[name] = sums.bounded[r]!;
    }
    for (const span of this.#running.values()) {
      if (span.runMaxMs >= UNLIMITED) continue;
      const soFar = chargeOf(span.request, Math.max(0, at - Math.max(span.placedAt, sums.from)));
      for (const name of NAMES) {
        const so = Math.min(soFar[name], reserved[name]);
        used[name] += so;
        reserved[name] -= so;
      }
    }
    return { used, reserved };
  }

  save(): SavedSlice[] {
    const slices = [...this.#settled].map(([start, used]) => ({ start, used }));
    return slices.sort((a, b) => a.start - b.start);
  }

  restore(slices: readonly SavedSlice[]): void {
    for (const { start, used } of slices) this.#settled.set(start, used);
  }

  #settledSince(from: number, name: keyof Usage): number {
    let sum = 0;
    for (const [start, used] of this.#settled) if (start >= from) sum += used[name];
    return sum;
  }

  #sumsAt(at: TimeMs): Sums {
    const { from } = windowAt(this.#quota.window, at);
    if (this.#sums?.from !== from) {
      this.#sums = { from, bounded: [0, 0, 0], open: new Set() };
      for (const span of this.#running.values()) this.#add(this.#sums, span, 1);
    }
    return this.#sums;
  }

  #add(sums: Sums, span: Span, sign: 1 | -1): void {
    if (span.runMaxMs >= UNLIMITED) {
      if (sign > 0) sums.open.add(span);
      else sums.open.delete(span);
      return;
    }
    const ends = span.placedAt + span.runMaxMs;
    const most = chargeOf(span.request, Math.max(0, ends - Math.max(span.placedAt, sums.from)));
    for (let r = 0; r < NAMES.length; r++) {
      sums.bounded[r] = sums.bounded[r]! + sign * most[NAMES[r]!];
    }
  }

  /** Charges each slice with what was held in it, and forgets what no window will count again. */
  #settle(span: Span, at: TimeMs): void {
    const { window } = this.#quota;
    const { from } = windowAt(window, at);
    for (const start of this.#settled.keys()) if (start < from) this.#settled.delete(start);
    let begin = Math.max(span.placedAt, from);
    while (begin < at) {
      const { slice } = windowAt(window, begin as TimeMs);
      const end = window.kind === 'rolling' ? slice + sliceMs(window.lengthMs) : at;
      this.#charge(slice, chargeOf(span.request, Math.min(at, end) - begin));
      begin = end;
    }
  }

  #charge(slice: number, charge: Usage): void {
    const used = this.#settled.get(slice) ?? { cpu: 0, memory: 0, gpu: 0 };
    const add = (name: keyof Usage): number => Math.min(UNLIMITED, used[name] + charge[name]);
    this.#settled.set(slice, { cpu: add('cpu'), memory: add('memory'), gpu: add('gpu') });
  }
}

function openUse(sums: Sums, name: keyof Usage, at: TimeMs): number {
  let sum = 0;
  for (const { request, placedAt } of sums.open) {
    sum += chargeOf(request, Math.max(0, at - Math.max(placedAt, sums.from)))[name];
  }
  return sum;
}
