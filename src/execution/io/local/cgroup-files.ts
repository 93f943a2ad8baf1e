import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/** @throws the error of the system, or one that says that the controller was not taken. */
export function handDown(folder: string, controller: string): void {
  const path = `${folder}/cgroup.subtree_control`;
  if (!words(`${folder}/cgroup.controllers`).includes(controller)) {
    throw new Error(`${folder} has no ${controller} controller`);
  }
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
