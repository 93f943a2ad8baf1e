import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MonitoringFiles } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';

/** Beside `dist/` in the package, beside `src/` in a clone. */
const shipped = fileURLToPath(new URL('../../monitoring', import.meta.url));

export function openMonitoringFiles(cwd: string): MonitoringFiles {
  return {
    async export(folder) {
      const to = resolve(cwd, folder);
      const names = (await readdir(shipped)).sort();
      try {
        await mkdir(to, { recursive: true });
        for (const name of names) {
          await writeFile(join(to, name), await readFile(join(shipped, name)));
        }
      } catch (error) {
        throw new OperationError('FILE_UNREADABLE', `${to} cannot be written.`, {}, error);
      }
      return names.map((name) => join(to, name));
    },
  };
}
