import assert from 'node:assert/strict';
import {
  accessSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { type ConfinementSite, parentsOf } from '../../src/execution/confinement.ts';
import { openConfinementSite } from '../../src/execution/io/local/confinement-site.ts';
import { disksOf } from '../../src/execution/io/local/disks-of.ts';
import { decodeLine } from '../../src/execution/launcher-protocol.ts';
import type { TermController } from '../../src/execution/term-site.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';
import { Rig } from './rig.ts';

/** What holds tasks to their limits where the contract of enforcement is tested. */
export interface Ground {
  readonly site: ConfinementSite;
  /** A folder on a disk, where there is one. */
  readonly folder: string;
  open(t: TestContext): Promise<Rig>;
  /** Fills and empties the group of attempt `n`, where no kernel does. */
  readonly fake?: { fill(n: number): void; empty(n: number): void };
}

/** The kernel that this machine runs. */
export function kernelGround(): Ground {
  const here = isWritable(process.cwd()) ? process.cwd() : homedir();
  const folder = mkdtempSync(join(here, '.berth-test-disk-'));
  after(() => rmSync(folder, { recursive: true }));
  const site = openConfinementSite('auto', 'berth-trial000');
  for (const parent of new Set(parentsOf(site))) rmdirSync(parent);
  return { site, folder, open: (t) => new Rig(t, {}).open() };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether terms of this controller can be held. */
export function hasController({ site, folder }: Ground, controller: TermController): boolean {
  const { groups = {}, hugePageSizes = [] } = site.terms ?? {};
  if (controller === 'hugetlb') return hugePageSizes.length > 0;
  return groups[controller] !== undefined && (controller !== 'io' || disksOf([folder]).length > 0);
}

/** What a file of the group of a running attempt says; in cgroup v2 all aspects are one group. */
export function groupFile(rig: Rig, n: number, aspect: string, file: string): string {
  const dirs = decodeLine(rig.record(n).split('\n')[0]!)
    .filter((field) => field.startsWith('dir='))
    .map((field) => field.slice('dir='.length).split(':'));
  const [, dir] = dirs.find(([of]) => of === aspect) ?? dirs.find(([of]) => of === 'all') ?? [];
  assert.ok(dir !== undefined, `no group for ${aspect}`);
  return readFileSync(join(dir, file), 'utf8').trimEnd();
}

/** `BY: NOTE` of each term. */
export const told = (end: AttemptEnd): Record<string, string> =>
  Object.fromEntries(
    (end.enforced.terms ?? []).map(({ term, by, note }) => [term, `${by}: ${note}`]),
  );

/** Nothing of any task is left: no process, no group. */
export function checkClean(rig: Rig): void {
  assert.deepEqual(rig.taskPids(), []);
  const left = rig.cgroups().flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(parent, entry.name)),
  );
  assert.deepEqual(left, []);
}
