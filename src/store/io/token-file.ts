import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { z } from 'zod';
import { OperationError } from '../../model/errors.ts';
import { storageFailure } from './storage-failure.ts';

const recordSchema = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  role: z.enum(['viewer', 'user', 'admin']),
  /** Null: as the site isolates its tenants. */
  sees: z.enum(['own', 'all']).nullable(),
  created_at: z.int(),
  expires_at: z.int().nullable(),
  note: z.string(),
  /** SHA-256 of the token, in hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

const fileSchema = z.strictObject({ version: z.literal(1), tokens: z.array(recordSchema) });

/** A token as it is kept: whoever reads the file cannot use it. */
export type TokenRecord = z.infer<typeof recordSchema>;

/** Throws OperationError STATE_CORRUPT for a file that says something else, STATE_UNWRITABLE when it cannot be read. */
export function readTokens(file: string): readonly TokenRecord[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw storageFailure(`the file of tokens ${file}`, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data.tokens;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new OperationError('STATE_CORRUPT', `The file of tokens ${file} is damaged at '${where}'.`);
}

/** At once or not at all, and only for its owner. */
export function writeTokens(file: string, tokens: readonly TokenRecord[]): void {
  const half = `${file}.new`;
  try {
    rmSync(half, { force: true });
    const fd = openSync(half, 'wx', 0o600);
    try {
      writeSync(fd, `${JSON.stringify({ version: 1, tokens }, undefined, 2)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(half, file);
  } catch (error) {
    rmSync(half, { force: true });
    throw storageFailure(`the file of tokens ${file}`, error);
  }
}
