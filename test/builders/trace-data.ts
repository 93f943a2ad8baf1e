import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const folder = process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data');

/** Why a test of that file of real data is skipped; false where it is at hand. */
export const withoutTrace = (name: string): string | false =>
  existsSync(join(folder, name)) ? false : `no ${name} in ${folder}`;

export function traceSource(name: string): { readonly file: string; readonly text: string } {
  const path = join(folder, name);
  const raw = readFileSync(path);
  return { file: name, text: (name.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1') };
}
