import { spanMs } from '../base/units.ts';
import { type DailyHours, UTC, type Zone } from '../model/reservation.ts';
import type { Batching, PreferredHours, StepSpec } from '../model/workload.ts';
import type { CostOptimizationBlock } from './blocks/cost-optimization-block.ts';
import type { BatchingBlock, OptimizationBlock } from './blocks/optimization-block.ts';
import { findWritten, type Written } from './document-tree.ts';
import { type Hours, MINUTE_MS } from './hours-of-day.ts';
import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';

/** What a zone's clocks show from now on, by its name, or in the zone of the site; undefined: there is none. */
export type ZoneReader = (name: string | undefined) => Zone | undefined;

export const utcOnly: ZoneReader = (name) =>
  name === undefined || name === 'UTC' ? UTC : undefined;

interface WaitingBlocks {
  readonly optimization?: OptimizationBlock | undefined;
  readonly cost_optimization?: CostOptimizationBlock | undefined;
}

/** By then its hours have come once, whatever they are. */
const MAX_WAIT_MS = spanMs(24 * 3_600_000);
/** As the source has it for calls of models. */
const BATCH_WAIT_MS = spanMs(5_000);
const BATCH_MAX = 100;
/** Of a block that is off until it says otherwise. */
export const NOT_ENABLED = 'does nothing without `enabled: true`';
/** More of a command does not tell it from others. */
const ALIKE_CHARS = 256;

/** The hours in which a workload would rather start; undefined where it has none. */
export function preferredOf(
  { optimization }: WaitingBlocks,
  zoneOf: ZoneReader,
  problems: { readonly errors: Problem[]; readonly warnings: Problem[] },
): PreferredHours | undefined {
  const block = optimization?.scheduling;
  if (block === undefined) return undefined;
  const path = ['optimization', 'scheduling'];
  const { preferred_hours: hours, max_wait_time: maxWaitMs, timezone } = block;
  if (timezone !== undefined && typeof hours !== 'object') {
    const message =
      hours === 'off_peak' ? '`off_peak` is in the zone of the site' : 'there are no hours in it';
    const expected = '`preferred_hours` such as 22:00-06:00 with it';
    problems.errors.push({ path: [...path, 'timezone'], message, expected, at: 'key' });
  }
  if (hours === undefined || hours === 'any') {
    if (maxWaitMs !== undefined) {
      const message = 'does nothing without `preferred_hours`: it starts whenever it can';
      const at = [...path, 'max_wait_time'];
      problems.warnings.push({ severity: 'warning', path: at, message, at: 'key' });
    }
    return undefined;
  }
  const waits = { maxWaitMs: maxWaitMs ?? MAX_WAIT_MS };
  if (hours === 'off_peak') return { hours: 'off-peak', ...waits };
  const zone = zoneOf(timezone);
  if (zone !== undefined) return { hours: dailyHours(hours, zone), ...waits };
  problems.errors.push({
    path: [...path, 'timezone'],
    message: `no time zone is called ${shown(timezone ?? '')}`,
    expected: 'a name such as Europe/Berlin or UTC',
  });
  return undefined;
}

export const dailyHours = ({ start, end }: Hours, zone: Zone): DailyHours => ({
  kind: 'daily',
  startMs: start * MINUTE_MS,
  endMs: end * MINUTE_MS,
  zone,
});

/** Replicas start whenever they can. */
export function notOfService({
  optimization,
  cost_optimization: saving,
}: WaitingBlocks): Problem[] {
  const hours = optimization?.scheduling?.preferred_hours;
  const rows = [
    [hours !== undefined && hours !== 'any', 'optimization.scheduling.preferred_hours'],
    [optimization?.batching?.enabled, 'optimization.batching.enabled'],
    [saving?.strategies?.batching?.enabled, 'cost_optimization.strategies.batching.enabled'],
  ] as const;
  const message = 'not for a service: its replicas start whenever they can';
  return rows.flatMap(([asked, path]) =>
    asked === true ? [{ path: path.split('.'), message, at: 'key' }] : [],
  );
}

/** What a document says of batching, key by key, or the site for it; undefined where tasks wait for no others. */
export function batchingOf(
  { optimization, cost_optimization }: WaitingBlocks,
  ofSite: Batching | undefined,
  problems: Problem[],
): Batching | undefined {
  const own = optimization?.batching;
  const saving = cost_optimization?.strategies?.batching;
  const blocks = [
    [own, ['optimization', 'batching']],
    [saving, ['cost_optimization', 'strategies', 'batching']],
  ] as const;
  for (const [block, path] of blocks) problems.push(...batchingProblems(block, path));
  if (own?.enabled === false && saving?.enabled === true) {
    const message = 'is off here, and asked for by another key of this document';
    problems.push({ path: ['optimization', 'batching', 'enabled'], message });
  }
  const said = own?.enabled ?? saving?.enabled;
  if (said === undefined) return ofSite;
  return said ? batchingFrom(own, saving) : undefined;
}

/** Of blocks of which the first that says something counts. */
export function batchingFrom(...blocks: readonly (BatchingBlock | undefined)[]): Batching {
  const waitMs = blocks.find((block) => block?.wait_time !== undefined)?.wait_time;
  const sizes = blocks.map((block) => block?.max_batch ?? block?.max_batch_size);
  const max = sizes.find((size) => size !== undefined);
  return { waitMs: waitMs ?? BATCH_WAIT_MS, max: max ?? BATCH_MAX };
}

export function batchingProblems(block: BatchingBlock | undefined, path: Path): Problem[] {
  const { max_batch: max, max_batch_size: same } = block ?? {};
  if (max === undefined || same === undefined) return [];
  const message = '`max_batch` is given, too, and they are the same thing';
  return [{ path: [...path, 'max_batch_size'], message, at: 'key' }];
}

/** The step with whom its tasks start together: those with the same action, or the same command as it is written. */
export function withGathering(
  step: StepSpec,
  batching: Batching | undefined,
  written: { readonly root: Written; readonly path: Path },
): StepSpec {
  if (batching === undefined || step.service !== undefined) return step;
  return { ...step, gather: { alike: alikeText(written.root, written.path), ...batching } };
}

function alikeText(root: Written, path: Path): string {
  const [key, text] = (['action', 'run'] as const)
    .map((name) => [name, JSON.stringify(findWritten(root, [...path, name])?.value)] as const)
    .find(([, value]) => value !== undefined) ?? ['run', ''];
  const rest = text!.length > ALIKE_CHARS ? ` … ${text!.length}` : '';
  return `${key} ${text!.slice(0, ALIKE_CHARS)}${rest}`;
}
