import { open, rename, rm } from 'node:fs/promises';
import { OperationError } from '../../model/errors.ts';

/**
 * Writes pieces of text as they come; the file has its name once it is whole.
 * Rejects with FILE_UNWRITABLE, or as the pieces do. @returns its size in bytes.
 */
export async function saveFile(
  path: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  const part = `${path}.part`;
  const unwritable = (cause: unknown): OperationError => {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    return new OperationError('FILE_UNWRITABLE', `Cannot write ${path} (${why}).`, {}, cause);
  };
  const file = await open(part, 'w').catch((error: unknown) => {
    throw unwritable(error);
  });
  try {
    let bytes = 0;
    try {
      for await (const piece of pieces) {
        const data = Buffer.from(piece);
        await file.appendFile(data).catch((error: unknown) => {
          throw unwritable(error);
        });
        bytes += data.length;
      }
    } finally {
      await file.close();
    }
    await rename(part, path).catch((error: unknown) => {
      throw unwritable(error);
    });
    return bytes;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
