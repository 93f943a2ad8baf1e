import { ratioOf } from './report.ts';

/** From these on a part counts in full: seed 003's thresholds. */
const UTILISATION_FULL = 0.8;
const QUEUE_PACKETS_FULL = 1_000;
const LOSS_FULL = 0.001;
/** From there on a link is congested. */
export const CONGESTED = 0.7;

export interface LinkState {
  /** Of its speed; undefined where that is unknown. */
  readonly utilisation: number | undefined;
  /** Packets that wait to be sent; undefined: not measured. */
  readonly queuePackets: number | undefined;
  /** Share of packets dropped or sent again; undefined: not measured. */
  readonly loss: number | undefined;
}

export type BottleneckType = 'bandwidth' | 'queue' | 'loss';

export interface Congestion {
  /** 0.4 utilisation + 0.3 queue + 0.3 loss, each of its threshold and at most 1. What is unknown adds nothing. */
  readonly score: number;
  /** What weighs most. */
  readonly bottleneck: BottleneckType;
  readonly unknown: readonly BottleneckType[];
}

const weights: Readonly<Record<BottleneckType, number>> = { bandwidth: 0.4, queue: 0.3, loss: 0.3 };
const kinds = Object.keys(weights) as readonly BottleneckType[];

/** Undefined where nothing is known of the link. */
export function congestionOf(link: LinkState): Congestion | undefined {
  const parts: Record<BottleneckType, number | undefined> = {
    bandwidth: part(link.utilisation, UTILISATION_FULL),
    queue: part(link.queuePackets, QUEUE_PACKETS_FULL),
    loss: part(link.loss, LOSS_FULL),
  };
  const unknown = kinds.filter((kind) => parts[kind] === undefined);
  if (unknown.length === kinds.length) return undefined;
  const of = (kind: BottleneckType): number => weights[kind] * (parts[kind] ?? 0);
  return {
    score: kinds.reduce((sum, kind) => sum + of(kind), 0),
    bottleneck: kinds.reduce((most, kind) => (of(kind) > of(most) ? kind : most)),
    unknown,
  };
}

const part = (value: number | undefined, full: number): number | undefined =>
  value === undefined ? undefined : ratioOf(value / full);
