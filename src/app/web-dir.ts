import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The built page: beside this file in the package, in dist/ of a clone. */
export function webDir(): string {
  const packaged = fileURLToPath(new URL('../web', import.meta.url));
  return existsSync(packaged)
    ? packaged
    : fileURLToPath(new URL('../../dist/web', import.meta.url));
}
