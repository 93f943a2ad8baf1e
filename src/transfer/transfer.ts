import type { BitsPerSecond, Bytes, TimeMs } from '../base/units.ts';

/** How what was written is compared with what was read; `none`: not at all. */
export const checksumKinds = ['sha256', 'sha512', 'none'] as const;
export type ChecksumKind = (typeof checksumKinds)[number];

/** What somebody wants moved. Paths are absolute; nothing is at `to` before, and all of it at once after. */
export interface TransferOrder {
  readonly from: string;
  readonly to: string;
  /** Absent: as fast as the disks allow. */
  readonly rate?: BitsPerSecond;
  readonly checksum: ChecksumKind;
}

export type TransferState =
  | 'queued'
  | 'running'
  | 'verifying'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

/** One transfer from when it was asked for, kept after its end. */
export interface Transfer {
  readonly id: string;
  readonly order: TransferOrder;
  readonly state: TransferState;
  readonly askedAt: TimeMs;
  /** Of its last start. */
  readonly startedAt?: TimeMs;
  readonly endedAt?: TimeMs;
  /** How often it was begun: more than once after a crash, or when it was resumed. */
  readonly starts: number;
  /** Unknown until the source was listed. */
  readonly files?: number;
  readonly bytes?: Bytes;
  /** Of `bytes`, those that are at the destination. */
  readonly moved: Bytes;
  /** Of `moved`, those that the last start found there and did not move again. */
  readonly resumed: Bytes;
  /** Of a folder: that of the list of its files' sums, as sha256sum prints it, in order of their paths. */
  readonly sum?: string;
  /** Why it failed. */
  readonly message?: string;
}

export type TransferEvent =
  | { readonly kind: 'started'; readonly at: TimeMs }
  | { readonly kind: 'listed'; readonly files: number; readonly bytes: Bytes }
  | { readonly kind: 'resumed'; readonly bytes: Bytes }
  | { readonly kind: 'moved'; readonly bytes: Bytes }
  | { readonly kind: 'verifying' }
  | { readonly kind: 'succeeded'; readonly at: TimeMs; readonly sum?: string }
  | { readonly kind: 'failed'; readonly at: TimeMs; readonly message: string }
  | { readonly kind: 'cancelled'; readonly at: TimeMs }
  /** It was cut off by the end of the daemon, or is asked for again after it failed. */
  | { readonly kind: 'requeued' };

export const hasEnded = ({ state }: Transfer): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';

export const newTransfer = (id: string, order: TransferOrder, askedAt: TimeMs): Transfer => ({
  id,
  order,
  state: 'queued',
  askedAt,
  starts: 0,
  moved: 0 as Bytes,
  resumed: 0 as Bytes,
});

/** What it is after the event; an event that cannot be meant for it (it has ended) changes nothing. */
export function advance(transfer: Transfer, event: TransferEvent): Transfer {
  if (event.kind === 'requeued') {
    if (transfer.state === 'succeeded') return transfer;
    const { endedAt: _, message: __, ...rest } = transfer;
    return { ...rest, state: 'queued' };
  }
  if (hasEnded(transfer)) return transfer;
  switch (event.kind) {
    case 'started': {
      const { starts } = transfer;
      const none = 0 as Bytes;
      return {
        ...transfer,
        state: 'running',
        startedAt: event.at,
        starts: starts + 1,
        moved: none,
        resumed: none,
      };
    }
    case 'listed':
      return { ...transfer, files: event.files, bytes: event.bytes };
    case 'resumed':
      return { ...transfer, moved: event.bytes, resumed: event.bytes };
    case 'moved':
      return { ...transfer, moved: event.bytes };
    case 'verifying':
      return { ...transfer, state: 'verifying' };
    case 'succeeded':
      return {
        ...transfer,
        state: 'succeeded',
        endedAt: event.at,
        ...(event.sum !== undefined && { sum: event.sum }),
      };
    case 'failed':
      return { ...transfer, state: 'failed', endedAt: event.at, message: event.message };
    case 'cancelled':
      return { ...transfer, state: 'cancelled', endedAt: event.at };
  }
}

/** The transfer to take up again when this is asked for; the newest of several. */
export const unfinished = (
  transfers: Iterable<Transfer>,
  { from, to, checksum }: TransferOrder,
): Transfer | undefined =>
  [...transfers].findLast(
    ({ order, state }) =>
      (state === 'failed' || state === 'cancelled') &&
      order.from === from &&
      order.to === to &&
      order.checksum === checksum,
  );

/** Those to begin now, in the order in which they were asked for, so that at most `atOnce` run. */
export function toStart(transfers: Iterable<Transfer>, atOnce: number): readonly Transfer[] {
  const all = [...transfers];
  const running = all.filter(({ state }) => state === 'running' || state === 'verifying').length;
  const queued = all.filter(({ state }) => state === 'queued');
  return queued.slice(0, Math.max(0, atOnce - running));
}
