import { chmodSync, lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { OperationError } from '../../model/errors.ts';
import { listening } from './listening.ts';

const CONNECT_MS_MAX = 2_000;

/** Listens on `path` for its owner only; takes the place of a socket that nobody listens on any more. */
export async function listenUnix(server: Server, path: string): Promise<void> {
  const kind = lstatSync(path, { throwIfNoEntry: false });
  if (kind !== undefined) {
    if (!kind.isSocket()) {
      throw new OperationError('STATE_UNWRITABLE', `${path} is in the way: it is not a socket.`, {
        path,
      });
    }
    if (await answers(path)) {
      throw new OperationError('DAEMON_RUNNING', `A daemon listens on ${path} already.`, { path });
    }
    rmSync(path, { force: true });
  }
  // Bound within the call, so that there is no moment at which others may connect.
  const before = process.umask(0o177);
  try {
    const done = listening(server, () => server.listen({ path }));
    process.umask(before);
    await done;
  } catch (cause) {
    throw new OperationError('STATE_UNWRITABLE', `Cannot listen on ${path}.`, { path }, cause);
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
}

/** Whether a process accepts connections there; one that is too busy to accept counts as alive. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.setTimeout(CONNECT_MS_MAX, () => finish(true));
    socket.once('connect', () => finish(true));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code === 'EAGAIN'));
    function finish(alive: boolean): void {
      socket.destroy();
      resolve(alive);
    }
  });
}
