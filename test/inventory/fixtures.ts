import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** The folder of real inputs, or undefined where this machine has none. */
export function dataFolder(name: string): string | undefined {
  const folder = join(process.env['BERTH_DATA'] ?? join(repository, '../shared/data'), name);
  return existsSync(folder) ? folder : undefined;
}

const made: string[] = [];
process.once('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own, removed when the test file ends: `after` would end with the test that asked. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-inventory-'));
  made.push(folder);
  return folder;
}

/** Unpacks a tar.gz with the system's tar and answers the one folder that it holds. */
export function unpackTree(archive: string): string {
  const folder = temporaryFolder();
  execFileSync('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'], { timeout: 30_000 });
  return folder;
}

/** Writes a tree from texts by path; `-> target` makes a symbolic link. */
export function makeTree(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  writeTree(folder, files);
  return folder;
}

export function writeTree(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), target);
    else writeFileSync(target, content);
  }
}
