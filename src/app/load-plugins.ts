import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { OperationError } from '../model/errors.ts';
import { type Plugin, readPlugin } from '../scheduling/define-plugin.ts';
import { resolvePlugins } from './plugin-resolver.ts';
import type { PluginTrial } from './plugin-trial-worker.ts';

/** An import that takes longer has a loop or waits for something that does not come. */
const IMPORT_MAX_MS = 10_000;
const PLUGIN_BYTES_MAX = 1024 ** 2;
const GROUP_OR_OTHERS_WRITE = 0o022;

export type LoadedPlugin = Plugin & { readonly file: string };

export interface LoadPluginsOptions {
  /** Absolute: relative files lie beside it. */
  readonly siteFile: string;
  readonly importMaxMs?: number;
}

/**
 * Loads the plug-ins that a site names. Each file must belong to this user or to root, and nobody else may
 * write it; each is imported in a thread of its own first, so that one that never ends or ends the
 * process does neither here. Rejects with PLUGIN_INVALID and the file, with its line where one is known.
 */
export async function loadPlugins(
  files: readonly string[],
  options: LoadPluginsOptions,
): Promise<readonly LoadedPlugin[]> {
  const loaded: LoadedPlugin[] = [];
  for (const written of files) {
    const file = resolve(dirname(options.siteFile), written);
    checkOwner(file);
    const trial = await tryPlugin(file, options.importMaxMs ?? IMPORT_MAX_MS);
    if (!trial.ok) throw invalid(file, trial.problem, trial.line);
    using _ = resolvePlugins();
    const module: unknown = await import(pathToFileURL(file).href);
    const read = readPlugin(Object(module).default);
    if (!read.ok) throw invalid(file, read.problems.join('; '));
    const { plugin } = read.value;
    const other = loaded.find((one) => one.plugin.name === plugin.name);
    if (other !== undefined) {
      throw invalid(file, `name: ${plugin.name} is the ${other.kind} of ${other.file}, too`);
    }
    loaded.push({ ...read.value, file });
  }
  return loaded;
}

/** Kind and name of each, without running anything of it in this thread. */
async function tryPlugin(file: string, maxMs = IMPORT_MAX_MS): Promise<PluginTrial> {
  const source = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./plugin-trial-worker.${source}`, import.meta.url), {
    workerData: { file },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdout: true,
    stderr: true,
  });
  const { promise, resolve: end } = Promise.withResolvers<PluginTrial>();
  const failed = (problem: string) => end({ ok: false, problem, line: undefined });
  const timer = setTimeout(() => failed(`its import did not end within ${maxMs / 1000} s`), maxMs);
  worker.once('message', end);
  worker.once('error', (error) => failed(`its import threw ${error}`));
  worker.once('exit', (code) => failed(`its import ended the process with code ${code}`));
  const trial = await promise;
  clearTimeout(timer);
  await worker.terminate();
  return trial;
}

/** Its code runs with all that the daemon may do. */
function checkOwner(file: string): void {
  const stats = statsOf(file);
  if (!stats.isFile()) throw invalid(file, 'it is no file');
  if (stats.size > PLUGIN_BYTES_MAX) throw invalid(file, 'it is larger than 1 MiB');
  refuseForeign(file, stats);
  // Who may write the folder may put another file in its place.
  const folder = dirname(realpathSync(file));
  const { mode } = statsOf(folder);
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0 && (mode & 0o1000) === 0) {
    throw invalid(file, `others may write its folder ${folder}`);
  }
}

function refuseForeign(file: string, { uid, mode }: Stats): void {
  assert(process.getuid !== undefined, 'a POSIX system');
  if (uid !== process.getuid() && uid !== 0) {
    throw invalid(file, `it belongs to user ${uid}, not to the one that runs Berth, nor to root`);
  }
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw invalid(file, `others than its owner may write it (mode ${shown}): chmod go-w`);
  }
}

function statsOf(file: string): Stats {
  try {
    return statSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new OperationError(
      'PLUGIN_INVALID',
      `The plug-in ${file} cannot be read: ${why}.`,
      { file },
      error,
    );
  }
}

function invalid(file: string, problem: string, line?: number): OperationError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new OperationError('PLUGIN_INVALID', `The plug-in ${place} cannot be used: ${problem}.`, {
    file,
    ...(line !== undefined && { line }),
  });
}
