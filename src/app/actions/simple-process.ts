import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { simpleProcessArguments } from '../../spec/actions/work-actions.ts';
import { ActionFailure, reasonOf, runAction } from './action-program.ts';

await runAction(simpleProcessArguments, async ({ text = '', file }) => {
  const hash = createHash('sha256');
  let lines = 0;
  let words = 0;
  let bytes = 0;
  let inWord = false;
  const pieces = file === undefined ? [Buffer.from(text)] : createReadStream(file);
  try {
    for await (const piece of pieces as AsyncIterable<Buffer>) {
      hash.update(piece);
      bytes += piece.length;
      for (const byte of piece) {
        if (byte === 10) lines++;
        const isSpace = byte === 32 || (byte >= 9 && byte <= 13);
        if (!isSpace && !inWord) words++;
        inWord = !isSpace;
      }
    }
  } catch (error) {
    throw new ActionFailure(`${file} cannot be read: ${reasonOf(error)}`);
  }
  return { lines, words, bytes, sha256: hash.digest('hex') };
});
