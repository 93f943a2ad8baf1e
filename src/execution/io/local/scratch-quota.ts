import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ANSWER_MS_MAX = 5_000;
const program = fileURLToPath(new URL('./quota.pl', import.meta.url));

/** Ids of projects that others hardly use: the upper half, by the inode of the folder, of which there is one. */
const FIRST_PROJECT = 0x4000_0000;

/** A folder that its file system holds to a size, or why it does not. */
export type QuotaOutcome = { readonly project: number } | { readonly why: string };

/** Makes the folder, which must be empty, a project of its own with a limit of so many bytes. */
export function holdToQuota(dir: string, bytes: number): QuotaOutcome {
  const project = FIRST_PROJECT + (statSync(dir).ino % FIRST_PROJECT);
  const said = ask(['set', dir, `${project}`, `${bytes}`]);
  return said === 'held' ? { project } : { why: said };
}

/** Takes the limit away, so that another folder of the same inode begins without. @param dir on that file system. */
export function clearQuota(dir: string, project: number): string | undefined {
  const said = ask(['clear', dir, `${project}`]);
  return said === 'cleared' ? undefined : said;
}

function ask(args: readonly string[]): string {
  const done = spawnSync('perl', [program, ...args], { encoding: 'utf8', timeout: ANSWER_MS_MAX });
  return done.stdout?.trim() || done.error?.message || done.stderr?.trim() || 'perl says nothing';
}
