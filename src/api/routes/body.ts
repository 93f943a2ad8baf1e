import { OperationError } from '../../model/errors.ts';

export const DOCUMENT_BYTES_MAX = 1_048_576;

/** The body as text, refused as soon as it is known to be too long. */
export async function readText(request: Request): Promise<string> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > DOCUMENT_BYTES_MAX) throw tooLarge();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const piece of request.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > DOCUMENT_BYTES_MAX) throw tooLarge();
    text += decoded(() => decoder.decode(piece, { stream: true }));
  }
  return text + decoded(() => decoder.decode());
}

/** The same as JSON, whatever its type is said to be. */
export async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OperationError('USAGE', 'The body is not JSON.', {}, cause);
  }
}

const tooLarge = (): OperationError =>
  new OperationError('BODY_TOO_LARGE', `The document is larger than ${DOCUMENT_BYTES_MAX} bytes.`);

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch (cause) {
    throw new OperationError('USAGE', 'The document is not UTF-8 text.', {}, cause);
  }
}
