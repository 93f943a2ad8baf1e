import { open } from 'node:fs/promises';
import { ActionFailure, reasonOf } from './action-program.ts';

/** A file as text, at most so many bytes of it: more is a failure, for a part would be a wrong answer. */
export async function readText(file: string, bytesMax: number): Promise<string> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    if (size > bytesMax) {
      throw new ActionFailure(`${file} has ${size} bytes, more than ${bytesMax}`);
    }
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof ActionFailure) throw error;
    throw new ActionFailure(`${file} cannot be read: ${reasonOf(error)}`);
  }
}
