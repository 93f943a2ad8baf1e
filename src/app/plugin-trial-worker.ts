import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { readPlugin } from '../scheduling/define-plugin.ts';
import { resolvePlugins } from './plugin-resolver.ts';

/** What became of importing one plug-in file in a thread of its own. */
export type PluginTrial =
  | { readonly ok: true; readonly kind: string; readonly name: string }
  | { readonly ok: false; readonly problem: string; readonly line: number | undefined };

const file: string = workerData.file;
parentPort?.postMessage(await tried());

async function tried(): Promise<PluginTrial> {
  using _ = resolvePlugins();
  try {
    // The loader tells no line of a syntax error in JavaScript; this does, and JavaScript is TypeScript.
    stripTypeScriptTypes(readFileSync(file, 'utf8'), { sourceUrl: file });
    const module: unknown = await import(pathToFileURL(file).href);
    const exported = Object(module).default as unknown;
    if (exported === undefined)
      return { ok: false, problem: 'it has no default export', line: undefined };
    const read = readPlugin(exported);
    if (!read.ok) return { ok: false, problem: read.problems.join('; '), line: undefined };
    return { ok: true, kind: read.value.kind, name: read.value.plugin.name };
  } catch (error) {
    return { ok: false, ...told(error) };
  }
}

function told(error: unknown): { problem: string; line: number | undefined } {
  if (!(error instanceof Error))
    return { problem: `its import threw ${String(error)}`, line: undefined };
  const [, after] = String(error.stack).split(`${file}:`);
  const line = after === undefined ? undefined : Number.parseInt(after, 10);
  const isSyntax = error instanceof SyntaxError;
  const [message] = error.message.split('\n');
  return { problem: isSyntax ? `${message}` : `its import threw ${error.name}: ${message}`, line };
}
