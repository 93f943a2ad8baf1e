import { OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';
import type { Settings } from '../settings.ts';
import { readDaemonFile, readToken } from './daemon-file.ts';
import { type Address, openClient } from './open-client.ts';

/** Where the settings say that the daemon is; rejects with DAEMON_DOWN when the state folder names none. */
async function locate(settings: Settings): Promise<Address> {
  const stateDir = settings.stateDir.value;
  const url = settings.url.value;
  const found = await readDaemonFile(stateDir);
  if (url !== undefined) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw new OperationError('CONFIG_INVALID', `${url} is not an http:// or https:// URL.`);
    }
    // The folder's token is for its own daemon only: it must not travel to another host.
    const isOwn = found?.url != null && new URL(found.url).origin === new URL(url).origin;
    const token = settings.token.value ?? (isOwn ? await readToken(stateDir) : undefined);
    return { kind: 'tcp', url, token };
  }
  if (found === undefined) {
    throw new OperationError('DAEMON_DOWN', `No daemon runs on ${stateDir}.`, {
      state_dir: stateDir,
    });
  }
  return { kind: 'socket', path: found.socket };
}

/** A client of the daemon that the settings name. Nothing is sent yet. */
export const connectDaemon = (settings: Settings): Client => openClient(() => locate(settings));

/** Undefined when nobody answers for the state folder; a daemon that was named by URL must answer. */
export async function findDaemon(settings: Settings): Promise<Client | undefined> {
  const client = connectDaemon(settings);
  try {
    await client.status();
    return client;
  } catch (error) {
    client.close();
    const down = error instanceof OperationError && error.code === 'DAEMON_DOWN';
    if (!down || settings.url.value !== undefined) throw error;
    return undefined;
  }
}

/** Carries the token in its query, which the login turns into a cookie at once. */
export async function loginLink(settings: Settings, url: string): Promise<string | undefined> {
  const token = settings.token.value ?? (await readToken(settings.stateDir.value));
  return token === undefined ? undefined : `${url}/login?token=${encodeURIComponent(token)}`;
}
