import { type Bytes, bytes } from '../base/units.ts';
import { parseNvidiaCsv } from '../inventory/parsers/nvidia-csv.ts';
import type { AttemptId } from '../model/ids.ts';

/** A share of a GPU is promised, not enforced by its driver: what is really used is compared with it. */

/** What a process holds of one device. */
export interface GpuUse {
  readonly pid: number;
  readonly gpu: string;
  readonly memory: Bytes;
}

/** A task with a share of one device. */
export interface ShareHolder {
  readonly attempt: AttemptId;
  readonly gpu: string;
  readonly share: Bytes;
  /** Of its whole tree. */
  readonly pids: ReadonlySet<number>;
}

export interface Overuse {
  readonly attempt: AttemptId;
  /** Why it is stopped, for people. */
  readonly note: string;
}

/** What was over its share at one look, and who is to be stopped after it. */
export interface Look {
  readonly over: ReadonlySet<AttemptId>;
  readonly stop: readonly Overuse[];
}

export const computeAppsQuery = [
  '--query-compute-apps=gpu_uuid,pid,used_gpu_memory',
  '--format=csv',
] as const;

/**
 * The answer to it, or to a query of more columns. Undefined where it is no such table; processes of which the
 * driver tells no memory are left out: unknown is not zero, and not too much either.
 */
export function parseComputeApps(text: string): readonly GpuUse[] | undefined {
  const table = parseNvidiaCsv(text);
  if (table === undefined || !table.columns.includes('used_gpu_memory')) return undefined;
  return table.rows.flatMap((row): GpuUse[] => {
    const mebibytes = /^(\d{1,9}) MiB$/.exec(row['used_gpu_memory'] ?? '')?.[1];
    const pid = Number(row['pid']);
    const gpu = row['gpu_uuid'];
    if (mebibytes === undefined || gpu === undefined || !Number.isSafeInteger(pid)) return [];
    return [{ pid, gpu, memory: bytes(Number(mebibytes) * 1024 ** 2) }];
  });
}

/** Over its share at two looks in a row: one may have met memory that was about to be given back. */
export function lookAtShares(
  uses: readonly GpuUse[],
  holders: readonly ShareHolder[],
  before: ReadonlySet<AttemptId>,
): Look {
  const over = new Set<AttemptId>();
  const stop: Overuse[] = [];
  for (const { attempt, gpu, share, pids } of holders) {
    const own = uses.filter((use) => use.gpu === gpu && pids.has(use.pid));
    const used = own.reduce((sum, { memory }) => sum + memory, 0);
    if (used <= share) continue;
    over.add(attempt);
    if (!before.has(attempt)) continue;
    const mib = (n: number): string => `${Math.ceil(n / 1024 ** 2)} MiB`;
    const note = `gpu-memory: it used ${mib(used)} of ${gpu}, and its share is ${mib(share)}`;
    stop.push({ attempt, note });
  }
  return { over, stop };
}
