import { readFileSync } from 'node:fs';

/** Of the package that this file is part of, in a clone and installed. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;
