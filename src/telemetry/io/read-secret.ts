import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

const SECRET_BYTES_MAX = 8_192;

export type ReadSecret =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

/** What a file of the owner alone holds: what is in one that others may read is no secret any more. Never throws. */
export function readSecret(file: string): ReadSecret {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > SECRET_BYTES_MAX) {
      return { ok: false, why: `${file} is no file with a secret` };
    }
    if ((stat.mode & 0o077) !== 0) {
      return { ok: false, why: `others may read ${file}: chmod 600 it` };
    }
    return { ok: true, text: readFileSync(fd, 'utf8').trim() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { ok: false, why: `${file} cannot be read: ${code}` };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
