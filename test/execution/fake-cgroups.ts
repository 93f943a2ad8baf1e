import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files in the places of cgroup v2, which keep what is written to them. */
export function fakeCgroups(
  t: { after(fn: () => void): void },
  name: string,
  controllers: string,
): string {
  const root = mkdtempSync(join(tmpdir(), 'berth-test-cgroup-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of [root, join(root, name)]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cgroup.controllers'), controllers);
    writeFileSync(join(folder, 'cgroup.subtree_control'), controllers);
  }
  return root;
}

/** The group of one task, with the files that the kernel would make. */
export function fakeGroup(path: string, files: readonly string[]): void {
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), '');
}
