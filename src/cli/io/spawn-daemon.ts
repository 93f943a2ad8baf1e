import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { problemSchema } from '../../api/contract/documents.ts';
import { type ErrorCode, errorTable, OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';
import type { Setting, Settings } from '../settings.ts';
import type { DaemonTerms } from '../world.ts';
import { connectDaemon } from './find-daemon.ts';

/** A journal of a million events replays in a few seconds. */
const UP_MS_MAX = 60_000;

/** Starts `berth up` in a session of its own and waits until it prints its status, or why it could not start. */
export async function spawnDaemon(settings: Settings, terms: DaemonTerms): Promise<Client> {
  const stateDir = settings.stateDir.value;
  const logPath = join(stateDir, 'logs', 'daemon.log');
  await using log = await openLog(stateDir, logPath);
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      process.argv[1]!,
      'up',
      '--json',
      ...asFlag(settings.stateDir, '--state'),
      ...asFlag(terms.port, '--port'),
      ...asFlag(terms.site, '--site'),
      ...asFlag(terms.prices, '--prices'),
    ],
    {
      detached: true,
      stdio: ['ignore', 'pipe', log.fd],
      cwd: '/',
      env: {
        ...process.env,
        ...asVariable(settings.stateDir, 'BERTH_STATE'),
        ...asVariable(terms.site, 'BERTH_SITE'),
        ...asVariable(terms.prices, 'BERTH_PRICES'),
      },
    },
  );
  await firstAnswer(child, logPath);
  child.stdout!.destroy();
  child.unref();
  return connectDaemon({
    ...settings,
    url: { value: undefined, origin: 'default', source: 'the daemon just started' },
  });
}

/** What a flag said is said by a flag again, and a variable by the variable: the child knows who said it. */
const asFlag = ({ value, origin }: Setting<unknown>, name: string): readonly string[] =>
  origin === 'flag' ? [name, String(value)] : [];

/** Absolute, for the child is in another folder. */
const asVariable = (
  { value, source }: Setting<string | undefined>,
  name: string,
): Record<string, string> => (source === name && value !== undefined ? { [name]: value } : {});

/** Resolves when the child has printed a document that is not a problem. */
function firstAnswer(child: ChildProcess, logPath: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hint = `See ${logPath}.`;
  let text = '';
  const late = setTimeout(() => {
    child.kill();
    const waited = `${UP_MS_MAX / 1_000} s`;
    reject(
      new OperationError('TIMED_OUT', `The daemon did not come up within ${waited}.`, { hint }),
    );
  }, UP_MS_MAX);
  promise.catch(() => undefined).finally(() => clearTimeout(late));
  child.once('error', (error) => {
    reject(new OperationError('INTERNAL', `The daemon could not be started: ${error.message}.`));
  });
  child.once('close', (code, signal) => {
    const how = signal ?? `exit code ${code}`;
    reject(new OperationError('INTERNAL', `The daemon ended at once (${how}).`, { hint }));
  });
  child.stdout!.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    const document = completeJson(text);
    if (document === undefined) return;
    const { data: problem } = problemSchema.safeParse(document);
    if (problem === undefined) resolve();
    else reject(asError(problem));
  });
  return promise;
}

function completeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function asError(problem: ReturnType<typeof problemSchema.parse>): OperationError {
  const code = Object.keys(errorTable).find((known): known is ErrorCode => known === problem.code);
  return new OperationError(code ?? 'INTERNAL', problem.detail, {
    ...problem.facts,
    hint: problem.hint,
  });
}

async function openLog(stateDir: string, logPath: string) {
  try {
    await mkdir(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
    return await open(logPath, 'a', 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const reason = String(error.code);
    throw new OperationError(
      'STATE_UNWRITABLE',
      `${logPath} cannot be written (${reason}).`,
      {},
      error,
    );
  }
}
