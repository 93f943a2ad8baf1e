import { fileURLToPath } from 'node:url';
import type { Programs } from '../spec/actions/define-action.ts';

/** TypeScript in a clone, JavaScript in the package: the same as this file. */
const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The programs of the built-in actions, as they lie beside this file. */
export const actionPrograms: Programs = (name) =>
  fileURLToPath(new URL(`./actions/${name.replaceAll('_', '-')}.${ending}`, import.meta.url));
