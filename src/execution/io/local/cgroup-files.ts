import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Gives a controller of cgroup v2 to the groups in a folder.
 * @param top the mount: a folder that lacks the controller gets it from those above, as far as the kernel lets us.
 * @throws the error of the system, or one that says that the controller was not taken.
 */
export function handDown(folder: string, controller: string, top = folder): void {
  const path = `${folder}/cgroup.subtree_control`;
  const has = (): boolean => words(`${folder}/cgroup.controllers`).includes(controller);
  if (!has() && folder !== top) handDown(dirname(folder), controller, top);
  if (!has()) throw new Error(`${folder} has no ${controller} controller`);
  if (words(path).includes(controller)) return;
  writeFileSync(path, `+${controller}`);
  if (!words(path).includes(controller)) throw new Error(`${path}: ${controller} was not taken`);
}

export function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path);
}

/** Runs a step that the host may refuse; its words are kept. */
export function succeeds(refused: string[], step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    refused.push(error instanceof Error ? error.message : String(error));
    return false;
  }
}

export function words(path: string): readonly string[] {
  return (read(path) ?? '').split(/\s+/);
}

/** Undefined where it cannot be read. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
