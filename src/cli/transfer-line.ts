import type { TransferDocument } from '../api/contract/transfer-documents.ts';
import { formatBytes, formatPercent, formatSpan } from './format.ts';

/** How far it is, for people. The rate is that of its last start, without what was there before. */
export function transferLine(transfer: TransferDocument, now: number): string {
  const { id, state, bytes, moved_bytes: moved, started_at: startedAt } = transfer;
  const done = bytes === null || bytes === 0 ? '' : ` (${formatPercent(moved / bytes)})`;
  const amount =
    bytes === null ? formatBytes(moved) : `${formatBytes(moved)} of ${formatBytes(bytes)}${done}`;
  const spentMs = startedAt === null ? 0 : (transfer.ended_at ?? now) - startedAt;
  const fresh = moved - transfer.resumed_bytes;
  const rate = spentMs < 1 || fresh === 0 ? '' : `, ${formatBytes((fresh / spentMs) * 1_000)}/s`;
  const resumed =
    transfer.resumed_bytes === 0 ? '' : `, ${formatBytes(transfer.resumed_bytes)} of it resumed`;
  const took = transfer.ended_at === null ? '' : ` in ${formatSpan(spentMs)}`;
  const why = transfer.message === null ? '' : `: ${transfer.message}`;
  return `transfer ${id} ${state}${why}: ${amount}${took}${rate}${resumed}`;
}
