import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OperationError } from '../../model/errors.ts';
import type { SubmittedDocument } from '../client.ts';
import { formatBytes } from '../format.ts';

/** The API refuses more. */
const DOCUMENT_BYTES_MAX = 1_048_576;

/** FILE, or `-` for stdin, as text; what cannot be a document is refused before it is sent. */
export async function readDocument(file: string, cwd: string): Promise<SubmittedDocument> {
  const fileName = file === '-' ? 'stdin' : file;
  const content =
    file === '-' ? await readBounded(process.stdin, fileName) : await readFileBounded(file, cwd);
  if (content.includes(0)) {
    throw invalid(`${fileName} is not text: it holds binary data.`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalid(`${fileName} is not UTF-8 text.`);
  }
  if (text.trim() === '') throw invalid(`${fileName} is empty.`);
  return { text, fileName, cwd };
}

const invalid = (sentence: string): OperationError =>
  new OperationError('SPEC_INVALID', sentence, {
    hint: 'A document is YAML or JSON; `berth spec schema` prints its schema.',
  });

async function readFileBounded(file: string, cwd: string): Promise<Buffer> {
  try {
    await using handle = await open(resolve(cwd, file));
    const { size } = await handle.stat();
    if (size > DOCUMENT_BYTES_MAX) throw tooLarge(file, formatBytes(size));
    return await readBounded(handle.createReadStream({ autoClose: false }), file);
  } catch (error) {
    if (error instanceof OperationError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new OperationError(
      'FILE_UNREADABLE',
      `${file} ${reasons[code] ?? `cannot be read (${code})`}.`,
      { file, reason: code },
      error,
    );
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read by you',
  ENOTDIR: 'does not exist: a part of its path is not a folder',
  ELOOP: 'is a link that leads back to itself',
};

async function readBounded(stream: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > DOCUMENT_BYTES_MAX)
      throw tooLarge(name, `more than ${formatBytes(DOCUMENT_BYTES_MAX)}`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const tooLarge = (name: string, size: string): OperationError =>
  new OperationError('SPEC_INVALID', `${name} has ${size}; a document has 1 MiB at most.`, {
    hint: 'Put data into files that the steps read, and many alike tasks into one step with `parallel`.',
  });
