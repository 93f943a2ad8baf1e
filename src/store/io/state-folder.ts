import { hash, randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { OperationError } from '../../model/errors.ts';
import { lockState } from './state-lock.ts';
import { storageFailure } from './storage-failure.ts';

export interface StatePaths {
  readonly journal: string;
  readonly history: string;
  /** Documents of submissions that wait for full queues. */
  readonly overflow: string;
  /** The last inventory of this machine, and what changed in it. */
  readonly inventory: string;
  /** Where clients find the daemon; written by the daemon once it listens. */
  readonly daemon: string;
  readonly token: string;
  /** Hashes of the tokens of tenants. */
  readonly tokens: string;
  readonly apiSocket: string;
  readonly launcherSocket: string;
  readonly attempts: string;
  readonly logs: string;
  /** Reports that were made by themselves; made with the first one. */
  readonly reports: string;
}

export interface StateFolder {
  /** Absolute, without symbolic links. */
  readonly dir: string;
  readonly paths: StatePaths;
  /** The bearer token of this folder, made once. */
  readonly token: string;
  /** Sixteen hex digits that name this folder's cgroups; made once. */
  readonly instance: string;
  /** Lets another daemon have it. The folder stays as it is. */
  release(): void;
}

/** 256 bits in base64url; an operator may put one of their own in its place. */
const TOKEN = /^[\w.~+/=-]{16,256}$/;
const INSTANCE = /^[0-9a-f]{16}$/;
/** sun_path of unix(7) has 108 bytes, the last of them zero. */
const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Creates the folder where it is missing (mode 0700, with its subfolders, token and instance id) and
 * takes it for this process. Throws STATE_UNWRITABLE, STATE_FULL, STATE_CORRUPT, or DAEMON_RUNNING
 * with the pid of the daemon that has it.
 */
export async function openStateFolder(options: { readonly dir: string }): Promise<StateFolder> {
  const dir = prepare(options.dir);
  const release = await lockState(dir);
  try {
    const sockets = prepareSocketFolder(dir);
    const paths: StatePaths = {
      journal: join(dir, 'journal.db'),
      history: join(dir, 'history.db'),
      overflow: join(dir, 'overflow', 'spilled.db'),
      inventory: join(dir, 'inventory.json'),
      daemon: join(dir, 'daemon.json'),
      token: join(dir, 'token'),
      tokens: join(dir, 'tokens.json'),
      apiSocket: join(sockets, 'berth.sock'),
      launcherSocket: join(sockets, 'launcher.sock'),
      attempts: join(dir, 'attempts'),
      logs: join(dir, 'logs'),
      reports: join(dir, 'reports'),
    };
    for (const folder of [paths.attempts, paths.logs]) {
      mkdirSync(folder, { mode: 0o700, recursive: true });
    }
    const token = writtenOnce(paths.token, TOKEN, () => randomBytes(32).toString('base64url'));
    const instance = writtenOnce(join(dir, 'instance'), INSTANCE, () =>
      randomBytes(8).toString('hex'),
    );
    return { dir, paths, token, instance, release };
  } catch (error) {
    release();
    throw storageFailure(`the state folder ${dir}`, error);
  }
}

function prepare(wanted: string): string {
  try {
    mkdirSync(wanted, { mode: 0o700, recursive: true });
    const dir = realpathSync(wanted);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    refuseIfSharedForWriting(dir);
    return dir;
  } catch (error) {
    throw storageFailure(`the state folder ${wanted}`, error);
  }
}

/** Whoever can write here can put a token or a socket of their own in place of ours. */
function refuseIfSharedForWriting(dir: string): void {
  const mode = statSync(dir).mode & 0o777;
  if ((mode & 0o022) === 0) return;
  throw new OperationError(
    'STATE_UNWRITABLE',
    `others may write into ${dir} (mode ${mode.toString(8)}): run \`chmod 700\` on it, or choose another`,
    { dir, mode },
  );
}

/** The folder itself, or one under /tmp where its path is too long for the address of a socket. */
function prepareSocketFolder(dir: string): string {
  if (Buffer.byteLength(join(dir, 'launcher.sock')) <= SOCKET_PATH_BYTES_MAX) return dir;
  const short = join('/tmp', `berth-${hash('sha256', dir).slice(0, 16)}`);
  mkdirSync(short, { mode: 0o700, recursive: true });
  const found = lstatSync(short);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new OperationError('STATE_UNWRITABLE', `${short}, for the sockets, is somebody else's`, {
      dir: short,
    });
  }
  refuseIfSharedForWriting(short);
  return short;
}

/** The content of a small secret file, made at the first call and never rewritten. */
function writtenOnce(file: string, form: RegExp, make: () => string): string {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    const fd = openSync(`${file}.new`, 'w', 0o600);
    try {
      writeSync(fd, `${make()}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(`${file}.new`, file);
  }
  chmodSync(file, 0o600);
  const content = readFileSync(file, 'utf8').trim();
  if (!form.test(content)) {
    throw new OperationError(
      'STATE_CORRUPT',
      `${file} does not hold what it should; without the file, a new one is made`,
      { file },
    );
  }
  return content;
}
