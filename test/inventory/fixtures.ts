import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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

/**
 * Unpacks a text archive of the Prometheus projects: `Path:`, `Lines:`, content with NULLBYTE and EOF
 * escapes, `Mode:`, `SymlinkTo:`, `Directory:`.
 */
export function unpackTtar(archive: string): string {
  const folder = temporaryFolder();
  const lines = readFileSync(archive, 'latin1').split('\n');
  let path = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.startsWith('Path: ')) path = join(folder, line.slice(6));
    else if (line.startsWith('Directory: ')) {
      mkdirSync(join(folder, line.slice(11)), { recursive: true });
    } else if (line.startsWith('SymlinkTo: ')) {
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(line.slice(11), path);
    } else if (line.startsWith('Lines: ')) {
      const count = Number(line.slice(7));
      const content = `${lines.slice(i + 1, i + 1 + count).join('\n')}\n`;
      i += count;
      mkdirSync(dirname(path), { recursive: true });
      // `EOF` at the end says that the file has no last line feed.
      const plain = content.replaceAll('NULLBYTE', '\0').replace(/EOF\n$/, '');
      writeFileSync(path, Buffer.from(count === 0 ? '' : plain, 'latin1'));
    }
  }
  return folder;
}
