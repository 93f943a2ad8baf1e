import type { Problem } from '../api/contract/documents.ts';
import { errorTable, OperationError } from '../model/errors.ts';
import type { CommandResult } from './command.ts';
import { EXIT, meaningOf } from './exit-codes.ts';
import { type Page, paint } from './page.ts';
import type { Terminal } from './world.ts';

/** The only place that writes results: the stream if there is one, the document with --json, else the view. */
export async function printResult(
  terminal: Terminal,
  result: CommandResult,
  json: boolean,
): Promise<void> {
  if (result.stream !== undefined) {
    for await (const piece of result.stream) {
      await terminal.write(piece);
      if (terminal.readerGone.aborted) return;
    }
    return;
  }
  if (json) {
    await terminal.write(toJson(result.document));
    return;
  }
  const lines = result.view(terminal.stdoutPage());
  if (lines.length > 0) await terminal.write(`${lines.join('\n')}\n`);
}

/** What failed goes to stderr as sentences; with --json its problem document goes to stdout. */
export async function printError(
  terminal: Terminal,
  error: unknown,
  options: { readonly json: boolean; readonly debug: boolean },
): Promise<number> {
  const problem = describeError(error);
  terminal.writeError(`${errorLines(terminal.stderrPage(), problem.document).join('\n')}\n`);
  if (options.debug && error instanceof Error) terminal.writeError(`${error.stack}\n`);
  if (options.json) await terminal.write(toJson(problem.document));
  return problem.exit;
}

const toJson = (document: unknown): string => `${JSON.stringify(document, undefined, 2)}\n`;

/** RFC 9457, as the API would answer it. */
export function describeError(error: unknown): {
  readonly document: Problem;
  readonly exit: number;
} {
  if (error instanceof OperationError) {
    const row = errorTable[error.code];
    const { hint, issues, ...facts } = error.facts;
    return {
      exit: row.exit,
      document: {
        type: `urn:berth:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
        title: meaningOf(row.exit),
        status: row.http,
        detail: error.message,
        code: error.code,
        hint: typeof hint === 'string' ? hint : row.hint,
        ...(Array.isArray(issues) ? { issues } : {}),
        ...(Object.keys(facts).length > 0 ? { facts } : {}),
      },
    };
  }
  return {
    exit: EXIT.bug,
    document: {
      type: 'urn:berth:problem:bug',
      title: meaningOf(EXIT.bug),
      status: 500,
      detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      code: 'BUG',
      hint: 'This is a bug in Berth. BERTH_DEBUG=1 shows where; please report it.',
    },
  };
}

function errorLines(page: Page, problem: Problem): readonly string[] {
  return [
    `${paint(page, 'failed', 'berth:')} ${problem.detail}`,
    ...(problem.hint === '' ? [] : [`  ${paint(page, 'faint', problem.hint)}`]),
  ];
}
