import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';

/** What the daemon leaves in its state folder for clients; more keys may be there. */
const daemonSchema = z.object({
  pid: z.int().positive(),
  url: z.string().nullish(),
  socket: z.string().min(1),
});

export type DaemonFile = z.infer<typeof daemonSchema>;

/** Undefined when there is none, or none that makes sense: then no daemon can be found. */
export async function readDaemonFile(stateDir: string): Promise<DaemonFile | undefined> {
  const text = await readIfThere(join(stateDir, 'daemon.json'), (error) => {
    throw unreadable(stateDir, error);
  });
  if (text === undefined) return undefined;
  try {
    return daemonSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function readToken(stateDir: string): Promise<string | undefined> {
  const token = (await readIfThere(join(stateDir, 'token')))?.trim();
  return token === '' ? undefined : token;
}

/** It may well run: whoever asks cannot see it. */
const unreadable = (stateDir: string, cause: unknown): OperationError =>
  new OperationError(
    'FILE_UNREADABLE',
    `The state folder ${stateDir} may not be read: permission denied.`,
    { state_dir: stateDir },
    cause,
  );

async function readIfThere(
  path: string,
  onForbidden?: (error: unknown) => never,
): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'EACCES') onForbidden?.(error);
    return undefined;
  }
}
