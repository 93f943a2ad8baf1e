import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Bytes, SpanMs } from '../base/units.ts';
import type { Relocation, Tiering, TierReport } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';
import type { FileUse, TierConfig, TierName } from '../model/tiers.ts';
import { planTiers } from '../planning/tiers.ts';
import { idleOf } from '../transfer/access-times.ts';
import { NotMoved, relocate, settle, settleDouble } from '../transfer/io/relocate.ts';
import { movedFile, type Scan, scanTiers, type TierFile } from '../transfer/io/scan-tiers.ts';
import { COMPRESSED, type TierPlace } from '../transfer/io/tier-names.ts';

/** Where files lie, by how often they are used: what `berth tier` does on this machine. */
export function openTiering(cwd: string): Tiering {
  return {
    async plan({ folder, config, byMtime, perDay, now }): Promise<TierReport> {
      const root = await rootOf(folder, cwd);
      refuseWithin(root, await placesOf(config));
      const { files, skipped, leftovers } = await scan(root, config);
      const uses = files.map((file) => useOf(file, { config, byMtime, perDay, now }));
      return { root, plan: planTiers(uses, config), skipped, leftovers: leftovers.length };
    },
    async settle(folder, config) {
      const root = await rootOf(folder, cwd);
      const places = await placesOf(config);
      const told: string[] = [];
      const { leftovers, doubles } = await scan(root, config);
      const work = [
        ...leftovers.map((leftover) => () => settle(leftover, root, places)),
        ...doubles.map((packed) => () => settleDouble(packed, root, places)),
      ];
      for (const one of work) {
        const sentence = await one().catch(unlessNotMoved);
        if (typeof sentence === 'string') told.push(sentence);
      }
      return told;
    },
    async move(folder, config, moves) {
      const root = await rootOf(folder, cwd);
      const byPath = new Map((await scan(root, config)).files.map((file) => [file.path, file]));
      const places = await placesOf(config);
      const done: Relocation[] = [];
      for (const { path, to } of moves) {
        const file = byPath.get(path);
        const target = places.find(({ name }) => name === to);
        const why =
          file === undefined
            ? 'it is not there any more'
            : await relocate(root, file, target).then(() => undefined, unlessNotMoved);
        done.push({ path, to, ...(why !== undefined && { why }) });
      }
      return done;
    },
    async restore(paths, config) {
      const places = await placesOf(config);
      const done: Relocation[] = [];
      for (const path of paths) {
        const found = await movedAt(resolve(cwd, path), places);
        if (found.length === 0) {
          done.push({ path, to: OWN, why: 'no tier of the document has it' });
        }
        for (const { root, file } of found) {
          const why = await relocate(root, file, undefined).then(() => undefined, unlessNotMoved);
          done.push({ path: file.path, to: OWN, ...(why !== undefined && { why }) });
        }
      }
      return done;
    },
  };
}

const OWN = 'its own place';

/** What was moved of a folder, or the one file; its folder is whichever above it the tier knows. */
async function movedAt(
  path: string,
  places: readonly TierPlace[],
): Promise<{ readonly root: string; readonly file: TierFile }[]> {
  const above = await realpath(dirname(path)).catch(() => undefined);
  if (above === undefined) return [];
  const real = join(above, basename(path));
  const info = await lstat(real).catch(() => undefined);
  if (info?.isDirectory()) {
    const { files } = await scanTiers(real, places);
    return files.filter(({ place }) => place !== undefined).map((file) => ({ root: real, file }));
  }
  const entry = info?.isSymbolicLink() ? real : `${real}${COMPRESSED}`;
  for (let root = above; ; root = dirname(root)) {
    const file = await movedFile(root, entry, places, '').catch(() => undefined);
    if (file !== undefined) return [{ root, file }];
    if (root === dirname(root)) return [];
  }
}

async function scan(root: string, config: TierConfig): Promise<Scan> {
  return scanTiers(root, await placesOf(config));
}

/** With real paths, so that what a link says can be compared. */
async function placesOf({ tiers }: TierConfig): Promise<TierPlace[]> {
  const places: TierPlace[] = [];
  for (const { name, folder, compress } of tiers) {
    if (folder === undefined) continue;
    places.push({ name, folder: await existing(folder, name), compress });
  }
  return places;
}

/** It is not made: where its disk is not mounted, files would land on the disk below. */
async function existing(folder: string, tier: TierName): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : '';
    const message = `${folder}, the folder of the tier ${tier}, cannot be read (${reason}).`;
    const hint = 'Is its disk mounted? Make the folder if it is.';
    throw new OperationError('FILE_UNREADABLE', message, { hint }, error);
  }
}

async function rootOf(folder: string, cwd: string): Promise<string> {
  try {
    return await realpath(resolve(cwd, folder));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new OperationError('FILE_UNREADABLE', `${folder} cannot be read (${reason}).`, {}, error);
  }
}

/** What was moved is not moved on as if it were of the folder. */
function refuseWithin(root: string, places: readonly TierPlace[]): void {
  const place = places.find(({ folder }) => `${root}/`.startsWith(`${folder}/`));
  if (place === undefined) return;
  throw new OperationError('USAGE', `${root} is in the folder of the tier ${place.name}.`, {
    hint: 'Name the folder that the files were moved from.',
  });
}

function unlessNotMoved(error: unknown): string {
  if (error instanceof NotMoved) return error.message;
  // A full disk, a folder that may not be written: of one file, and the others are moved all the same.
  if (error instanceof Error && 'code' in error) return error.message;
  throw error;
}

function useOf(
  file: TierFile,
  {
    config,
    byMtime,
    perDay,
    now,
  }: {
    readonly config: TierConfig;
    readonly byMtime: boolean;
    readonly perDay: ReadonlyMap<string, number>;
    readonly now: number;
  },
): FileUse {
  const tier = (file.place?.name ?? config.tiers[0]!.name) as TierName;
  const about = { path: file.path, bytes: file.size as Bytes, tier };
  const counted = perDay.get(file.path);
  if (counted !== undefined) return { ...about, by: 'counted', perDay: counted };
  const { idleMs, by } = idleOf(file, file.keeps, now);
  if (by === 'mtime' && !byMtime) return { ...about, by: 'unknown' };
  return { ...about, by, idleMs: idleMs as SpanMs };
}
